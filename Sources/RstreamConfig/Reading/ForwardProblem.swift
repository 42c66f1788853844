// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Linux
import RstreamDaemonModel
import RstreamModel

/// Why no stream ever gets anywhere with a `forward` that is one by its form: a slip of the pen that the official tool
/// takes and fails with for every stream.
struct ForwardProblem {
    /// What is wrong, to follow the tunnel's name.
    let message: Wording
    let hint: Wording

    /// Nil when there is no problem with `text`, which was read as `address`.
    init?(_ text: String, _ address: UpstreamAddress) {
        guard case .tcp(_, let service) = address else { return nil }
        if let url = text.firstRange(ofBytes: "://") {
            message = "forward is a URL"
            hint = Self.hint(
                instead: Self.target(ofURL: text[url.upperBound...], scheme: String(text[..<url.lowerBound])),
                because: String(text[..<url.lowerBound]).asciiLowercased.sameBytes(as: "https")
                    ? ", and upstreamTLS: true in \"tunnel\"" : ""
            )
        } else if let slash = text.firstIndex(ofByte: "/") {
            message = "forward has a path after the port"
            hint = Self.hint(
                instead: String(text[..<slash]),
                because: ": the visitor's path is passed on unchanged"
            )
        } else if service.isDigits {
            guard !(1...65_535).contains(Int(service) ?? 0) else { return nil }
            message = "\(service.shortened) is not a port"
            hint = "expected a number from 1 to 65535"
        } else if Services.port(of: service) == nil {
            (message, hint) = Self.unknown(service, of: text)
        } else {
            return nil
        }
    }

    private static func hint(instead target: String, because tail: String) -> Wording {
        Wording("write \"\(target.shortened)\"\(tail)", redacted: "expected host:port")
    }

    /// The host and the port of a URL, whose scheme knows its port where the URL names none.
    private static func target(ofURL rest: Substring, scheme: String) -> String {
        let authority = String(rest[..<(rest.firstIndex(ofByte: "/") ?? rest.endIndex)])
        let start = authority.lastIndex(ofByte: "@").map { authority.utf8.index(after: $0) } ?? authority.startIndex
        let host = String(authority[start...])
        let hasPort = host.lastIndex(ofByte: ":").map { colon in
            let port = host[host.utf8.index(after: colon)...]
            return !port.isEmpty && port.isDigits
        }
        if hasPort == true { return host }
        return "\(host):\(Services.port(of: scheme.asciiLowercased).map(String.init) ?? "PORT")"
    }

    /// A word that is neither a port nor a known service.
    private static func unknown(_ service: String, of text: String) -> (message: Wording, hint: Wording) {
        let message: Wording = "\"\(service.shortened)\" is neither a port nor a service in /etc/services"
        guard text.firstIndex(ofByte: ":") == nil else { return (message, "write the number of the port") }
        // A colon that was left out, or became a blank.
        let start = service.utf8.lastIndex { !$0.isDigit }.map { service.utf8.index(after: $0) } ?? service.endIndex
        let (host, port) = (service[..<start], service[start...])
        let name = host.trimmed
        if !port.isEmpty, name.sameBytes(as: "localhost") || name.utf8.count < host.utf8.count {
            let hint = Wording("did you mean \"\(name.shortened):\(port)\"?", redacted: "expected host:port")
            return (message, hint)
        }
        guard service.contains(byte: ".") || service.sameBytes(as: "localhost") else {
            return (message, "expected a port, or host:port")
        }
        return ("forward has no port", Wording("write \"\(service.shortened):PORT\"", redacted: "expected host:port"))
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
}

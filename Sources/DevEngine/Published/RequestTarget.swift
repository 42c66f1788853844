import NIOHTTP1
import RstreamModel

/// What the engine wants to know of a request head: where it goes, and with which credential.
struct RequestTarget {
    let method: HTTPMethod
    /// Path and query, as they were written.
    let inOriginForm: String
    let path: String
    /// Host without port and without a dot at its end, in lower case.
    let host: String?
    /// The same as it was written, with its port.
    let authority: String?
    /// Why it cannot be said whom the request is for.
    let flaw: String?
    /// Whether the engine's own cookie is there, which a login leaves behind.
    let showsLogin: Bool
    private let query: [ByteKey: String]
    private let authorization: String?

    init(_ head: HTTPRequestHead) {
        method = head.method
        let absolute = Self.absolute(head.uri)
        inOriginForm = absolute?.target ?? head.uri
        let parts = inOriginForm.split(byte: "?", maxSplits: 1, omittingEmpty: false)
        path = parts.first.map(String.init) ?? "/"
        query = parts.count > 1 ? Self.query(parts[1]) : [:]
        authorization = head.headers.first(name: "authorization")
        showsLogin = head.headers["cookie"].contains { field in
            field.split(byte: ";").contains { String($0).trimmed.startsWithBytes(of: "rstream_auth=") }
        }
        let hosts = head.headers["host"]
        // What stands in the target wins (RFC 9112 §3.2.2).
        let named = absolute?.authority ?? hosts.first
        authority = named?.trimmed
        host = named.flatMap(Self.host)
        let isWritable =
            RequestMethod.isToken(head.method.rawValue) && head.uri.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
        flaw =
            if !isWritable || !MessageHeaders.areValid(head.headers) {
                "The request has characters that no request can have."
            } else if hosts.count > 1 {
                "The request names a host twice."
            } else if hosts.isEmpty, head.version == .http1_1 {
                "The request names no host."
            } else if named != nil, host == nil {
                "What the request names is no host."
            } else {
                nil
            }
    }

    /// The parts of a target in absolute form.
    private static func absolute(_ uri: String) -> (authority: String, target: String)? {
        for scheme in ["https://", "http://"] where uri.asciiLowercased.startsWithBytes(of: scheme) {
            let rest = Substring(uri.utf8.dropFirst(scheme.utf8.count))
            let end = rest.utf8.firstIndex { "/?".utf8.contains($0) } ?? rest.endIndex
            let target = rest[end...]
            return (String(rest[..<end]), target.startsWithBytes(of: "/") ? String(target) : "/\(target)")
        }
        return nil
    }

    func value(of name: String) -> String? { query[ByteKey(name)] }

    /// The bearer token, or where that is allowed the one in the query.
    func token(orQuery isQueryAllowed: Bool) -> Secret? {
        let scheme = "bearer "
        if let authorization, authorization.asciiLowercased.startsWithBytes(of: scheme) {
            return Secret(String(decoding: authorization.utf8.dropFirst(scheme.utf8.count), as: UTF8.self).trimmed)
        }
        return isQueryAllowed ? value(of: "rstream.token").map { Secret($0) } : nil
    }

    /// Nil for what cannot be the name of a host; empty where none is named.
    private static func host(_ text: String) -> String? {
        // No name is longer.
        guard text.utf8.count <= 300 else { return nil }
        let text = Substring(text.trimmed.asciiLowercased)
        var name = text.prefix(upTo: text.firstIndex(ofByte: ":") ?? text.endIndex)
        var rest = text[name.endIndex...]
        if text.startsWithBytes(of: "["), let end = text.firstIndex(ofByte: "]") {
            name = text[text.utf8.index(after: text.startIndex)..<end]
            rest = text[text.utf8.index(after: end)...]
        }
        guard rest.isEmpty || rest.startsWithBytes(of: ":"),
            rest.utf8.dropFirst().allSatisfy({ (0x30...0x39).contains($0) }),
            name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"/@\\?#,<>\"[]".utf8.contains($0) })
        else { return nil }
        return String(name).withoutFinalDot
    }

    private static func query(_ text: Substring) -> [ByteKey: String] {
        var values: [ByteKey: String] = [:]
        for pair in text.split(byte: "&") {
            let parts = pair.split(byte: "=", maxSplits: 1, omittingEmpty: false).map { part in
                PercentEncoding.decodeLeniently(part, plusIsSpace: true)
            }
            if let name = parts.first { values[ByteKey(name)] = parts.count > 1 ? parts[1] : "" }
        }
        return values
    }
}

extension String {
    /// A dot at the end of a DNS name says only that it is whole.
    var withoutFinalDot: String {
        utf8.last == UInt8(ascii: ".") ? String(decoding: utf8.dropLast(), as: UTF8.self) : self
    }
}

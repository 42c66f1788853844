// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel

/// Where a service is, as other programs write it: a port, a host and a port, a URL, or a Unix socket.
struct ServiceAddress {
    /// The scheme of a URL, in lower case; empty without one.
    let scheme: String
    /// The text that `forward` takes.
    let forward: String
    /// Whether there is more behind the port than a slash.
    let hasPath: Bool

    /// The ports that URLs of these schemes need not name.
    private static let ports = ["http": 80, "https": 443, "ssh": 22, "rdp": 3_389, "smb": 445, "tls": 443]

    /// Nil for a text that is no address.
    init?(_ text: String) {
        let text = text.trimmed
        if let socket = Self.socket(text) {
            self = socket
            return
        }
        var rest = text[...]
        var scheme = ""
        if let mark = text.firstRange(ofBytes: "://") {
            scheme = text[..<mark.lowerBound].asciiLowercased.cut(toBytes: 64)
            rest = text[mark.upperBound...]
        }
        let end = rest.firstIndex(ofByte: "/") ?? rest.endIndex
        hasPath = rest[end...].utf8.count > 1
        var authority = rest[..<end]
        // A user in front of the host is for HTTP, and none of the address.
        if let at = authority.lastIndex(ofByte: "@") { authority = authority[authority.utf8.index(after: at)...] }
        guard let forward = Self.forward(authority, port: Self.ports[scheme] ?? (scheme.isEmpty ? 80 : nil)) else {
            return nil
        }
        self.scheme = scheme
        self.forward = forward
    }

    private init(socket: String, scheme: String) {
        (forward, self.scheme, hasPath) = (socket, scheme, false)
    }

    /// `unix:/path` and `unix+tls:/path`, also with two slashes more.
    private static func socket(_ text: String) -> Self? {
        for (prefix, scheme) in [("unix+tls:", "https"), ("unix:", "http")] where text.startsWithBytes(of: prefix) {
            var path = text[text.utf8.index(text.startIndex, offsetBy: prefix.utf8.count)...]
            if path.startsWithBytes(of: "///") { path = path[path.utf8.index(path.startIndex, offsetBy: 2)...] }
            guard path.startsWithBytes(of: "/"), isAddress("unix:\(path)") else { return nil }
            return Self(socket: "unix:\(path)", scheme: scheme)
        }
        return nil
    }

    private static func forward(_ authority: Substring, port: Int?) -> String? {
        if authority.isDigits { return forward(host: "localhost", port: Int(authority)) }
        if authority.startsWithBytes(of: "["), let end = authority.lastIndex(ofByte: "]") {
            let host = authority[authority.utf8.index(after: authority.startIndex)..<end]
            let rest = authority[authority.utf8.index(after: end)...]
            return forward(host: String(host), port: rest.isEmpty ? port : Int(rest.dropFirst()))
        }
        guard let colon = authority.lastIndex(ofByte: ":") else { return forward(host: String(authority), port: port) }
        let host = colon == authority.startIndex ? "localhost" : String(authority[..<colon])
        // An IPv6 address without brackets does not say where it ends.
        guard !host.contains(byte: ":") else { return nil }
        return forward(host: host, port: Int(authority[authority.utf8.index(after: colon)...]))
    }

    /// The text for a host, which may be an IPv6 address without brackets, and a port.
    static func forward(host: String, port: Int?) -> String? {
        guard let port, (1...65_535).contains(port), IPAddress(host) != nil || Hostname.isKnowable(host) else {
            return nil
        }
        let text = Hostname.text(host, port: port)
        return isAddress(text) ? text : nil
    }

    private static func isAddress(_ text: String) -> Bool { (try? UpstreamAddress(text)) != nil }

    /// A remark about a path that is not added to those of visitors.
    static let pathRemark = "the visitor's path is passed on as it is, and nothing is put in front of it"
}

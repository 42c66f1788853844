// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOHTTP1
internal import RstreamAdmin
internal import RstreamModel

/// Decides from the head of a request how its connection goes on (RFC 9112), and whether it is answered at all.
///
/// Every web page in a browser on this host can send requests to a port, and read the replies through a name of its own
/// that resolves to this host (DNS rebinding). So a port answers to its own names only, and to no page of another
/// origin. A Unix socket is out of their reach unless a port is forwarded to it: no web page changes anything there.
struct RequestPolicy: Equatable {
    /// Where a client has connected.
    enum Endpoint: Hashable, Sendable {
        /// A Unix socket: its mode decides who may connect, and names have no meaning.
        case file
        /// A port on a loopback address, and its names besides `localhost`.
        case loopback(names: [String])
        /// A port that other hosts reach, by names that are not known here.
        case network
        /// The page for browsers, wherever it listens, and its names besides `localhost`.
        case page(names: [String])
    }

    /// Path and query.
    var target: String
    /// Whether the client waits for `100 Continue` before it sends the body.
    var wantsContinue = false
    /// Whether the connection stays open for another request.
    var keepsAlive: Bool
    /// The `Connection` header of the reply; nil for the default of the version.
    var connection: String? { keepsAlive ? (isOld ? "keep-alive" : nil) : "close" }
    /// Why the request is refused.
    var problem: Problem?

    /// Whether the version is below HTTP/1.1: connections then end after one reply unless both sides ask to keep them.
    private var isOld: Bool

    init(_ head: HTTPRequestHead, at endpoint: Endpoint) {
        isOld = head.version.major < 1 || (head.version.major == 1 && head.version.minor < 1)
        keepsAlive = head.isKeepAlive
        target = head.uri
        let hosts = head.headers["host"]
        var host = hosts.first
        // The absolute form overrides the Host header (RFC 9112 §3.2.2).
        if let absolute = Self.absolute(head.uri) { (host, target) = (absolute.authority, absolute.target) }
        if hosts.count > 1 || (hosts.isEmpty && !isOld) {
            problem = Problem(.badRequest, "a request must have exactly one Host header")
        } else if let host, !host.isEmpty, Authority(host) == nil {
            problem = Problem(.badRequest, "invalid Host header")
        } else {
            problem = Self.refusal(head, host: host ?? "", isOld: isOld, endpoint)
        }
        guard problem == nil else {
            keepsAlive = false
            return
        }
        wantsContinue =
            !isOld
            && head.headers[canonicalForm: "expect"].contains { $0.asciiLowercased.sameBytes(as: "100-continue") }
    }

    /// `http://authority/path?query` in parts; nil for any other form.
    private static func absolute(_ uri: String) -> (authority: String, target: String)? {
        let scheme = String(decoding: uri.utf8.prefix(7), as: UTF8.self)
        guard scheme.asciiLowercased.sameBytes(as: "http://") else { return nil }
        let rest = uri.utf8.dropFirst(7)
        let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
        let target = String(decoding: rest[end...], as: UTF8.self)
        return (String(decoding: rest[..<end], as: UTF8.self), target.startsWithBytes(of: "/") ? target : "/" + target)
    }

    private static func refusal(
        _ head: HTTPRequestHead,
        host: String,
        isOld: Bool,
        _ endpoint: Endpoint
    ) -> Problem? {
        let origin = head.headers["origin"].first
        let own: [String]?
        switch endpoint {
        case .file:
            guard origin != nil, head.method != .GET, head.method != .HEAD else { return nil }
            return Problem(.forbidden, "web pages may change nothing")
        case .loopback(let names): own = names
        case .network: own = nil
        case .page(let names):
            guard !isOfOtherSite(head.headers) else {
                return Problem(.forbidden, "requests of another site are not allowed")
            }
            own = names
        }
        if let origin {
            let scheme = "http://"
            guard origin.asciiLowercased.startsWithBytes(of: scheme),
                origin.asciiLowercased.utf8.dropFirst(scheme.utf8.count).elementsEqual(host.asciiLowercased.utf8)
            else { return Problem(.forbidden, "requests of another origin are not allowed") }
        }
        guard let own else { return nil }
        // Every browser sends Host.
        if host.isEmpty, isOld { return nil }
        guard let name = Authority(host)?.host, isOwn(name, own) else {
            let remedy = if case .page = endpoint { ", or add the name to page.hosts" } else { "" }
            return Problem(.forbidden, "unknown host name; use localhost or the address\(remedy)")
        }
        return nil
    }

    /// Whether a browser says that a page of another site is behind the request (Fetch Metadata). Such a page may link
    /// to this one: what it opens, it cannot read.
    private static func isOfOtherSite(_ headers: HTTPHeaders) -> Bool {
        func value(_ name: String) -> String { headers[name].first?.asciiLowercased ?? "" }
        switch value("sec-fetch-site") {
        case "", "none", "same-origin": return false
        default: return value("sec-fetch-mode") != "navigate" || value("sec-fetch-dest") != "document"
        }
    }

    private static func isOwn(_ name: String, _ names: [String]) -> Bool {
        // A name may have been rebound; an address cannot.
        if IPAddress(name) != nil { return true }
        let name = name.asciiLowercased
        return (["localhost"] + names).contains { $0.asciiLowercased.sameBytes(as: name) }
    }
}

/// A host name or address with an optional port, as in `Host` and in URLs.
struct Authority: Hashable {
    /// Without the brackets of an IPv6 address.
    let host: String

    init?(_ text: String) {
        var rest = text.utf8[...]
        if rest.first == UInt8(ascii: "[") {
            guard let end = rest.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            host = String(decoding: rest[..<end].dropFirst(), as: UTF8.self)
            guard case .v6? = IPAddress(host) else { return nil }
            rest = rest[end...].dropFirst()
        } else {
            let end = rest.firstIndex(of: UInt8(ascii: ":")) ?? rest.endIndex
            host = String(decoding: rest[..<end], as: UTF8.self)
            guard !host.isEmpty, host.utf8.allSatisfy(Self.isOfName) else { return nil }
            rest = rest[end...]
        }
        guard let colon = rest.first else { return }
        let port = rest.dropFirst()
        guard colon == UInt8(ascii: ":"), port.count <= 5,
            port.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
    }

    /// Letters, digits, and `.`, `-`, `_`.
    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

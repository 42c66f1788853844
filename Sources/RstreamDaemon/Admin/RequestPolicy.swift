internal import NIOHTTP1
internal import RstreamAdmin
internal import RstreamModel

/// What HTTP/1.1 asks of a server beside the answer itself (RFC 9112), decided from the head of a request alone.
///
/// A port is open to every page that a browser on this host shows: the page may ask for it, and read the answer under a
/// name of its own that leads here. Therefore a port answers to its own names only, and to no page from elsewhere.
struct RequestPolicy: Equatable {
    /// Where a connection came in.
    enum Endpoint: Hashable, Sendable {
        /// A Unix socket, whose mode says who may ask. Names mean nothing there.
        case file
        /// A port that this host alone can reach, and its names beside `localhost`.
        case loopback(names: [String])
        /// A port that others reach, by whatever name they have for it.
        case network
    }

    /// Path and query.
    var target: String
    /// Whether the client waits to be asked for the body.
    var wantsContinue = false
    /// Whether the connection is good for another request.
    var keeps: Bool
    /// What to say about the connection; nil when the version says it.
    var connection: String? { keeps ? (isOld ? "keep-alive" : nil) : "close" }
    /// Why the request is not answered.
    var problem: Problem?

    /// Whether connections end after one answer unless both say otherwise.
    private var isOld: Bool

    init(_ head: HTTPRequestHead, at door: Endpoint) {
        isOld = head.version.major < 1 || (head.version.major == 1 && head.version.minor < 1)
        keeps = head.isKeepAlive
        target = head.uri
        let hosts = head.headers["host"]
        var host = hosts.first
        // A proxy's form. The authority in it counts, whatever Host says.
        if let absolute = Self.absolute(head.uri) { (host, target) = (absolute.authority, absolute.target) }
        if hosts.count > 1 || (hosts.isEmpty && !isOld) {
            problem = Problem(.badRequest, "a request has to have one Host header")
        } else if let host, !host.isEmpty, Authority(host) == nil {
            problem = Problem(.badRequest, "the Host header is no name with or without a port")
        } else {
            problem = Self.refusal(host: host ?? "", origin: head.headers["origin"].first, isOld: isOld, door)
        }
        guard problem == nil else {
            keeps = false
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

    private static func refusal(host: String, origin: String?, isOld: Bool, _ door: Endpoint) -> Problem? {
        if case .file = door { return nil }
        if let origin {
            let scheme = "http://"
            guard origin.asciiLowercased.startsWithBytes(of: scheme),
                origin.asciiLowercased.utf8.dropFirst(scheme.utf8.count).elementsEqual(host.asciiLowercased.utf8)
            else { return Problem(.forbidden, "a page from elsewhere may not ask here") }
        }
        guard case .loopback(let names) = door else { return nil }
        // Browsers have sent it since HTTP/1.0.
        if host.isEmpty, isOld { return nil }
        guard let name = Authority(host)?.host, isOwn(name, names) else {
            return Problem(.forbidden, "this port does not go by that name; ask for localhost or its address")
        }
        return nil
    }

    private static func isOwn(_ name: String, _ names: [String]) -> Bool {
        // What has been looked up can be anybody's; an address has not been.
        if IPAddress(name) != nil { return true }
        let name = name.asciiLowercased
        return (["localhost"] + names).contains { $0.asciiLowercased.sameBytes(as: name) }
    }
}

/// A name or an address, with or without a port, as it stands in `Host` and in URLs.
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

    /// Letters, digits, and the marks that names of hosts are seen with.
    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

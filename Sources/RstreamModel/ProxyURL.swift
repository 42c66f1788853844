// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// A proxy in one text: `scheme://[user[:password]@]host[:port]`.
public struct ProxyURL: Hashable, Sendable {
    /// The proxy's protocol.
    public enum Scheme: String, Hashable, Sendable, CaseIterable {
        case http
        case https
        case socks5
        /// As ``socks5``; the proxy resolves names, which it does for both (CONFIG.md §7).
        case socks5h

        /// The port of a text that names none.
        public var defaultPort: Int {
            switch self {
            case .http: 80
            case .https: 443
            case .socks5, .socks5h: 1_080
            }
        }
    }

    /// Why a text is not a proxy.
    public enum Malformed: Error, Hashable, Sendable, CustomStringConvertible {
        case scheme(String)
        case address(EngineAddress.Malformed)
        case path
        case escape
        case tooLong

        /// What is wrong, to stand after the name of the setting. It never holds the credentials.
        public var description: String {
            switch self {
            case .scheme(let scheme): "has an unsupported scheme \"\(scheme.shortened)\""
            case .address(let malformed): malformed.description
            case .path: "has a path, a query or a fragment"
            case .escape: "has credentials with a broken %-escape"
            case .tooLong: "is longer than \(ProxyURL.longest) bytes"
            }
        }
    }

    /// The proxy's protocol.
    public let scheme: Scheme
    /// Where it listens.
    public let address: EngineAddress
    /// The credentials in the text, %-escapes undone.
    public let credentials: Proxy.Credentials?

    /// Longer than any text with a name and a password in it.
    private static let longest = 4_096

    /// Reads a text; one without a scheme is an `http` proxy.
    public init(_ text: String) throws(Malformed) {
        let text = text.trimmed
        guard text.utf8.count <= Self.longest else { throw .tooLong }
        var rest = text[...]
        var scheme = Scheme.http
        // A password may hold "://" as well, and must not end up in the error about a scheme.
        let end = text.utf8.firstIndex { !$0.isOfScheme } ?? text.endIndex
        if text[end...].startsWithBytes(of: "://") {
            let name = text[..<end].asciiLowercased
            guard let known = Scheme(rawValue: name) else { throw .scheme(name) }
            scheme = known
            rest = text[text.utf8.index(end, offsetBy: 3)...]
        }
        var credentials: Proxy.Credentials?
        if let at = rest.lastIndex(ofByte: "@") {
            let parts = rest[..<at].split(byte: ":", maxSplits: 1, omittingEmpty: false)
            guard let user = PercentEncoding.decode(parts[0]),
                let password = PercentEncoding.decode(parts.count > 1 ? parts[1] : "")
            else { throw .escape }
            if !(user + password).isEmpty {
                credentials = Proxy.Credentials(username: user, password: Secret(password))
            }
            rest = rest[rest.utf8.index(after: at)...]
        }
        if rest.endsWithBytes(of: "/") { rest = rest[..<rest.utf8.index(before: rest.endIndex)] }
        guard !rest.utf8.contains(where: { "/?#".utf8.contains($0) }) else { throw .path }
        do {
            address = try EngineAddress(String(rest), defaultPort: scheme.defaultPort)
        } catch {
            throw .address(error)
        }
        self.scheme = scheme
        self.credentials = credentials
    }

    /// The route to a proxy that is configured by such a text.
    public var route: Proxy.Route {
        switch scheme {
        case .http: .http(address)
        case .https: .https(address)
        case .socks5, .socks5h: .socks5(address)
        }
    }
}

/// One entry of `NO_PROXY`: `*`, `host`, `.suffix`, `*.suffix` or an IP address, each with an optional `:port`, or a
/// range of addresses in CIDR form (CONFIG.md §7).
public struct ProxyException: Hashable, Sendable {
    private enum Names: Hashable, Sendable {
        case all
        case host(String)
        /// An IP address has several spellings.
        case address(IPAddress)
        case range(IPPrefix)
        case suffix(String)
    }

    private let names: Names
    private let port: Int?

    /// Reads one entry; nil when it is blank or invalid.
    public init?(_ text: some StringProtocol) {
        var name = text.trimmed.asciiLowercased
        var port: Int?
        if let colon = name.lastIndex(ofByte: ":"), case let digits = name[name.utf8.index(after: colon)...],
            digits.isDigits, let number = Int(digits),
            name.startsWithBytes(of: "[")
                ? name[..<colon].endsWithBytes(of: "]") : name.firstIndex(ofByte: ":") == colon
        {
            port = number
            name = String(name[..<colon])
        }
        if name.startsWithBytes(of: "["), name.endsWithBytes(of: "]"), name.utf8.count > 1 {
            name = String(name[name.utf8.index(after: name.startIndex)..<name.utf8.index(before: name.endIndex)])
        }
        // A name with its final dot is the same name.
        if name.endsWithBytes(of: "."), !name.sameBytes(as: "*."), name.utf8.count > 1 {
            name = String(name[..<name.utf8.index(before: name.endIndex)])
        }
        guard !name.isEmpty, port.map({ (1...65_535).contains($0) }) != false else { return nil }
        self.port = port
        if name.sameBytes(as: "*") {
            names = .all
        } else if let address = IPAddress(name) {
            names = .address(address)
        } else if name.contains(byte: "/") {
            guard port == nil, let range = IPPrefix(name) else { return nil }
            names = .range(range)
        } else {
            let isSuffix = name.startsWithBytes(of: ".") || name.startsWithBytes(of: "*.")
            guard let dot = name.firstIndex(ofByte: "."), isSuffix else {
                guard Self.isName(name) else { return nil }
                names = .host(name)
                return
            }
            guard Self.isName(String(name[name.utf8.index(after: dot)...])) else { return nil }
            names = .suffix(String(name[dot...]))
        }
    }

    private static func isName(_ text: String) -> Bool {
        Hostname.isKnowable(text) && !Hostname.isMistakenAddress(text)
    }

    /// The entries of a whole `NO_PROXY`, separated by commas or white space; invalid ones are left out.
    public static func list(_ text: String) -> [ProxyException] {
        entries(text).compactMap { ProxyException($0) }
    }

    /// The invalid entries, as they were written.
    package static func unreadable(_ text: String) -> [String] {
        entries(text).filter { ProxyException($0) == nil }
    }

    private static func entries(_ text: String) -> [String] {
        text.utf8.split { $0 == UInt8(ascii: ",") || $0 <= UInt8(ascii: " ") }
            .map { String(decoding: $0, as: UTF8.self) }
    }

    /// Whether `address` is dialed without a proxy.
    public func covers(_ address: EngineAddress) -> Bool {
        if let port, port != address.port { return false }
        switch names {
        case .all: return true
        case .host(let host): return host.sameBytes(as: address.host)
        case .address(let literal): return literal == IPAddress(address.host)
        case .range(let range): return IPAddress(address.host).map { range.contains($0) } ?? false
        case .suffix(let suffix): return address.host.endsWithBytes(of: suffix)
        }
    }
}

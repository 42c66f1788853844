// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Where the daemon itself takes connections: `address:port`, `[ipv6]:port` or `unix:/path`.
package enum ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// A literal or a name that is looked up when listening starts, and a port; zero lets the system choose one.
    case tcp(host: String, port: Int)
    /// A socket in the file system.
    case unix(path: String)

    /// Why a text is not a listen address.
    package enum Malformed: Error, Hashable, Sendable, CustomStringConvertible {
        case noPort
        case host(String)
        case port(String)
        case relativePath
        case longPath

        /// What is wrong, to stand after the name of the setting.
        package var description: String {
            switch self {
            case .noPort: "has no port"
            case .host(let host): "has an invalid address \"\(host.shortened)\""
            case .port(let port): "has an invalid port \"\(port.shortened)\""
            case .relativePath: "needs a path that starts with \"/\""
            case .longPath: "has a path of more than \(ListenAddress.longestSocketPath) bytes"
            }
        }
    }

    /// The longest path of a Unix socket: `sun_path` less its final zero byte.
    package static let longestSocketPath = 107

    /// Reads a text. The address is required: to listen at all addresses, write `0.0.0.0`.
    package init(_ text: String) throws(Malformed) {
        let text = text.trimmed
        if text.startsWithBytes(of: "unix:") {
            let path = String(text[text.utf8.index(text.startIndex, offsetBy: 5)...])
            guard path.startsWithBytes(of: "/") else { throw .relativePath }
            guard path.utf8.count <= Self.longestSocketPath else { throw .longPath }
            self = .unix(path: path)
            return
        }
        guard let colon = text.lastIndex(ofByte: ":") else { throw .noPort }
        var host = text[..<colon].asciiLowercased
        if let literal = Self.bracketed(host), case .v6 = literal {
            // One address is one text, however its zeros were written.
            host = literal.description
        } else if !Self.isHost(host) {
            throw .host(host)
        }
        let port = text[text.utf8.index(after: colon)...]
        guard (1...5).contains(port.utf8.count), port.isDigits, let number = Int(port), number <= 65_535
        else { throw .port(String(port)) }
        self = .tcp(host: host, port: number)
    }

    private static func bracketed(_ text: String) -> IPAddress? {
        guard text.startsWithBytes(of: "["), text.endsWithBytes(of: "]"), text.utf8.count > 2 else { return nil }
        return IPAddress(text[text.utf8.index(after: text.startIndex)..<text.utf8.index(before: text.endIndex)])
    }

    /// Whether this is an IPv4 address or a name.
    private static func isHost(_ text: String) -> Bool {
        if case .v4? = IPAddress(text) { return true }
        return Hostname.isKnowable(text) && !Hostname.isMistakenAddress(text)
    }

    /// The address of each socket that this becomes, as far as that is known without looking a name up.
    package var sockets: [ListenAddress] {
        guard case .tcp(let host, let port) = self, let known = IPAddress.known(of: host) else { return [self] }
        return known.map { .tcp(host: "\($0)", port: port) }
    }

    /// How many sockets that may be; a name counts as one address of each family.
    package var socketCount: Int {
        guard case .tcp(let host, _) = self else { return 1 }
        return IPAddress.known(of: host)?.count ?? IPAddress.loopbacks.count
    }

    /// Whether the system chooses another port each time.
    package var isChosenBySystem: Bool {
        if case .tcp(_, port: 0) = self { true } else { false }
    }

    /// Who can connect besides the users of this host, as the subject of a sentence; nil where they alone can.
    package var readersOfOtherHosts: String? {
        guard case .tcp(let host, _) = self, !Hostname.isLoopback(host) else { return nil }
        guard let address = IPAddress(host) else { return "everyone who reaches the addresses of \(host)" }
        let kind = address.unmapped.kind
        switch kind {
        case .loopback: return nil
        case .unspecified: return "everyone who reaches this host"
        case .open, .linkLocal, .private, .shared, .multicast, .reserved:
            return "everyone who reaches the \(kind.text) address \(address)"
        }
    }

    /// The form that the configuration takes.
    package var description: String {
        switch self {
        case .tcp(let host, let port): Hostname.text(host, port: port)
        case .unix(let path): "unix:\(path)"
        }
    }
}

extension ListenAddress {
    /// Whether both are the same to the kernel, which sees bytes.
    package static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.tcp(let host, let port), .tcp(let otherHost, let otherPort)):
            port == otherPort && host.sameBytes(as: otherHost)
        case (.unix(let path), .unix(let other)): path.sameBytes(as: other)
        case (.tcp, _), (.unix, _): false
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch self {
        case .tcp(let host, let port):
            hasher.combine(ByteKey(host))
            hasher.combine(port)
        case .unix(let path): hasher.combine(ByteKey(path))
        }
    }
}

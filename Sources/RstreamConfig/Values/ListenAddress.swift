import RstreamModel

/// Where the daemon itself takes connections: `address:port`, `[ipv6]:port` or `unix:/path`.
package enum ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// A literal or a name that is looked up when listening starts, and a port; zero lets the system choose one.
    case tcp(host: String, port: Int)
    /// A socket in the file system.
    case unix(path: String)

    /// Why a text is none.
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
    static let longestSocketPath = 107

    /// Reads a text. An address has to be there: who wants to be reached by everybody says so with `0.0.0.0`.
    package init(_ text: String) throws(Malformed) {
        let text = text.trimmed
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst("unix:".count))
            guard path.hasPrefix("/") else { throw .relativePath }
            guard path.utf8.count <= Self.longestSocketPath else { throw .longPath }
            self = .unix(path: path)
            return
        }
        guard let colon = text.lastIndex(of: ":") else { throw .noPort }
        var host = text[..<colon].lowercased()
        if host.hasPrefix("["), host.hasSuffix("]"), let address = IPAddress(host.dropFirst().dropLast()),
            case .v6 = address
        {
            // One address is one text, however its zeros were written.
            host = address.description
        } else if !Self.isHost(host) {
            throw .host(host)
        }
        let port = text[text.index(after: colon)...]
        guard (1...5).contains(port.count), port.allSatisfy(\.isASCIIDigit), let number = Int(port), number <= 65_535
        else { throw .port(String(port)) }
        self = .tcp(host: host, port: number)
    }

    /// Whether this is an IPv4 address or a name.
    private static func isHost(_ text: String) -> Bool {
        if case .v4? = IPAddress(text) { return true }
        return Hostname.isValid(text) && !Hostname.isMistakenAddress(text)
    }

    /// Whether this is another address each time.
    var isChosenBySystem: Bool {
        if case .tcp(_, port: 0) = self { true } else { false }
    }

    /// The form that the configuration takes.
    package var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}

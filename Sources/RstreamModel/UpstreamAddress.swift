/// The local service that a tunnel's streams go to: the `forward` of a tunnel file (RUN.md §2.2, contract §3.3).
public enum UpstreamAddress: Hashable, Sendable {
    /// Host name or literal, and a port number or service name, which is looked up when dialing.
    case tcp(host: String, service: String)
    /// A Unix socket in the file system.
    case unix(path: String)
    /// A Unix socket in Linux's abstract name space.
    case abstract(name: String)

    /// Why a text is not a forward target.
    public enum Malformed: Error, Hashable, Sendable, CustomStringConvertible {
        case blank
        case invalid(String)
        case mistakenAddress(String)

        /// The official tool's words, but for an address that it would try in vain.
        public var description: String {
            switch self {
            case .blank: "forward target is empty"
            case .invalid(let text): "invalid forward target \"\(text)\""
            case .mistakenAddress(let host):
                "forward target has \"\(host)\" for a host, which looks like an IPv4 address and is none"
            }
        }
    }

    /// The longest path of a Unix socket: `sun_path` less its final zero byte.
    private static let longestSocketPath = 107

    /// Reads `port`, `host:port`, `[v6]:port`, `unix:/path` or `unix:@name`.
    public init(_ text: String) throws(Malformed) {
        let text = text.trimmed
        guard !text.isEmpty else { throw .blank }
        if text.hasPrefix("unix:") {
            self = try Self.socket(text.dropFirst("unix:".count), of: text)
        } else if text.hasPrefix("[") {
            self = try Self.bracketed(text)
        } else if let colon = text.firstIndex(of: ":") {
            let host = text[..<colon].trimmed
            let service = text[text.index(after: colon)...].trimmed
            guard !host.isEmpty, !service.isEmpty else { throw .invalid(text) }
            guard !Hostname.isMistakenAddress(host) else { throw .mistakenAddress(host) }
            self = .tcp(host: host, service: service)
        } else {
            self = .tcp(host: "localhost", service: text)
        }
    }

    private static func socket(_ place: Substring, of text: String) throws(Malformed) -> Self {
        guard place.utf8.count <= longestSocketPath, !place.contains("\0") else { throw .invalid(text) }
        if place.hasPrefix("@"), place.count > 1 { return .abstract(name: String(place.dropFirst())) }
        guard place.hasPrefix("/") else { throw .invalid(text) }
        return .unix(path: String(place))
    }

    private static func bracketed(_ text: String) throws(Malformed) -> Self {
        guard let end = text.firstIndex(of: "]") else { throw .invalid(text) }
        let host = String(text[text.index(after: text.startIndex)..<end])
        let rest = text[text.index(after: end)...]
        guard case .v6 = IPAddress(host), rest.first == ":", !rest.dropFirst().trimmed.isEmpty else {
            throw .invalid(text)
        }
        return .tcp(host: host, service: rest.dropFirst().trimmed)
    }
}

extension UpstreamAddress: CustomStringConvertible {
    /// The form a tunnel file takes.
    public var description: String {
        switch self {
        case .tcp(let host, let service): host.contains(":") ? "[\(host)]:\(service)" : "\(host):\(service)"
        case .unix(let path): "unix:\(path)"
        case .abstract(let name): "unix:@\(name)"
        }
    }
}

package import RstreamModel

/// The way to one address, as the transport's settings have it: straight, or through a proxy (CONFIG.md §7).
package enum EngineRoute: Hashable, Sendable {
    case direct
    case proxy(ProxyHop)

    /// Chooses the way to `address`. A proxy of the environment is chosen anew for each address, redirects included;
    /// a configured one is always used.
    package init(to address: EngineAddress, by proxy: Proxy?) throws(RstreamError) {
        guard let proxy else {
            self = .direct
            return
        }
        switch proxy.route {
        case .http(let at): self = .proxy(try ProxyHop(.http, at: at, proxy, proxy.credentials))
        case .https(let at): self = .proxy(try ProxyHop(.https, at: at, proxy, proxy.credentials))
        case .socks5(let at): self = .proxy(try ProxyHop(.socks5, at: at, proxy, proxy.credentials))
        case .environment(let environment):
            guard let url = environment.proxy, !environment.exceptions.contains(where: { $0.covers(address) }) else {
                self = .direct
                return
            }
            let language: ProxyHop.Language =
                switch url.scheme {
                case .http: .http
                case .https: .https
                case .socks5, .socks5h: .socks5
                }
            self = .proxy(try ProxyHop(language, at: url.address, proxy, proxy.credentials ?? url.credentials))
        }
    }
}

/// A proxy that a connection goes through, and everything that is said to it.
package struct ProxyHop: Hashable, Sendable, CustomStringConvertible {
    /// What is spoken to the proxy.
    package enum Language: Hashable, Sendable {
        case http
        /// As ``http``, inside of TLS.
        case https
        case socks5
    }

    package let language: Language
    package let address: EngineAddress
    /// How an `https` proxy proves who it is.
    package let tls: TransportOptions.TLS
    private let credentials: Proxy.Credentials?
    private let headers: [String: String]

    fileprivate init(
        _ language: Language,
        at address: EngineAddress,
        _ proxy: Proxy,
        _ credentials: Proxy.Credentials?
    ) throws(RstreamError) {
        self.language = language
        self.address = address
        self.credentials = credentials
        tls = proxy.tls
        headers = language == .socks5 ? [:] : proxy.headers
        try check()
    }

    /// What to say to the proxy to get to `target`.
    package func machine(to target: EngineAddress) -> any ProxyStateMachine {
        switch language {
        case .http, .https: HTTPConnectStateMachine(target: target, headers: headers, credentials: credentials)
        case .socks5: SOCKS5StateMachine(target: target, credentials: credentials)
        }
    }

    /// The proxy's kind and address; nothing of its credentials.
    package var description: String {
        switch language {
        case .http, .https: "HTTP proxy \(address)"
        case .socks5: "SOCKS5 proxy \(address)"
        }
    }

    /// A header with a line break would be several, and a name that does not fit in its length byte would be cut.
    private func check() throws(RstreamError) {
        for (name, value) in headers {
            guard !name.isEmpty, name.utf8.allSatisfy(Self.isTokenByte) else {
                throw Self.invalid("a header of the \(self) has an invalid name")
            }
            guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
                throw Self.invalid("the header \"\(name)\" of the \(self) has an invalid value")
            }
            guard !isReserved(name.lowercased()) else {
                throw Self.invalid("the header \"\(name)\" of the \(self) cannot be set")
            }
        }
        guard let credentials else { return }
        let (user, password) = (credentials.username.utf8, credentials.password.reveal().utf8)
        switch language {
        case .http, .https:
            // RFC 7617 §2: the first colon ends the user's name.
            guard !user.contains(UInt8(ascii: ":")) else {
                throw Self.invalid("the user name for the \(self) contains \":\"")
            }
        case .socks5:
            guard (1...255).contains(user.count), (1...255).contains(password.count) else {
                throw Self.invalid("user name and password for the \(self) must have 1 to 255 bytes each")
            }
        }
    }

    private func isReserved(_ name: String) -> Bool {
        switch name {
        case "host", "content-length", "transfer-encoding": true
        case "proxy-authorization": credentials != nil
        default: false
        }
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    private static func invalid(_ what: String) -> RstreamError {
        RstreamError(
            code: .invalidConfig,
            origin: .configuration,
            retry: .afterReload,
            what: what,
            fix: "check transport.proxy"
        )
    }
}

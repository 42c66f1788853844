/// A proxy between this host and the engine. TLS to the engine is end to end inside of it (CONFIG.md §7).
public struct Proxy: Hashable, Sendable {
    /// Which proxy, and what is spoken to it.
    public enum Route: Hashable, Sendable {
        /// HTTP CONNECT in the clear.
        case http(EngineAddress)
        /// HTTP CONNECT inside of TLS.
        case https(EngineAddress)
        /// SOCKS5.
        case socks5(EngineAddress)
        /// Whatever the environment says for each address, which may be no proxy.
        case environment(ProxyEnvironment)
    }

    /// Which proxy, and what is spoken to it.
    public var route: Route
    /// Who we are to the proxy; nil for nobody.
    public var credentials: Credentials?
    /// Sent with CONNECT; HTTP only.
    @Bytewise public var headers: [String: String]
    /// How an `https` proxy proves who it is; without a server name, by the proxy's host.
    public var tls: TransportOptions.TLS

    /// A user of a proxy.
    public struct Credentials: Hashable, Sendable {
        /// The user's name.
        @Bytewise public var username: String
        /// The user's password.
        public var password: Secret

        /// Names a user.
        public init(username: String, password: Secret) {
            self.username = username
            self.password = password
        }
    }

    /// A proxy that needs nothing but its address unless given otherwise.
    public init(
        route: Route,
        credentials: Credentials? = nil,
        headers: [String: String] = [:],
        tls: TransportOptions.TLS = TransportOptions.TLS()
    ) {
        self.route = route
        self.credentials = credentials
        self.headers = headers
        self.tls = tls
    }
}

/// What the environment says about proxies, read once (CONFIG.md §7).
public struct ProxyEnvironment: Hashable, Sendable {
    /// The first non-empty of `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY`, with the credentials in it; nil for none.
    public var proxy: ProxyURL?
    /// The entries of `NO_PROXY`.
    public var exceptions: [ProxyException]

    /// Entries of `NO_PROXY` that name nothing, for whoever warns of them.
    package var unreadableExceptions: [String] = []

    /// No proxy unless given.
    public init(proxy: ProxyURL? = nil, exceptions: [ProxyException] = []) {
        self.proxy = proxy
        self.exceptions = exceptions
    }
}

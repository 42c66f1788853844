// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// How connections to an engine are made (CONFIG.md §7). What is absent is left to the system.
public struct TransportOptions: Hashable, Sendable {
    /// Where connections start.
    public var bind: Bind?
    /// The only address family that is dialed; nil for both.
    public var ipFamily: IPFamily?
    /// Whether to use multipath TCP; a kernel or engine without it falls back to TCP.
    public var multipath: Bool
    /// The name server to use instead of the system's resolver.
    public var dns: DNS?
    /// How the engine proves who it is.
    public var tls: TLS
    /// What stands between this host and the engine.
    public var proxy: Proxy?
    /// Where the engine may send the agent for a stream (PROTOCOL.md §6.1).
    public var redirects: Redirects
    /// Connections that are made before a stream needs them; nil for none.
    public var prewarm: Prewarm?

    /// The local end of a connection.
    public enum Bind: Hashable, Sendable {
        /// This address of the host.
        case address(IPAddress)
        /// An address of this interface, of the family that is dialed.
        case interface(String)
    }

    /// A version of IP.
    public enum IPFamily: String, Hashable, Sendable, CaseIterable {
        case ipv4
        case ipv6
    }

    /// A name server that the user chose (CONFIG.md §7).
    public struct DNS: Hashable, Sendable {
        /// Where it answers: port 53, or 853 with TLS, unless given.
        public var server: EngineAddress
        /// Nil for plain DNS; for DNS over TLS, the name that its certificate must have.
        @Bytewise public var tlsServerName: String?

        /// A name server that is queried over TLS if `tlsServerName` is given, and unencrypted otherwise.
        public init(server: EngineAddress, tlsServerName: String? = nil) {
            self.server = server
            self.tlsServerName = tlsServerName
        }
    }

    /// Where the engine may send the agent for a stream. Without a bound, the engine could scan the agent's own
    /// network.
    public enum Redirects: String, Hashable, Sendable, CaseIterable {
        /// To its own host or address, at any port.
        case engine
        /// Also to public addresses, and to addresses of the same kind as its own: private ones if it has a private
        /// one.
        case `public`
        /// To any address.
        case any
    }

    /// How much of the peers' certificates is checked.
    package enum Verification: String, Hashable, Sendable, CaseIterable, Codable {
        /// All of it.
        case full
        /// The engine's certificate, but not the proxy's.
        case engineOnly
        /// Nothing: any host on the way can pretend to be the engine.
        case none
    }

    /// How much is checked. Every message about it goes by this.
    package var verification: Verification {
        if tls.insecureSkipVerify { return .none }
        return proxy?.tls.insecureSkipVerify == true ? .engineOnly : .full
    }

    /// How the other end of a TLS connection proves who it is (PROTOCOL.md §1).
    public struct TLS: Hashable, Sendable {
        /// A PEM file whose certificates are trusted in addition to the system's; read again at every connect.
        @Bytewise public var caFile: String?
        /// The name to send and to verify instead of the address's host.
        @Bytewise public var serverName: String?
        /// Turns off chain and name verification, nothing else. For development only.
        public var insecureSkipVerify: Bool

        /// The system's trust store and the address's host, unless given otherwise.
        public init(caFile: String? = nil, serverName: String? = nil, insecureSkipVerify: Bool = false) {
            self.caFile = caFile
            self.serverName = serverName
            self.insecureSkipVerify = insecureSkipVerify
        }
    }

    /// The system's defaults unless given.
    public init(
        bind: Bind? = nil,
        ipFamily: IPFamily? = nil,
        multipath: Bool = false,
        dns: DNS? = nil,
        tls: TLS = TLS(),
        proxy: Proxy? = nil,
        redirects: Redirects = .public,
        prewarm: Prewarm? = nil
    ) {
        self.bind = bind
        self.ipFamily = ipFamily
        self.multipath = multipath
        self.dns = dns
        self.tls = tls
        self.proxy = proxy
        self.redirects = redirects
        self.prewarm = prewarm
    }
}

extension TransportOptions.Bind {
    /// Whether both are the same to the kernel.
    public static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.address(let address), .address(let other)): address == other
        case (.interface(let name), .interface(let other)): name.sameBytes(as: other)
        case (.address, _), (.interface, _): false
        }
    }

    /// Takes in what tells two apart.
    public func hash(into hasher: inout Hasher) {
        switch self {
        case .address(let address): hasher.combine(address)
        case .interface(let name): hasher.combine(ByteKey(name))
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// How a tunnel's streams reach its local service: the `upstream` of a tunnel file (contract §3.3).
package struct UpstreamOptions: Hashable, Sendable {
    /// How long reaching a service may take, name resolution and the tries of others included; more than zero.
    package var connectTimeout: Duration
    /// How long a stream may wait for a service that refuses or is missing; zero fails it at once.
    package var holdTimeout: Duration
    /// Whether the service is told who the visitor is.
    package var proxyProtocol: ProxyProtocolVersion?
    /// How long a stream may carry no byte in either direction; nil for ever.
    package var idleTimeout: Duration?
    /// How a stream's service is chosen where there are several.
    package var balance: UpstreamBalance
    /// How services are checked; nil where only streams tell how they are.
    package var health: UpstreamHealthOptions?
    /// TLS to the services; nil for none.
    package var tls: UpstreamTLSOptions?
    /// The only user whose Unix sockets may be used, if a user of `limits.tunnelOwners` owns the tunnel file; nil for
    /// the usual rule.
    package var socketOwner: UInt32?
    /// The port of the service name of one address, looked up when the configuration was read; nil if the port is a
    /// number.
    package var servicePort: Int?

    /// The contract's defaults unless given.
    package init(
        connectTimeout: Duration = .seconds(5),
        holdTimeout: Duration = .zero,
        proxyProtocol: ProxyProtocolVersion? = nil,
        idleTimeout: Duration? = nil,
        balance: UpstreamBalance = .roundRobin,
        health: UpstreamHealthOptions? = nil,
        tls: UpstreamTLSOptions? = nil
    ) {
        self.connectTimeout = connectTimeout
        self.holdTimeout = holdTimeout
        self.proxyProtocol = proxyProtocol
        self.idleTimeout = idleTimeout
        self.balance = balance
        self.health = health
        self.tls = tls
    }
}

/// A version of HAProxy's PROXY protocol.
package enum ProxyProtocolVersion: String, Hashable, Sendable, CaseIterable {
    /// One line of text.
    case v1
    /// Binary.
    case v2
}

/// What a reload does to the streams of a tunnel that it changes or removes (contract §5).
package enum StreamDisposition: String, Hashable, Sendable, CaseIterable {
    /// They may end by themselves within the drain's timeout.
    case drain
    /// They are never ended.
    case keep
    /// They are ended at once.
    case cut
}

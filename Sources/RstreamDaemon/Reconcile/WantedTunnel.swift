// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamDaemonModel
package import RstreamModel

/// A configured tunnel, as far as a reload compares it.
package struct WantedTunnel: Hashable, Sendable {
    /// Unique in the configuration.
    package var name: String
    /// The name of its context.
    package var context: String
    /// What the engine is told about it.
    package var properties: TunnelProperties
    /// Settings that the engine is not told about.
    package var local: LocalSettings

    package init(name: String, context: String = "", properties: TunnelProperties, local: LocalSettings) {
        self.name = name
        self.context = context
        self.properties = properties
        self.local = local
    }

    /// Settings that change without the engine noticing.
    package struct LocalSettings: Hashable, Sendable {
        /// Where streams go; one at least.
        package var targets: [UpstreamTarget]
        package var options: UpstreamOptions
        /// The limit of concurrent streams; zero for none.
        package var streamLimit: Int
        /// What happens to open streams when the tunnel changes or is removed.
        package var disposition: StreamDisposition
        /// Whether the latest requests are kept in memory.
        package var isInspected: Bool

        package init(
            targets: [UpstreamTarget],
            options: UpstreamOptions,
            streamLimit: Int,
            disposition: StreamDisposition,
            isInspected: Bool = false
        ) {
            self.targets = targets
            self.options = options
            self.streamLimit = streamLimit
            self.disposition = disposition
            self.isInspected = isInspected
        }
    }

    /// The public address of the tunnel; nil if it is not published.
    package var claim: AddressClaim? { AddressClaim(name, properties) }

    /// The keys in which it differs from `before`, apart from the context.
    package func changedKeys(from before: WantedTunnel) -> [ConfigurationKey] {
        guard properties != before.properties || local != before.local else { return [] }
        let keys = Self.comparisons.filter { !$0.areEqual(self, before) }.map(\.key)
        // A difference that no key covers still counts.
        return keys.isEmpty ? [.specLabels] : keys
    }

    typealias Comparison = (key: ConfigurationKey, areEqual: @Sendable (WantedTunnel, WantedTunnel) -> Bool)

    /// How each key is compared.
    static let comparisons: [Comparison] = local + spec

    private static let local: [Comparison] = [
        // A list with one entry is what `forward` says.
        (.tunnelForward, { hasSamePlaces($0, $1) || !($0.hasOnePlace && $1.hasOnePlace) }),
        (.targetForward, { hasSamePlaces($0, $1) || $0.hasOnePlace && $1.hasOnePlace }),
        (.targetWeight, { !hasSamePlaces($0, $1) || sameOfTargets($0, $1, \.weight) }),
        (.targetBackup, { !hasSamePlaces($0, $1) || sameOfTargets($0, $1, \.isBackup) }),
        (.upstreamConnectTimeout, { same($0, $1, \.local.options.connectTimeout) }),
        (.upstreamHoldTimeout, { same($0, $1, \.local.options.holdTimeout) }),
        (.upstreamProxyProtocol, { same($0, $1, \.local.options.proxyProtocol) }),
        (.upstreamIdleTimeout, { same($0, $1, \.local.options.idleTimeout) }),
        (.upstreamBalance, { same($0, $1, \.local.options.balance) }),
        (.healthInterval, { same($0, $1, \.health.interval) }),
        (.healthTimeout, { same($0, $1, \.health.timeout) }),
        (.healthRise, { same($0, $1, \.health.rise) }),
        (.healthFall, { same($0, $1, \.health.fall) }),
        // It stands for whether there are checks at all, too.
        (.healthTcp, { same($0, $1, \.isChecked) && same($0, $1, \.isCheckedByTCP) }),
        (.healthHttpPath, { same($0, $1, \.httpCheck.path) }),
        (.healthHttpHost, { same($0, $1, \.httpCheck.host) }),
        (.healthHttpStatus, { same($0, $1, \.httpCheck.statuses) }),
        (.healthOnUnhealthy, { same($0, $1, \.health.onUnhealthy) }),
        (.upstreamTlsServerName, { same($0, $1, \.tls.tls.serverName) }),
        (.upstreamTlsCaFile, { same($0, $1, \.tls.tls.caFile) }),
        // It stands for whether there is TLS at all, too.
        (.upstreamTlsInsecureSkipVerify, { same($0, $1, \.speaksTLS) && same($0, $1, \.tls.tls.insecureSkipVerify) }),
        (.upstreamTlsCertificateFile, { same($0, $1, \.tls.certificateFile) }),
        (.upstreamTlsKeyFile, { same($0, $1, \.tls.keyFile) }),
        (.upstreamTlsKeyUri, { same($0, $1, \.tls.hardwareKey?.uri) }),
        (.upstreamTlsKeyPinFile, { same($0, $1, \.tls.hardwareKey?.pinFile) }),
        (.tunnelStreams, { same($0, $1, \.local.streamLimit) }),
        (.tunnelDisposition, { same($0, $1, \.local.disposition) }),
        (.tunnelInspect, { same($0, $1, \.local.isInspected) }),
    ]

    private static let spec: [Comparison] = TunnelProperty.allCases.compactMap { property in
        ConfigurationKey(property).map { key in
            (key, { $0.properties.hasSame(property, as: $1.properties) })
        }
    }

    /// Whether streams go to the same places with the same rights: the owner of permitted sockets depends on the file
    /// that has the addresses.
    private static func hasSamePlaces(_ first: WantedTunnel, _ second: WantedTunnel) -> Bool {
        sameOfTargets(first, second, \.address) && sameOfTargets(first, second, \.servicePort)
            && same(first, second, \.local.options.socketOwner)
    }

    private var hasOnePlace: Bool { local.targets.count == 1 }

    private static func sameOfTargets<Value: Equatable>(
        _ first: WantedTunnel,
        _ second: WantedTunnel,
        _ path: KeyPath<UpstreamTarget, Value>
    ) -> Bool {
        first.local.targets.map { $0[keyPath: path] } == second.local.targets.map { $0[keyPath: path] }
    }

    private static func same<Value: Equatable>(
        _ first: WantedTunnel,
        _ second: WantedTunnel,
        _ path: KeyPath<WantedTunnel, Value>
    ) -> Bool {
        first[keyPath: path] == second[keyPath: path]
    }
}

extension WantedTunnel {
    private static let usual = UpstreamHealthOptions()

    fileprivate var health: UpstreamHealthOptions { local.options.health ?? Self.usual }
    fileprivate var isChecked: Bool { local.options.health != nil }
    fileprivate var isCheckedByTCP: Bool { health.check == .tcp }

    fileprivate var speaksTLS: Bool { local.options.tls != nil }
    fileprivate var tls: UpstreamTLSOptions { local.options.tls ?? UpstreamTLSOptions() }

    fileprivate var httpCheck: UpstreamHealthOptions.HTTPCheck {
        if case .http(let check) = health.check { check } else { UpstreamHealthOptions.HTTPCheck() }
    }
}

extension WantedTunnel.LocalSettings {
    /// The same with one service.
    package init(
        upstream: UpstreamAddress,
        options: UpstreamOptions,
        streamLimit: Int,
        disposition: StreamDisposition
    ) {
        self.init(
            targets: [UpstreamTarget(upstream)],
            options: options,
            streamLimit: streamLimit,
            disposition: disposition
        )
    }

    /// The address of a tunnel's only service; nil where `forward` cannot describe where streams go.
    package var upstream: UpstreamAddress? {
        get { targets.single?.address }
        set { targets = newValue.map { [UpstreamTarget($0)] } ?? targets }
    }
}

/// The public address of a tunnel, which the engine grants to one tunnel at a time.
package enum AddressClaim: Hashable, Sendable {
    case port(UInt32)
    case hostname(String)
    /// An address that the engine chose for the tunnel of that name. A replacement keeps it.
    case kept(by: String, isPort: Bool)

    /// Nil for a tunnel that is not published.
    package init?(_ name: String, _ properties: TunnelProperties) {
        guard properties.publish != false else { return nil }
        if properties.protocol == TunnelProtocol.tcp.rawValue {
            self = properties.port.map { .port($0) } ?? .kept(by: name, isPort: true)
        } else {
            self = properties.hostname.map { .hostname($0) } ?? .kept(by: name, isPort: false)
        }
    }
}

/// A session with its tunnels, as far as a reload compares it (contract §5).
package struct WantedSession<Identity: Hashable & Sendable>: Hashable, Sendable {
    /// Every context that shares the session, in the order of the configuration.
    package var contexts: [String]
    /// How its engine is found.
    package var engine: EngineLocation
    /// Engine, credential and transport: tunnels that agree in them share a session.
    package var identity: Identity
    /// Its enabled tunnels, in the order of the configuration.
    package var tunnels: [WantedTunnel]

    /// The context that the session is named after.
    package var context: String { contexts.first ?? "" }

    package init(contexts: [String], engine: EngineLocation, identity: Identity, tunnels: [WantedTunnel]) {
        self.contexts = contexts
        self.engine = engine
        self.identity = identity
        self.tunnels = tunnels
    }
}

extension WantedSession {
    /// The sessions of tunnels, in the order of the configuration, each with its engine and the identity of its context.
    package static func sessions(
        of tunnels: [(tunnel: WantedTunnel, engine: EngineLocation, identity: Identity)]
    ) -> [Self] {
        var sessions: [Self] = []
        var indices: [Identity: Int] = [:]
        var contexts: [Set<String>] = []
        for (tunnel, engine, identity) in tunnels {
            let index = indices[identity] ?? sessions.count
            if index == sessions.count {
                indices[identity] = index
                contexts.append([])
                sessions.append(Self(contexts: [], engine: engine, identity: identity, tunnels: []))
            }
            if contexts[index].insert(tunnel.context).inserted { sessions[index].contexts.append(tunnel.context) }
            sessions[index].tunnels.append(tunnel)
        }
        return sessions
    }
}

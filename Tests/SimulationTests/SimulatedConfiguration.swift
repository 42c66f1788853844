// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemon
import RstreamDaemonModel
import RstreamModel

/// What the files of the simulated host say, as far as a reload compares it.
struct SimulatedConfiguration: Hashable {
    /// Engine and credential. Tunnels that agree in it share a session.
    struct Identity: Hashable, Sendable {
        var engine = SimulatedConfiguration.engine
        var token: Int
    }

    struct Tunnel: Hashable {
        var wanted: WantedTunnel
        var isEnabled = true
        /// Whether none of its upstreams is healthy, and it is closed then. No file says that.
        var isSuspended = false

        var isOpened: Bool { isEnabled && !isSuspended }
    }

    struct Listener: Hashable {
        let name: String
        var port: Int
        /// The name of a private tunnel.
        var target: String
        var context: String
    }

    typealias Session = WantedSession<Identity>

    static let engine = EngineLocation.project(ManagedProject(endpoint: "simulation"))

    var tunnels: [Tunnel] = []
    /// Of the contexts, by name.
    var tokens: [String: Int] = [:]
    var listeners: [Listener] = []
    var isBroken = false

    // MARK: What a plan compares

    func identity(of context: String) -> Identity { Identity(token: tokens[context] ?? 0) }

    /// The tunnels to open, by session.
    var sessions: [Session] {
        Session.sessions(
            of: tunnels.filter(\.isOpened).map { ($0.wanted, Self.engine, identity(of: $0.wanted.context)) }
        )
    }

    var wantedListeners: [WantedListener<Int, Identity>] {
        listeners.map {
            WantedListener(
                name: $0.name,
                address: $0.port,
                target: $0.target,
                context: $0.context,
                engine: Self.engine,
                identity: identity(of: $0.context)
            )
        }
    }

    /// The keys in which each context differs.
    func contextKeys(from before: Self) -> [String: [ConfigurationKey]] {
        var keys: [String: [ConfigurationKey]] = [:]
        for (name, token) in tokens {
            if let old = before.tokens[name] { keys[name] = old == token ? [] : [.contextTokenFile] }
        }
        return keys
    }

    /// Whether both run the same: the order in which they say it does not matter, nor what is disabled.
    func runs(sameAs other: Self) -> Bool {
        func tunnels(_ configuration: Self) -> Set<[WantedTunnel: Identity]> {
            Set(
                configuration.tunnels.filter(\.isOpened).map { tunnel in
                    [tunnel.wanted: configuration.identity(of: tunnel.wanted.context)]
                }
            )
        }
        return tunnels(self) == tunnels(other) && Set(wantedListeners) == Set(other.wantedListeners)
    }

    subscript(name: String) -> Tunnel? { tunnels.first { $0.wanted.name == name } }
}

// MARK: Making and changing files

extension SimulatedConfiguration {
    /// One edit of the files. Tunnels and contexts are numbers of any size, which stand for one that there is.
    enum Edit: Hashable {
        /// Streams go to the services of another tunnel.
        case retarget(Int)
        case limit(Int, Int)
        case dispose(Int, StreamDisposition)
        case hold(Int, milliseconds: Int)
        /// A new host name.
        case rename(Int)
        /// Two tunnels exchange their host names.
        case exchange(Int)
        /// The engine chooses the host name.
        case release(Int)
        case label(Int)
        case remove(Int)
        /// What was removed comes back.
        case restore
        case toggle(Int)
        /// The tunnel changes to another context.
        case move(Int)
        case token(Int)
        /// Two contexts get the same token, and share a session.
        case shareToken
        case port(Int)
        case spoil
        case correct
    }

    /// `contexts` contexts with `tunnels` tunnels each; the last one of all is private, and a listener dials it.
    init(contexts: Int, tunnels: Int, services: Int, checks: Bool) {
        for context in 0..<contexts {
            tokens["context\(context)"] = context + 1
            for _ in 0..<tunnels {
                self.tunnels.append(
                    Tunnel(wanted: Self.tunnel(self.tunnels.count, "context\(context)", services, checks))
                )
            }
        }
        var last = Self.tunnel(self.tunnels.count, "context0", 1, false)
        (last.name, last.properties.name) = ("private", "private")
        (last.properties.publish, last.properties.hostname) = (false, nil)
        self.tunnels.append(Tunnel(wanted: last))
        listeners = [Listener(name: "listener", port: 1, target: "private", context: "context0")]
    }

    private static func tunnel(_ number: Int, _ context: String, _ services: Int, _ checks: Bool) -> WantedTunnel {
        var properties = TunnelProperties()
        (properties.name, properties.hostname, properties.publish) = ("tunnel\(number)", "host\(number)", true)
        properties.protocol = "http"
        var options = UpstreamOptions()
        if checks, number == 0 {
            options.health = UpstreamHealthOptions(interval: .seconds(2), rise: 1, fall: 2, onUnhealthy: .close)
        }
        return WantedTunnel(
            name: "tunnel\(number)",
            context: context,
            properties: properties,
            local: WantedTunnel.LocalSettings(
                targets: targets(of: number, services),
                options: options,
                streamLimit: 0,
                disposition: .drain
            )
        )
    }

    private static func targets(of number: Int, _ services: Int) -> [UpstreamTarget] {
        (0..<services).map {
            UpstreamTarget(.tcp(host: "service\(number)", service: "\(80 + $0)"), isBackup: $0 == 2)
        }
    }

    /// `fresh` is a number that was not given before; `removed` is what edits have removed.
    mutating func apply(_ edit: Edit, fresh: Int, removed: inout [Tunnel]) {
        func place(_ number: Int) -> Int { number % max(1, tunnels.count - 1) }
        let names = tokens.keys.sorted()
        switch edit {
        case .retarget(let number):
            let other = place(number + 1)
            tunnels[place(number)].wanted.local.targets = Self.targets(of: other, 1 + fresh % 2)
        case .limit(let number, let limit): tunnels[place(number)].wanted.local.streamLimit = limit
        case .dispose(let number, let disposition):
            tunnels[place(number)].wanted.local.disposition = disposition
        case .hold(let number, let time):
            tunnels[place(number)].wanted.local.options.holdTimeout = .milliseconds(time)
        case .rename(let number): tunnels[place(number)].wanted.properties.hostname = "fresh\(fresh)"
        case .exchange(let number):
            let (one, other) = (place(number), place(number + 1))
            let hostname = tunnels[one].wanted.properties.hostname
            tunnels[one].wanted.properties.hostname = tunnels[other].wanted.properties.hostname
            tunnels[other].wanted.properties.hostname = hostname
        case .release(let number): tunnels[place(number)].wanted.properties.hostname = nil
        case .label(let number): tunnels[place(number)].wanted.properties.labels = ["edit": "\(fresh)"]
        case .remove(let number):
            guard tunnels.count > 2 else { return }
            removed.append(tunnels.remove(at: place(number)))
        case .restore:
            guard let tunnel = removed.popLast() else { return }
            tunnels.insert(tunnel, at: 0)
        case .toggle(let number): tunnels[place(number)].isEnabled.toggle()
        case .move(let number):
            let context = tunnels[place(number)].wanted.context
            let next = (names.firstIndex(of: context) ?? 0) + 1
            tunnels[place(number)].wanted.context = names[next % names.count]
        case .token(let number): tokens[names[number % names.count]] = 100 + fresh
        case .shareToken: for name in names { tokens[name] = tokens[names[0]] }
        case .port(let port): listeners[0].port = port
        case .spoil: isBroken = true
        case .correct: isBroken = false
        }
    }
}

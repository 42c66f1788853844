// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamDaemonModel
package import RstreamModel

/// A configured listener, as far as a reload compares it (contract §3.4, §5).
package struct WantedListener<Address: Hashable & Sendable, Identity: Hashable & Sendable>: Hashable, Sendable {
    /// Unique in the configuration.
    package var name: String
    /// Where it listens.
    package var address: Address
    /// The tunnel that it dials.
    package var target: String
    package var options: ListenerOptions
    /// The name of its context.
    package var context: String
    /// How the context's engine is found.
    package var engine: EngineLocation
    /// Engine, credential and transport.
    package var identity: Identity

    package init(
        name: String,
        address: Address,
        target: String,
        options: ListenerOptions = ListenerOptions(),
        context: String,
        engine: EngineLocation,
        identity: Identity
    ) {
        self.name = name
        self.address = address
        self.target = target
        self.options = options
        self.context = context
        self.engine = engine
        self.identity = identity
    }

    /// The keys in which it differs from `before`. `contextKeys` are the keys in which each context differs.
    package func changedKeys(
        from before: Self,
        contextKeys: [String: [ConfigurationKey]]
    ) -> [ConfigurationKey] {
        var keys: [ConfigurationKey] = []
        if address != before.address { keys.append(.listenerListen) }
        if target != before.target { keys.append(.listenerDial) }
        keys += options.changedKeys(from: before.options)
        if context != before.context {
            keys.append(.listenerContext)
        } else if identity != before.identity {
            keys += contextKeys[context] ?? [.contextTokenFile]
            if engine != before.engine, !keys.contains(where: { $0.effect == .replace }) { keys.append(.contextEngine) }
        }
        return keys
    }
}

extension ListenerOptions {
    fileprivate func changedKeys(from before: Self) -> [ConfigurationKey] {
        var keys: [ConfigurationKey] = []
        if dialTimeout != before.dialTimeout { keys.append(.listenerDialTimeout) }
        if streamLimit != before.streamLimit { keys.append(.listenerStreams) }
        if rights.mode != before.rights.mode { keys.append(.listenerMode) }
        if !String?._haveSameBytes(rights.group, before.rights.group) { keys.append(.listenerGroup) }
        return keys
    }
}

/// What a reload changes about listeners, decided before anything is changed, as in ``ReloadPlan`` for tunnels.
package struct ListenerPlan: Hashable, Sendable {
    /// The change of one listener.
    package struct Change: Hashable, Sendable {
        package let listener: String
        package let action: ReloadPlan.Action
        /// What happens to open streams; nil when there was no listener.
        package let disposition: StreamDisposition?
        /// The number of open streams.
        package let streams: Int
        /// The keys in which the listener differs.
        package let keys: [ConfigurationKey]
        /// Whether its address stays, and with it the socket, unless the socket cannot get its new rights.
        package let keepsAddress: Bool

        package init(
            listener: String,
            action: ReloadPlan.Action,
            disposition: StreamDisposition?,
            streams: Int,
            keys: [ConfigurationKey] = [],
            keepsAddress: Bool = false
        ) {
            self.listener = listener
            self.action = action
            self.disposition = disposition
            self.streams = streams
            self.keys = keys
            self.keepsAddress = keepsAddress
        }
    }

    /// Sorted by name.
    package let changes: [Change]

    /// Compares two configurations. `disposition` applies to streams that a change affects; `streams` returns the
    /// number of open streams of a running listener.
    package init<Address, Identity>(
        running: [WantedListener<Address, Identity>],
        wanted: [WantedListener<Address, Identity>],
        disposition: StreamDisposition,
        contextKeys: [String: [ConfigurationKey]] = [:],
        streams: (String) -> Int
    ) {
        let before = Dictionary(running.map { ($0.name, $0) }) { first, _ in first }
        let names = Set(wanted.map(\.name))
        let gone = running.filter { !names.contains($0.name) }
            .map { Change(listener: $0.name, action: .remove, disposition: disposition, streams: streams($0.name)) }
        let others = wanted.compactMap { listener -> Change? in
            guard let old = before[listener.name] else {
                return Change(listener: listener.name, action: .add, disposition: nil, streams: 0)
            }
            let keys = listener.changedKeys(from: old, contextKeys: contextKeys)
            guard !keys.isEmpty else { return nil }
            let moves = listener.identity != old.identity
            let effects = keys.map { moves ? $0.effect : $0.effectWithinSession }
            return Change(
                listener: listener.name,
                action: effects.contains(where: \.replaces) ? .replace : .update,
                disposition: effects.contains(where: \.concernsStreams) ? disposition : .keep,
                streams: streams(listener.name),
                keys: keys,
                keepsAddress: old.address == listener.address
            )
        }
        changes = (gone + others).sorted { $0.listener < $1.listener }
    }
}

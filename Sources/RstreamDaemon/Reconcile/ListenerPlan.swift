package import RstreamDaemonModel
package import RstreamModel

/// One listener as the configuration wants it, as far as a reload compares it (contract §3.4, §5).
package struct WantedListener<Place: Hashable & Sendable, Identity: Hashable & Sendable>: Hashable, Sendable {
    /// Unique in the configuration.
    package var name: String
    /// Where it takes connections.
    package var place: Place
    /// The tunnel that they go to.
    package var target: String
    /// How they are taken and dialed for.
    package var options: ListenerOptions
    /// The name of its context.
    package var context: String
    /// How the context's engine is found.
    package var engine: EngineLocation
    /// Engine, credential and transport.
    package var identity: Identity

    package init(
        name: String,
        place: Place,
        target: String,
        options: ListenerOptions = ListenerOptions(),
        context: String,
        engine: EngineLocation,
        identity: Identity
    ) {
        self.name = name
        self.place = place
        self.target = target
        self.options = options
        self.context = context
        self.engine = engine
        self.identity = identity
    }

    /// The keys in which it differs from what it was. `contextKeys` says what is different about a context.
    package func changedKeys(
        from before: Self,
        contextKeys: [String: [ConfigurationKey]]
    ) -> [ConfigurationKey] {
        var keys: [ConfigurationKey] = []
        if place != before.place { keys.append(.listenerListen) }
        if target != before.target { keys.append(.listenerDial) }
        keys += options.changedKeys(from: before.options)
        guard identity != before.identity else { return keys }
        if context != before.context {
            keys.append(.listenerContext)
        } else {
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

/// What a reload would change about listeners, decided before anything is touched, as ``ReloadPlan`` does for tunnels.
package struct ListenerPlan: Hashable, Sendable {
    /// One line for an operator, and one thing to do.
    package struct Change: Hashable, Sendable {
        package let listener: String
        package let action: ReloadPlan.Action
        /// What becomes of the streams that run now: `keep` also where they are not touched, nil when there was no listener.
        package let disposition: StreamDisposition?
        /// How many streams run now.
        package let streams: Int
        /// What is different, as the table names it.
        package let keys: [ConfigurationKey]
        /// Whether its address stays, and with it the socket there unless that cannot get its new rights.
        package let keepsPlace: Bool

        package init(
            listener: String,
            action: ReloadPlan.Action,
            disposition: StreamDisposition?,
            streams: Int,
            keys: [ConfigurationKey] = [],
            keepsPlace: Bool = false
        ) {
            self.listener = listener
            self.action = action
            self.disposition = disposition
            self.streams = streams
            self.keys = keys
            self.keepsPlace = keepsPlace
        }
    }

    /// By name.
    package let changes: [Change]

    /// Compares; `disposition` is what becomes of streams that a change concerns, `streams` tells how many a running listener has.
    package init<Place, Identity>(
        running: [WantedListener<Place, Identity>],
        wanted: [WantedListener<Place, Identity>],
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
            return Change(
                listener: listener.name,
                action: keys.contains { $0.effect.replaces } ? .replace : .update,
                disposition: keys.contains { $0.effect.concernsStreams } ? disposition : .keep,
                streams: streams(listener.name),
                keys: keys,
                keepsPlace: old.place == listener.place
            )
        }
        changes = (gone + others).sorted { $0.listener < $1.listener }
    }
}

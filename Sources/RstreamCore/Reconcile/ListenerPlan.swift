/// One listener as the configuration wants it, as far as a reload compares it (contract §3.4, §5).
package struct WantedListener<Place: Hashable & Sendable, Route: Hashable & Sendable>: Hashable, Sendable {
    /// Unique in the configuration.
    package var name: String
    /// Where it takes connections.
    package var place: Place
    /// Where they go, and as whom.
    package var route: Route

    package init(name: String, place: Place, route: Route) {
        self.name = name
        self.place = place
        self.route = route
    }
}

/// What a reload would change about listeners, decided before anything is touched, as ``ReloadPlan`` does for tunnels.
package struct ListenerPlan: Hashable, Sendable {
    /// One line for an operator, and one thing to do.
    package struct Change: Hashable, Sendable {
        package let listener: String
        /// An update keeps the socket, a replacement makes another one.
        package let action: ReloadPlan.Action
        /// How many streams run now.
        package let streams: Int

        package init(listener: String, action: ReloadPlan.Action, streams: Int) {
            self.listener = listener
            self.action = action
            self.streams = streams
        }
    }

    /// What goes comes first, because what comes may want its place; then by name.
    package let changes: [Change]

    /// Compares; `streams` tells how many streams a running listener has.
    package init<Place, Route>(
        running: [WantedListener<Place, Route>],
        wanted: [WantedListener<Place, Route>],
        streams: (String) -> Int
    ) {
        let before = Dictionary(running.map { ($0.name, $0) }) { first, _ in first }
        let names = Set(wanted.map(\.name))
        let gone = running.filter { !names.contains($0.name) }
            .map { Change(listener: $0.name, action: .remove, streams: streams($0.name)) }
        let others = wanted.compactMap { listener -> Change? in
            guard let old = before[listener.name] else {
                return Change(listener: listener.name, action: .add, streams: 0)
            }
            guard old != listener else { return nil }
            let action: ReloadPlan.Action = old.place == listener.place ? .update : .replace
            return Change(listener: listener.name, action: action, streams: streams(listener.name))
        }
        changes = gone.sorted { $0.listener < $1.listener } + others.sorted { $0.listener < $1.listener }
    }
}

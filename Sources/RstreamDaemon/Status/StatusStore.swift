// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import RstreamAdmin
internal import RstreamModel
internal import RstreamRelay
internal import Systemd

/// The state of sessions, tunnels, listeners and reloads, for the admin API, metrics and systemd's status line.
///
/// Sessions and the daemon's request loop write, any task reads. Each change decides under one guard which events and
/// which status line follow from it; they are published after that, in the order of the changes. Bytes and streams are
/// not held here: readers ask the streams' ledgers.
final class StatusStore: Sendable {
    /// Identifies a session; several may share a context.
    struct SessionID: Hashable, Sendable {
        let number: Int
    }

    let events: EventRing
    let startedAt: UTCTime
    let now: @Sendable () -> UTCTime
    let decisions: OrderedEffects<State, Effect>

    enum Effect: Sendable {
        case event(Event)
        case statusLine(String)
    }

    init(notifier: ServiceNotifier, now: @escaping @Sendable () -> UTCTime = { .now }) {
        self.now = now
        startedAt = now()
        let events = EventRing(firstID: EventRing.firstID(at: startedAt), now: now)
        self.events = events
        decisions = OrderedEffects(State(startedAt: startedAt)) { effect in
            switch effect {
            case .event(let event): events.publish(event)
            case .statusLine(let line): notifier.status(line)
            }
        }
    }

    struct State: Sendable {
        var daemon = DaemonFacts.State.running
        var files: [String] = []
        var lastReload: LastReload?
        /// What is left of processes that this one has taken over from.
        var previous: [Int: PreviousDaemon] = [:]
        var reloads: [ReloadReply.Outcome: Int] = [:]
        var lastGoodLoad: UTCTime
        var sessions = SessionTable()
        var nextSession = 0
        var contexts: [String: ContextCounters] = [:]
        /// In the order of the configuration.
        var tunnels: [TunnelEntry] = []
        /// The index in ``tunnels`` of each name.
        var tunnelIndices: [String: Int] = [:]
        /// Tunnels that are no longer in the configuration, and may still have streams.
        var leaving: [TunnelEntry] = []
        /// The streams of tunnels and listeners whose ledgers are gone.
        var retiredTotals = (total: 0, failed: 0)
        var listeners: [ListenerEntry] = []
        /// The streams of `rstreamctl dial`.
        var dials: StreamLedger?
        /// Running drains, the oldest first.
        var drains: [StreamDrain] = []
        /// The tunnels and listeners of the status line, updated one at a time.
        var counters = ServiceCounters()
        var sentStatusLine = ""
        /// Events of the change that is being made.
        var pendingEvents: [Event] = []

        init(startedAt: UTCTime) { lastGoodLoad = startedAt }

        /// The last reload if it was refused: the files are not what runs.
        var refusedReload: LastReload? { lastReload.flatMap { $0.outcome == .refused ? $0 : nil } }

        /// Starts counting for contexts that are new, also those that join an existing session.
        mutating func addCounters(of contexts: [String]) {
            for context in contexts where self.contexts[context] == nil { self.contexts[context] = ContextCounters() }
        }

        mutating func retire(_ totals: StreamTotals) {
            retiredTotals.total += totals.total
            retiredTotals.failed += totals.failed
        }
    }

    func read<Result: Sendable>(_ body: (State) -> Result) -> Result {
        decisions.read(body)
    }

    /// Changes the state, then publishes the events of the change and the status line if it differs.
    func change(_ body: (inout State) -> Void) {
        decisions.decide { state, effects in
            body(&state)
            effects += state.pendingEvents.map(Effect.event)
            state.pendingEvents = []
            let line = state.statusLine
            guard line != state.sentStatusLine else { return }
            state.sentStatusLine = line
            effects.append(.statusLine(line))
        }
    }

    /// Sends systemd the status line again, after another notification has replaced it.
    func resendStatusLine() {
        decisions.decide { state, effects in effects.append(.statusLine(state.statusLine)) }
    }

    func event(_ type: String, _ fill: (inout Event) -> Void) -> Event {
        var event = Event(time: now(), type: type)
        fill(&event)
        return event
    }

    /// The report of an error; the earlier one, with its time, while the error is the same.
    func errorReport(_ error: RstreamError?, before: ErrorReport?) -> ErrorReport? {
        guard let error else { return nil }
        let report = ErrorReport(error, at: now())
        guard let before, before.message == report.message, before.code == report.code else { return report }
        return before
    }

    // MARK: Configuration and reloads

    /// Takes over the tunnels and contexts of a configuration. Entries of tunnels that stay are kept. A tunnel that has
    /// left is kept as long as its ledger is among `ledgers`, because it would count on there if it came back.
    func configure(
        files: [String],
        tunnels: [ConfiguredTunnel],
        contexts: Set<String>,
        ledgers: some Sequence<StreamLedger>
    ) {
        change { state in
            state.files = files
            let before = state.tunnels + state.leaving
            let known = Dictionary(before.map { ($0.name, $0) }) { first, _ in first }
            state.tunnels = tunnels.map { configured in
                var entry = known[configured.name] ?? TunnelEntry(configured: configured, since: now())
                // A tunnel that comes back after its last stream has ended gets a new ledger.
                if entry.configured.ledger !== configured.ledger { state.retire(entry.configured.ledger.totals) }
                entry.configured = configured
                return entry
            }
            state.tunnelIndices = Dictionary(zip(tunnels.map(\.name), tunnels.indices)) { first, _ in first }
            let kept = Set(ledgers.map(ObjectIdentifier.init))
            state.leaving = before.filter { state.tunnelIndices[$0.name] == nil }
            updateLeaving(&state)
            // Evaluated once: a stream may end between two evaluations, and both uses below have to agree.
            let isOver = state.leaving.map { entry in
                entry.publishedState == .closed && !kept.contains(ObjectIdentifier(entry.configured.ledger))
            }
            for (entry, isOver) in zip(state.leaving, isOver) where isOver {
                state.retire(entry.configured.ledger.totals)
            }
            state.leaving = zip(state.leaving, isOver).filter { !$0.1 }.map(\.0)
            state.contexts = state.contexts.filter { contexts.contains($0.key) }
            state.counters.removeTunnels()
            for entry in state.tunnels { updateTunnel(entry.name, &state) }
        }
    }

    /// Takes over the listeners of a configuration.
    func configure(listeners: [ListenerEntry]) {
        change { state in
            let kept = Set(listeners.map { ObjectIdentifier($0.ledger) })
            for entry in state.listeners where !kept.contains(ObjectIdentifier(entry.ledger)) {
                state.retire(entry.ledger.totals)
            }
            let before = Dictionary(state.listeners.map { ($0.name, $0) }) { first, _ in first }
            state.listeners = listeners.map { entry in
                var entry = entry
                // Errors belong to a service, so a new one starts without any.
                if let old = before[entry.name], old.service === entry.service {
                    (entry.error, entry.limitErrors) = (old.error, old.limitErrors)
                }
                entry.isListening = entry.service.listener.isListening
                return entry
            }
            state.counters.removeListeners()
            for entry in state.listeners { state.counters.update(entry) }
        }
    }

    /// Takes over the streams that belong to no tunnel and no listener.
    func counts(dials: StreamLedger) {
        decisions.decide { state, _ in state.dials = dials }
    }

    func daemonChanged(to daemon: DaemonFacts.State) {
        change { state in
            state.daemon = daemon
            guard daemon == .stopping else { return }
            for index in state.tunnels.indices { state.tunnels[index].isStopping = true }
            for entry in state.tunnels { updateTunnel(entry.name, &state) }
        }
    }

    /// Records what is left of a process that this one has taken over from; nil when nothing is.
    /// Whether processes before this one have streams, as far as they have told.
    var hasPrevious: Bool { read { !$0.previous.isEmpty } }

    func hasPrevious(_ process: Int) -> Bool { read { $0.previous[process] != nil } }

    func previousChanged(_ process: Int, to previous: PreviousDaemon?) {
        change { $0.previous[process] = previous }
    }

    /// Records the outcome of a reload. A refused reload stays in the status line until one is not refused.
    func reloaded(_ reply: ReloadReply, _ message: String) {
        let at = now()
        change { state in
            state.pendingEvents.append(
                event("reload.\(reply.outcome.rawValue)") { event in
                    event.changes = reply.changes
                    event.message = message
                }
            )
            state.lastReload = LastReload(at: at, outcome: reply.outcome, message: message)
            state.reloads[reply.outcome, default: 0] += 1
            if reply.outcome != .refused { state.lastGoodLoad = at }
        }
    }
}

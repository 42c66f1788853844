internal import Linux
internal import RstreamAdmin
internal import RstreamCore
internal import RstreamModel
internal import RstreamRelay
internal import Synchronization
internal import Systemd

/// What is known about sessions, tunnels, listeners and reloads at any moment, for everybody who asks: the admin API,
/// metrics, and systemd's status line. What changes is put into the ``EventRing`` in the order in which it changes.
///
/// Sessions and the daemon's own task write, anybody reads. Guarded by a mutex, never held while somebody waits; bytes
/// and streams are not here but with their ledgers, and are asked for when they are wanted.
final class StatusBoard: Sendable {
    /// Names one session, also when several have a context in common.
    struct SessionID: Hashable, Sendable {
        let number: Int
    }

    let events: EventRing
    let startedAt: UTCTime
    private let now: @Sendable () -> UTCTime
    private let state: Mutex<State>
    private let notifier: ServiceNotifier

    init(notifier: ServiceNotifier, now: @escaping @Sendable () -> UTCTime = { .now }) {
        self.notifier = notifier
        self.now = now
        startedAt = now()
        events = EventRing(firstID: EventRing.firstID(at: startedAt), now: now)
        state = Mutex(State(startedAt: startedAt))
    }

    struct State {
        var daemon = DaemonFacts.State.running
        var files: [String] = []
        var lastReload: LastReload?
        var reloads: [ReloadReply.Outcome: Int] = [:]
        var lastGoodLoad: UTCTime
        var sessions: [SessionID: SessionRecord] = [:]
        var nextSession = 0
        /// By context, over all sessions that there were.
        var contexts: [String: ContextRecord] = [:]
        /// In the order of the configuration.
        var tunnels: [TunnelRecord] = []
        var places: [String: Int] = [:]
        /// Gone from the configuration, with streams left.
        var leaving: [TunnelRecord] = []
        /// What streams of tunnels and listeners add up to that are not known any more.
        var gone = (total: 0, failed: 0)
        var listeners: [ListenerRecord] = []
        /// What the status line says about tunnels, kept up to date tunnel by tunnel.
        var tally = TunnelTally()
        var told = ""

        init(startedAt: UTCTime) { lastGoodLoad = startedAt }

        /// Counts what happens to these contexts from now on, also where they join a session that is there already.
        mutating func remember(_ contexts: [String]) {
            for context in contexts where self.contexts[context] == nil { self.contexts[context] = ContextRecord() }
        }

        mutating func remember(_ totals: StreamTotals) {
            gone.total += totals.total
            gone.failed += totals.failed
        }
    }

    // MARK: Reading

    /// Everything as it is now.
    func read<Result>(_ body: (State) -> sending Result) -> sending Result {
        state.withLock { body($0) }
    }

    // MARK: The configuration

    /// What is wanted from now on. What is known about tunnels that stay is kept, and what has left is remembered as
    /// long as its ledger is among `ledgers`: with those a tunnel would go on that comes back.
    func configure(
        files: [String],
        tunnels: [WantedTunnelFacts],
        contexts: Set<String>,
        ledgers: some Sequence<StreamLedger>
    ) {
        change { state in
            state.files = files
            let before = state.tunnels + state.leaving
            let known = Dictionary(before.map { ($0.facts.name, $0) }) { first, _ in first }
            state.tunnels = tunnels.map { facts in
                var record = known[facts.name] ?? TunnelRecord(facts: facts, since: now())
                // One that comes back after its last stream begins to count anew.
                if record.facts.ledger !== facts.ledger { state.remember(record.facts.ledger.totals) }
                record.facts = facts
                return record
            }
            state.places = Dictionary(zip(tunnels.map(\.name), tunnels.indices)) { first, _ in first }
            let gone = before.filter { state.places[$0.facts.name] == nil }
            let kept = Set(ledgers.map(ObjectIdentifier.init))
            state.leaving = gone
            settleLeaving(&state)
            // A stream that ends meanwhile must not make the one loop see what the other does not.
            let isOver = state.leaving.map { record in
                record.told == .closed && !kept.contains(ObjectIdentifier(record.facts.ledger))
            }
            for (record, isOver) in zip(state.leaving, isOver) where isOver {
                state.remember(record.facts.ledger.totals)
            }
            state.leaving = zip(state.leaving, isOver).filter { !$0.1 }.map(\.0)
            state.contexts = state.contexts.filter { contexts.contains($0.key) }
            state.tally = TunnelTally()
            for record in state.tunnels { settle(record.facts.name, &state) }
        }
    }

    /// The listeners there are from now on.
    func configure(listeners: [ListenerRecord]) {
        change { state in
            let kept = Set(listeners.map { ObjectIdentifier($0.ledger) })
            for record in state.listeners where !kept.contains(ObjectIdentifier(record.ledger)) {
                state.remember(record.ledger.totals)
            }
            let before = Dictionary(state.listeners.map { ($0.name, $0) }) { first, _ in first }
            state.listeners = listeners.map { record in
                var record = record
                // What is known about the same one stays; a new one has nothing to complain of yet.
                if let old = before[record.name], old.service === record.service { record.error = old.error }
                return record
            }
        }
    }

    func daemonChanged(to daemon: DaemonFacts.State) {
        change { state in
            state.daemon = daemon
            guard daemon == .stopping else { return }
            for index in state.tunnels.indices { state.tunnels[index].isEnding = true }
            for record in state.tunnels { settle(record.facts.name, &state) }
        }
    }

    /// Remembers what became of a reload; a refusal is part of the status line until one is not refused.
    func reloaded(_ reply: ReloadReply, _ message: String) {
        let at = now()
        events.publish("reload.\(reply.outcome.rawValue)") { event in
            event.changes = reply.changes
            event.message = message
        }
        change { state in
            state.lastReload = LastReload(at: at, outcome: reply.outcome, message: message)
            state.reloads[reply.outcome, default: 0] += 1
            if reply.outcome != .refused { state.lastGoodLoad = at }
        }
    }

    // MARK: Sessions

    func makeSession(
        contexts: [String],
        engine: String,
        verification: TransportOptions.Verification = .full
    ) -> SessionID {
        state.withLock { state in
            state.nextSession += 1
            let id = SessionID(number: state.nextSession)
            var record = SessionRecord(contexts: contexts, engine: engine, since: now())
            record.facts.verification = verification
            state.sessions[id] = record
            state.remember(contexts)
            return id
        }
    }

    /// Which contexts share a session from now on.
    func serves(_ id: SessionID, contexts: [String]) {
        change { state in
            state.sessions[id]?.contexts = contexts
            state.remember(contexts)
        }
    }

    func update(_ id: SessionID, _ facts: SessionFacts) {
        change { state in
            guard var record = state.sessions[id], record.facts != facts else { return }
            let changed = record.facts.state != facts.state
            record.error = errorReport(facts.error, before: record.error)
            record.facts = facts
            if changed { record.since = now() }
            state.sessions[id] = record
            guard changed else { return }
            events.publish("session.\(facts.state.rawValue)") { event in
                event.session = String(id.number)
                event.context = record.context
                event.error = record.error
            }
        }
    }

    /// A connect has succeeded or failed.
    func connected(_ id: SessionID, _ outcome: ConnectOutcome) {
        state.withLock { state in
            for context in state.sessions[id]?.contexts ?? [] {
                state.contexts[context]?.connects[outcome, default: 0] += 1
            }
        }
    }

    func heartbeatAnswered(_ id: SessionID, after roundTrip: Duration) {
        state.withLock { state in
            state.sessions[id]?.roundTrip = roundTrip
            for context in state.sessions[id]?.contexts ?? [] {
                state.contexts[context]?.roundTrips.observe(roundTrip)
            }
        }
    }

    /// Something that an operator should do about a session; nil when it was done.
    func note(_ id: SessionID, _ note: String?, tokenEnd: UTCTime?) {
        change { state in
            state.sessions[id]?.note = note
            state.sessions[id]?.tokenEnd = tokenEnd
        }
    }

    func remove(_ id: SessionID) {
        change { state in
            guard let record = state.sessions.removeValue(forKey: id) else { return }
            for index in state.tunnels.indices { state.tunnels[index].live[id] = nil }
            for index in state.leaving.indices { state.leaving[index].live[id] = nil }
            settleLeaving(&state)
            for record in state.tunnels { settle(record.facts.name, &state) }
            guard record.facts.state != .closed else { return }
            events.publish("session.closed") { event in
                event.session = String(id.number)
                event.context = record.context
            }
        }
    }

    // MARK: Tunnels and listeners

    /// What a session knows about its tunnel of that name; nil when it has none any more.
    func update(_ id: SessionID, tunnel name: String, _ facts: TunnelFacts?) {
        change { state in
            if let place = state.places[name] {
                guard state.tunnels[place].live[id] != facts else { return }
                state.tunnels[place].live[id] = facts
                settle(name, &state)
            } else if let place = state.leaving.firstIndex(where: { $0.facts.name == name }) {
                state.leaving[place].live[id] = facts
                settleLeaving(&state)
            }
        }
    }

    /// The upstream of a tunnel, or what a listener dials, cannot be reached, or can again.
    func reachabilityChanged(_ owner: StreamOwner, _ error: RstreamError?) {
        let report = error.map { ErrorReport($0, at: now()) }
        change { state in
            switch owner {
            case .tunnel(let name):
                guard let place = state.places[name] else { return }
                guard state.tunnels[place].upstreamError?.message != report?.message else { return }
                state.tunnels[place].upstreamError = report
                state.tally.update(state.tunnels[place])
            case .listener(let name):
                guard let place = state.listeners.firstIndex(where: { $0.name == name }) else { return }
                guard state.listeners[place].error?.message != report?.message else { return }
                state.listeners[place].error = report
            }
            events.publish("\(owner.kind).\(error == nil ? "reachable" : "unreachable")") { event in
                owner.mark(&event)
                event.error = report
            }
        }
    }

    /// A stream has ended: perhaps the last one that a tunnel that is going was waiting for.
    func streamEnded(_ owner: StreamOwner) {
        guard case .tunnel(let name) = owner else { return }
        let isAwaited = state.withLock { state in
            state.leaving.contains { $0.facts.name == name }
                || state.places[name].map { state.tunnels[$0].told == .draining } == true
        }
        guard isAwaited else { return }
        change { state in
            settleLeaving(&state)
            settle(name, &state)
        }
    }

    /// Tells what becomes of tunnels that are not in the configuration any more.
    private func settleLeaving(_ state: inout State) {
        for index in state.leaving.indices {
            let next: TunnelStatus.State = state.leaving[index].isLeaving ? .draining : .closed
            tell(next, of: &state.leaving[index])
        }
    }

    /// Puts a tunnel's state into the events, if it is another one than before.
    private func tell(_ now: TunnelStatus.State, of record: inout TunnelRecord) {
        guard now != record.told else { return }
        record.told = now
        record.since = self.now()
        let record = record
        events.publish("tunnel.\(now.rawValue)") { event in
            event.tunnel = record.facts.name
            event.context = record.facts.context
            if now == .online { event.forwardingAddress = record.shown?.granted?.forwardingAddress }
            event.error = record.error
        }
    }

    /// Tells what became of a tunnel's state, if it is another one than before.
    private func settle(_ name: String, _ state: inout State) {
        guard let place = state.places[name] else { return }
        var record = state.tunnels[place]
        record.error = errorReport(record.shown?.error, before: record.error)
        tell(record.state, of: &record)
        state.tunnels[place] = record
        state.tally.update(record)
    }

    private func errorReport(_ error: RstreamError?, before: ErrorReport?) -> ErrorReport? {
        guard let error else { return nil }
        let report = ErrorReport(error, at: now())
        guard let before, before.message == report.message, before.code == report.code else { return report }
        return before
    }

    // MARK: systemd's status line

    /// Tells it once more, after something else was told.
    func tell() {
        notifier.status(state.withLock { $0.sentence })
    }

    private func change(_ body: (inout State) -> Void) {
        let sentence = state.withLock { state -> String? in
            body(&state)
            let sentence = state.sentence
            guard sentence != state.told else { return nil }
            state.told = sentence
            return sentence
        }
        if let sentence { notifier.status(sentence) }
    }
}

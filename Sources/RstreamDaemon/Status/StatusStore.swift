internal import Linux
internal import RstreamAdmin
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamRelay
internal import Systemd

/// What is known about sessions, tunnels, listeners and reloads at any moment, for everybody who asks: the admin API,
/// metrics, and systemd's status line. What changes is put into the ``EventRing`` and told to systemd in the order in
/// which it changes.
///
/// Sessions and the daemon's own task write, anybody reads. What has to be told is decided under the guard of the state
/// and told after it. Bytes and streams are not here but with their ledgers, and are asked for when they are wanted.
final class StatusStore: Sendable {
    /// Names one session, also when several have a context in common.
    struct SessionID: Hashable, Sendable {
        let number: Int
    }

    let events: EventRing
    let startedAt: UTCTime
    private let now: @Sendable () -> UTCTime
    private let decisions: OrderedEffects<State, Effect>

    private enum Effect: Sendable {
        case event(Event)
        case sentence(String)
    }

    init(notifier: ServiceNotifier, now: @escaping @Sendable () -> UTCTime = { .now }) {
        self.now = now
        startedAt = now()
        let events = EventRing(firstID: EventRing.firstID(at: startedAt), now: now)
        self.events = events
        decisions = OrderedEffects(State(startedAt: startedAt)) { effect in
            switch effect {
            case .event(let event): events.publish(event)
            case .sentence(let sentence): notifier.status(sentence)
            }
        }
    }

    struct State: Sendable {
        var daemon = DaemonFacts.State.running
        var files: [String] = []
        var lastReload: LastReload?
        var reloads: [ReloadReply.Outcome: Int] = [:]
        var lastGoodLoad: UTCTime
        var sessions = SessionRecords()
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
        /// Those that go on, the oldest first.
        var drains: [StreamDrain] = []
        /// What the status line says about tunnels and listeners, kept up to date one by one.
        var tally = ServiceCounters()
        var told = ""
        /// What is to be told about the change that is being made.
        var news: [Event] = []

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
    func read<Result: Sendable>(_ body: (State) -> Result) -> Result {
        decisions.read(body)
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
            state.tally.forgetTunnels()
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
                if let old = before[record.name], old.service === record.service {
                    (record.error, record.limitErrors) = (old.error, old.limitErrors)
                }
                record.isListening = record.service.listener.isListening
                return record
            }
            state.tally.forgetListeners()
            for record in state.listeners { state.tally.update(record) }
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
        change { state in
            state.news.append(
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

    // MARK: Sessions

    func makeSession(
        contexts: [String],
        engine: String,
        verification: TransportOptions.Verification = .full
    ) -> SessionID {
        decisions.decide { state, _ in
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
            state.news.append(
                event("session.\(facts.state.rawValue)") { event in
                    event.session = String(id.number)
                    event.context = record.context
                    event.error = record.error
                }
            )
        }
    }

    /// A connect has succeeded or failed.
    func connected(_ id: SessionID, _ outcome: ConnectOutcome) {
        decisions.decide { state, _ in
            for context in state.sessions[id]?.contexts ?? [] {
                state.contexts[context]?.connects[outcome, default: 0] += 1
            }
        }
    }

    func heartbeatAnswered(_ id: SessionID, after roundTrip: Duration) {
        decisions.decide { state, _ in
            state.sessions[id]?.roundTrip = roundTrip
            for context in state.sessions[id]?.contexts ?? [] {
                state.contexts[context]?.roundTrips.observe(roundTrip)
            }
        }
    }

    /// Something that an operator should do about a session; nil when it was done.
    func note(_ id: SessionID, _ note: String?, tokenEnd: UTCTime? = nil, certificateEnd: UTCTime? = nil) {
        change { state in
            state.sessions[id]?.note = note
            state.sessions[id]?.tokenEnd = tokenEnd
            state.sessions[id]?.certificateEnd = certificateEnd
        }
    }

    func remove(_ id: SessionID) {
        change { state in
            guard let record = state.sessions.remove(id) else { return }
            for index in state.leaving.indices { state.leaving[index].live[id] = nil }
            settleLeaving(&state)
            for index in state.tunnels.indices where state.tunnels[index].live.removeValue(forKey: id) != nil {
                settle(state.tunnels[index].facts.name, &state)
            }
            guard record.facts.state != .closed else { return }
            state.news.append(
                event("session.closed") { event in
                    event.session = String(id.number)
                    event.context = record.context
                }
            )
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
                state.listeners[place].isListening = error?.code != .listenerUnavailable
                let isNews = state.listeners[place].error?.message != report?.message
                if isNews { state.listeners[place].error = report }
                state.tally.update(state.listeners[place])
                guard isNews else { return }
            }
            state.news.append(
                event("\(owner.kind).\(error == nil ? "reachable" : "unreachable")") { event in
                    owner.mark(&event)
                    event.error = report
                }
            )
        }
    }

    /// Visitors of a tunnel or listener are turned away by a limit, or no longer when there is no error.
    func turnsAway(_ owner: StreamOwner, _ limit: StreamLimit, _ error: RstreamError?) {
        let report = error.map { ErrorReport($0, at: now()) }
        change { state in
            switch owner {
            case .tunnel(let name):
                guard let place = state.places[name] else { return }
                state.tunnels[place].limitErrors[limit] = report
                state.tally.update(state.tunnels[place])
            case .listener(let name):
                guard let place = state.listeners.firstIndex(where: { $0.name == name }) else { return }
                state.listeners[place].limitErrors[limit] = report
                state.tally.update(state.listeners[place])
            }
        }
    }

    /// Looks everywhere whether visitors are still turned away.
    func settleRefusals(at now: ContinuousClock.Instant) {
        let ledgers = read { state in
            (state.tunnels + state.leaving).map(\.facts.ledger) + state.listeners.map(\.ledger)
        }
        for ledger in ledgers { ledger.settleRefusals(at: now) }
    }

    /// A stream has ended: perhaps the last one that a tunnel that is going was waiting for.
    func streamEnded(_ owner: StreamOwner) {
        guard case .tunnel(let name) = owner else { return }
        let isAwaited = read { state in
            state.leaving.contains { $0.facts.name == name }
                || state.places[name].map { state.tunnels[$0].told == .draining } == true
        }
        guard isAwaited else { return }
        change { state in
            settleLeaving(&state)
            settle(name, &state)
        }
    }

    // MARK: Drains

    func drainBegan(_ drain: StreamDrain) {
        decisions.decide { state, _ in state.drains.append(drain) }
    }

    func drainEnded(_ drain: StreamDrain) {
        decisions.decide { state, _ in state.drains.removeAll { $0 === drain } }
    }

    /// Those that go on.
    func drains(of owner: StreamOwner) -> [StreamDrain] {
        read { state in state.drains.filter { $0.owner == owner } }
    }

    /// The one that cuts streams first.
    func drain(of owner: StreamOwner) -> StreamDrain? { read { $0.drain(of: owner) } }

    // MARK: What becomes of tunnels

    /// Tells what becomes of tunnels that are not in the configuration any more.
    private func settleLeaving(_ state: inout State) {
        for index in state.leaving.indices {
            let next: TunnelStatus.State = state.leaving[index].isLeaving ? .draining : .closed
            if let event = news(next, of: &state.leaving[index]) { state.news.append(event) }
        }
    }

    /// What to tell about a tunnel's state, if it is another one than before.
    private func news(_ now: TunnelStatus.State, of record: inout TunnelRecord) -> Event? {
        guard now != record.told else { return nil }
        record.told = now
        record.since = self.now()
        let record = record
        return event("tunnel.\(now.rawValue)") { event in
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
        if let event = news(record.state, of: &record) { state.news.append(event) }
        state.tunnels[place] = record
        state.tally.update(record)
    }

    private func errorReport(_ error: RstreamError?, before: ErrorReport?) -> ErrorReport? {
        guard let error else { return nil }
        let report = ErrorReport(error, at: now())
        guard let before, before.message == report.message, before.code == report.code else { return report }
        return before
    }

    // MARK: What is told

    private func event(_ type: String, _ fill: (inout Event) -> Void) -> Event {
        var event = Event(time: now(), type: type)
        fill(&event)
        return event
    }

    /// Tells systemd the status line once more, after something else was told.
    func tell() {
        decisions.decide { state, effects in effects.append(.sentence(state.sentence)) }
    }

    private func change(_ body: (inout State) -> Void) {
        decisions.decide { state, effects in
            body(&state)
            effects += state.news.map(Effect.event)
            state.news = []
            let sentence = state.sentence
            guard sentence != state.told else { return }
            state.told = sentence
            effects.append(.sentence(sentence))
        }
    }
}

/// The sessions by their ids, and in their order.
struct SessionRecords: Sendable {
    private var records: [StatusStore.SessionID: SessionRecord] = [:]
    private var order: [StatusStore.SessionID] = []

    var values: some Collection<SessionRecord> { records.values }

    /// From the oldest one on.
    var inOrder: some Collection<(key: StatusStore.SessionID, record: SessionRecord)> {
        order.lazy.compactMap { id in records[id].map { (key: id, record: $0) } }
    }

    subscript(id: StatusStore.SessionID) -> SessionRecord? {
        get { records[id] }
        set {
            guard let newValue else {
                remove(id)
                return
            }
            if records.updateValue(newValue, forKey: id) == nil {
                let place = order.lastIndex { $0.number < id.number }.map { $0 + 1 } ?? 0
                order.insert(id, at: place)
            }
        }
    }

    @discardableResult
    mutating func remove(_ id: StatusStore.SessionID) -> SessionRecord? {
        guard let record = records.removeValue(forKey: id) else { return nil }
        order.removeAll { $0 == id }
        return record
    }
}

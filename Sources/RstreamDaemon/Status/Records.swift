internal import RstreamAdmin
internal import RstreamConfig
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamRelay

/// What a session says about itself.
struct SessionFacts: Hashable, Sendable {
    var state = SessionStatus.State.connecting
    var clientID: String?
    var attempt = 0
    var nextAttemptAt: UTCTime?
    var error: RstreamError?
    var verification = TransportOptions.Verification.full
}

/// What is remembered of a session beside that.
struct SessionRecord: Sendable {
    /// Every context that it serves.
    var contexts: [String]
    let engine: String
    var facts = SessionFacts()
    var since: UTCTime
    var error: ErrorReport?
    var roundTrip: Duration?
    /// What somebody should do about it.
    var note: String?
    var tokenEnd: UTCTime?
    var certificateEnd: UTCTime?

    /// The one that it is shown under.
    var context: String { contexts.first ?? "" }

    init(contexts: [String], engine: String, since: UTCTime) {
        self.contexts = contexts
        self.engine = engine
        self.since = since
    }
}

/// How a connect went, as metrics count it.
enum ConnectOutcome: String, Hashable, Sendable, CaseIterable {
    case connected
    case failed
    case rejected
}

/// What outlives the sessions of a context.
struct ContextRecord: Sendable {
    var connects: [ConnectOutcome: Int] = [:]
    var roundTrips = Histogram()
}

/// What the configuration says about a tunnel.
struct WantedTunnelFacts: Sendable {
    let name: String
    let context: String
    let forward: String
    let wanted: TunnelProperties
    /// As configured, or as an operator wants it until the next reload.
    var isEnabled: Bool
    let ledger: StreamLedger
}

/// What a session says about one of its tunnels.
struct TunnelFacts: Hashable, Sendable {
    var state = TunnelStatus.State.pending
    /// What the engine granted, while it is open.
    var granted: TunnelProperties?
    var nextAttemptAt: UTCTime?
    var error: RstreamError?
}

/// What is remembered of a tunnel.
struct TunnelRecord: Sendable {
    var facts: WantedTunnelFacts
    /// By session: one that changes its context is at two engines for a while.
    var live: [StatusStore.SessionID: TunnelFacts] = [:]
    var error: ErrorReport?
    var upstreamError: ErrorReport?
    /// By whose limit visitors are turned away.
    var limitErrors: [StreamLimit: ErrorReport] = [:]
    var since: UTCTime
    /// The state that readers of events were told last.
    var told: TunnelStatus.State?
    /// Whether the daemon stops, so that it will not be opened again.
    var isEnding = false

    init(facts: WantedTunnelFacts, since: UTCTime) {
        self.facts = facts
        self.since = since
    }

    /// What somebody should know first.
    var trouble: ErrorReport? { error ?? servingTrouble }

    /// What is wrong although it is open.
    var servingTrouble: ErrorReport? { upstreamError ?? limitErrors[.owner] ?? limitErrors[.daemon] }

    /// The one that serves, or is to.
    var shown: TunnelFacts? {
        live.values.first { $0.state != .draining && $0.state != .closed } ?? live.values.first
    }

    var state: TunnelStatus.State {
        guard facts.isEnabled else {
            return shown?.state == .draining || facts.ledger.activeCount > 0 ? .draining : .disabled
        }
        guard isEnding else { return shown?.state ?? .pending }
        return isLeaving ? .draining : .closed
    }

    /// Whether there is still something of a tunnel that is to go.
    var isLeaving: Bool { facts.ledger.activeCount > 0 || !live.isEmpty }
}

/// What is remembered of a listener.
struct ListenerRecord: Sendable {
    let name: String
    let context: String
    let listen: String
    let dial: String
    let service: ListenerService
    /// Whether it has its address.
    var isListening = false
    var error: ErrorReport?
    var limitErrors: [StreamLimit: ErrorReport] = [:]

    var trouble: ErrorReport? { error ?? limitErrors[.owner] ?? limitErrors[.daemon] }

    var ledger: StreamLedger { service.listener.ledger }
}

/// Whose streams they are.
enum StreamOwner: Hashable, Sendable {
    case tunnel(String)
    case listener(String)

    var kind: String {
        switch self {
        case .tunnel: "tunnel"
        case .listener: "listener"
        }
    }

    var name: String {
        switch self {
        case .tunnel(let name), .listener(let name): name
        }
    }

    var logKey: String {
        switch self {
        case .tunnel: LogKey.tunnel
        case .listener: LogKey.listener
        }
    }

    func mark(_ event: inout Event) {
        switch self {
        case .tunnel(let name): event.tunnel = name
        case .listener(let name): event.listener = name
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamConfig
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel

/// A session's state as it publishes it after each event.
struct SessionSnapshot: Hashable, Sendable {
    var state = SessionStatus.State.connecting
    var clientID: String?
    var attempt = 0
    var nextAttemptAt: UTCTime?
    var error: RstreamError?
    var verification = TransportOptions.Verification.full
}

/// What the ``StatusStore`` holds about a session.
struct SessionEntry: Sendable {
    /// Every context that the session serves.
    var contexts: [String]
    let engine: String
    var snapshot = SessionSnapshot()
    var since: UTCTime
    var error: ErrorReport?
    var roundTrip: Duration?
    var prewarm = PrewarmCounts()
    /// How many of its connections are warm.
    var warm = 0
    /// What an operator should do about its credential.
    var note: String?
    var tokenEnd: UTCTime?
    var certificateEnd: UTCTime?
    /// Nil where none is configured.
    var canary: CanaryEntry?

    /// The context that the session is shown under.
    var context: String { contexts.first ?? "" }

    init(contexts: [String], engine: String, since: UTCTime) {
        self.contexts = contexts
        self.engine = engine
        self.since = since
    }
}

/// What the ``StatusStore`` holds about a session's canary.
struct CanaryEntry: Sendable {
    var verdict = CanaryStateMachine.Verdict()
    /// When the last attempt ended.
    var at: UTCTime?
    /// How long the last attempt took that passed.
    var duration: Duration?
    /// Why the last attempt failed, if it did.
    var error: ErrorReport?

    /// The error that an operator should know.
    var problem: ErrorReport? { verdict.isFailing ? error : nil }
}

/// The sessions by id, and in the order in which they were made.
struct SessionTable: Sendable {
    private var entries: [StatusStore.SessionID: SessionEntry] = [:]
    private var order: [StatusStore.SessionID] = []

    var values: some Collection<SessionEntry> { entries.values }

    /// The oldest session first.
    var inOrder: some Collection<(key: StatusStore.SessionID, entry: SessionEntry)> {
        order.lazy.compactMap { id in entries[id].map { (key: id, entry: $0) } }
    }

    subscript(id: StatusStore.SessionID) -> SessionEntry? {
        get { entries[id] }
        set {
            guard let newValue else {
                remove(id)
                return
            }
            if entries.updateValue(newValue, forKey: id) == nil {
                let index = order.lastIndex { $0.number < id.number }.map { $0 + 1 } ?? 0
                order.insert(id, at: index)
            }
        }
    }

    @discardableResult
    mutating func remove(_ id: StatusStore.SessionID) -> SessionEntry? {
        guard let entry = entries.removeValue(forKey: id) else { return nil }
        order.removeAll { $0 == id }
        return entry
    }
}

/// The outcome of a connect, as metrics count it.
enum ConnectOutcome: String, Hashable, Sendable, CaseIterable {
    case connected
    case failed
    case rejected
}

/// Counters of a context, over all sessions that have served it.
struct ContextCounters: Sendable {
    var connects: [ConnectOutcome: Int] = [:]
    var roundTrips = Histogram()
    var prewarm = PrewarmCounts()
    /// Attempts of canaries, by ``CanaryOutcome/result``; empty before the first.
    var canaries: [String: Int] = [:]
}

package import RstreamModel

/// One session: an engine, a credential and a transport that tunnels share (contract §4).
package struct SessionStatus: Codable, Hashable, Sendable {
    package enum State: String, Codable, Hashable, Sendable, CaseIterable {
        case connecting
        case online
        /// Backoff; ``SessionStatus/nextAttemptAt`` says when.
        case waiting
        /// The engine refused in a way that trying again at once cannot mend.
        case rejected
        case closed
    }

    /// Unique in this process.
    package var id: String
    package var context: String
    /// `host:port`, or the project that is looked up.
    package var engine: String
    package var state: State
    /// What the engine calls us; null unless online.
    @OrNull package var clientId: String?
    /// Since when it is in its state.
    package var since: UTCTime
    /// Attempts since traffic last flowed.
    @Count package var attempt: Int
    /// Null unless `waiting` or `rejected`.
    @OrNull package var nextAttemptAt: UTCTime?
    /// Null while nothing went wrong since it was last online.
    @OrNull package var lastError: ErrorReport?
    /// The last heartbeat's way there and back; null before the first.
    @OrNull package var heartbeatRttSeconds: Double?
    /// When the token ends; null when that is not known.
    @OrNull package var tokenExpiresAt: UTCTime?
    /// Whose certificates are checked.
    package var verification: TransportOptions.Verification

    package init(
        id: String,
        context: String,
        engine: String,
        state: State,
        clientId: String? = nil,
        since: UTCTime,
        attempt: Int = 0,
        nextAttemptAt: UTCTime? = nil,
        lastError: ErrorReport? = nil,
        heartbeatRttSeconds: Double? = nil,
        tokenExpiresAt: UTCTime? = nil,
        verification: TransportOptions.Verification = .full
    ) {
        self.id = id
        self.context = context
        self.engine = engine
        self.state = state
        _clientId = OrNull(wrappedValue: clientId)
        self.since = since
        self.attempt = attempt
        _nextAttemptAt = OrNull(wrappedValue: nextAttemptAt)
        _lastError = OrNull(wrappedValue: lastError)
        _heartbeatRttSeconds = OrNull(wrappedValue: heartbeatRttSeconds)
        _tokenExpiresAt = OrNull(wrappedValue: tokenExpiresAt)
        self.verification = verification
    }
}

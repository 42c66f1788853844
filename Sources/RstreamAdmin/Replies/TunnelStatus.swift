package import RstreamModel

/// One tunnel of the configuration, or one that has left it and still has streams (contract §4).
package struct TunnelStatus: Codable, Hashable, Sendable {
    package enum State: String, Codable, Hashable, Sendable, CaseIterable {
        /// By the configuration, or by an operator until the next reload.
        case disabled
        /// Waits for its session, or for its next attempt.
        case pending
        case opening
        case online
        /// The engine refused in a way that trying again at once cannot mend.
        case rejected
        /// Takes no new streams; those there are may end.
        case draining
        case closed

        /// Whether nobody has to do anything about it.
        package var isAsWanted: Bool {
            switch self {
            case .disabled, .online, .draining, .closed: true
            case .pending, .opening, .rejected: false
            }
        }
    }

    package var name: String
    package var context: String
    package var state: State
    /// The engine's name for it; null unless it is open.
    @OrNull package var id: String?
    /// Where its streams go: `host:port` or `unix:…`.
    package var forward: String
    /// Where visitors reach it; null unless it is open.
    @OrNull package var forwardingAddress: String?
    /// What the engine granted, or what it is asked for while it has not.
    package var properties: PropertiesReport
    /// Since when it is in its state.
    package var since: UTCTime
    package var streams: StreamCounts
    package var bytes: ByteCounts
    /// What keeps it from being online, or its upstream from being reached; null when nothing does.
    @OrNull package var lastError: ErrorReport?

    package init(
        name: String,
        context: String,
        state: State,
        id: String? = nil,
        forward: String,
        forwardingAddress: String? = nil,
        properties: PropertiesReport,
        since: UTCTime,
        streams: StreamCounts = StreamCounts(),
        bytes: ByteCounts = ByteCounts(),
        lastError: ErrorReport? = nil
    ) {
        self.name = name
        self.context = context
        self.state = state
        _id = OrNull(wrappedValue: id)
        self.forward = forward
        _forwardingAddress = OrNull(wrappedValue: forwardingAddress)
        self.properties = properties
        self.since = since
        self.streams = streams
        self.bytes = bytes
        _lastError = OrNull(wrappedValue: lastError)
    }
}

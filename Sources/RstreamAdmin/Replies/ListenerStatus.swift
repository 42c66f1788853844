/// One listener: a local port or socket in front of a private tunnel (contract §3.4).
package struct ListenerStatus: Codable, Hashable, Sendable {
    package enum State: String, Codable, Hashable, Sendable, CaseIterable {
        /// Its address cannot be had yet; it is tried again.
        case waiting
        case listening
    }

    package var name: String
    package var context: String
    package var state: State
    /// `address:port` or `unix:…`, as it is configured.
    package var listen: String
    /// The tunnel that is dialed: its id or name.
    package var dial: String
    package var streams: StreamCounts
    package var bytes: ByteCounts
    /// Why it does not listen, or why its tunnel was not to be dialed; null when nothing is wrong.
    @OrNull package var lastError: ErrorReport?

    package init(
        name: String,
        context: String,
        state: State,
        listen: String,
        dial: String,
        streams: StreamCounts = StreamCounts(),
        bytes: ByteCounts = ByteCounts(),
        lastError: ErrorReport? = nil
    ) {
        self.name = name
        self.context = context
        self.state = state
        self.listen = listen
        self.dial = dial
        self.streams = streams
        self.bytes = bytes
        _lastError = OrNull(wrappedValue: lastError)
    }
}

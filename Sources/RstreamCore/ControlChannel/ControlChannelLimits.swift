/// Everything that the engine, or a program above, can make this side hold on to, and how much of it (PROTOCOL.md
/// §6, §16).
package struct ControlChannelLimits: Hashable, Sendable {
    /// Inbound streams whose handshake runs at the same time.
    package var openingStreams: Int
    /// Inbound streams that wait for their handshake to start.
    package var pendingStreams: Int
    /// Answers handed to the connection and not yet written, beyond which the engine has stopped reading.
    package var unwrittenAnswers: Int
    /// Abandoned tunnel requests that are remembered, so that a late grant can be given back.
    package var abandonedTunnels: Int

    package init(
        openingStreams: Int = 64,
        pendingStreams: Int = 256,
        unwrittenAnswers: Int = 512,
        abandonedTunnels: Int = 1_024
    ) {
        self.openingStreams = openingStreams
        self.pendingStreams = pendingStreams
        self.unwrittenAnswers = unwrittenAnswers
        self.abandonedTunnels = abandonedTunnels
    }
}

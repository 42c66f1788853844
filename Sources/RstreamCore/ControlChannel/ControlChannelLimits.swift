// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// How much the engine, or the program, can make this side store (PROTOCOL.md §6, §16).
package struct ControlChannelLimits: Hashable, Sendable {
    /// Inbound streams whose handshake runs at the same time.
    package var openingStreams: Int
    /// Inbound streams that wait for their handshake to start.
    package var pendingStreams: Int
    /// Answers that were handed to the connection and are not written yet. With more than these the engine has stopped
    /// reading.
    package var unwrittenAnswers: Int
    /// Abandoned tunnel requests that are remembered, so that a tunnel that is granted late can be closed.
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

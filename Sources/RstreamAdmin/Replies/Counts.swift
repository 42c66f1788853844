// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Streams of the daemon, a tunnel or a listener, since it started.
package struct StreamCounts: Codable, Hashable, Sendable {
    /// Open now, those that are still being opened included.
    @Count package var active: Int
    /// All that were requested.
    @Count package var total: Int
    /// Those of them that were refused, or whose other side could not be reached.
    @Count package var failed: Int

    package init(active: Int = 0, total: Int = 0, failed: Int = 0) {
        self.active = active
        self.total = total
        self.failed = failed
    }
}

/// Bytes of streams, those of open ones included.
package struct ByteCounts: Codable, Hashable, Sendable {
    /// From the engine's side: what visitors sent.
    @Count package var received: Int
    /// From the local side: what visitors received.
    @Count package var sent: Int

    package init(received: Int = 0, sent: Int = 0) {
        self.received = received
        self.sent = sent
    }
}

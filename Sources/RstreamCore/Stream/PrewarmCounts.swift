// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// What became of streams and warm connections.
package struct PrewarmCounts: Hashable, Sendable {
    /// Streams that used a warm connection. One that was refused before it did counts nowhere.
    package var hits = 0
    /// Streams that found none and dialed.
    package var misses = 0
    /// Connections that were dropped unused: the engine closed them, something they were dialed with has changed, the
    /// control channel has ended, or they died in the hands of the stream that was to use them.
    package var wasted = 0
    /// Connections that were dropped unused because of their age.
    package var aged = 0

    package init(hits: Int = 0, misses: Int = 0, wasted: Int = 0, aged: Int = 0) {
        (self.hits, self.misses, self.wasted, self.aged) = (hits, misses, wasted, aged)
    }

    package static func + (one: Self, other: Self) -> Self {
        Self(
            hits: one.hits + other.hits,
            misses: one.misses + other.misses,
            wasted: one.wasted + other.wasted,
            aged: one.aged + other.aged
        )
    }

    package static func - (later: Self, earlier: Self) -> Self {
        Self(
            hits: later.hits - earlier.hits,
            misses: later.misses - earlier.misses,
            wasted: later.wasted - earlier.wasted,
            aged: later.aged - earlier.aged
        )
    }
}

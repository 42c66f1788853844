// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Connections to the engine that are made before a stream needs them, of one session since it began.
package struct PrewarmStatus: Codable, Hashable, Sendable {
    /// Connections that are ready now.
    @Count package var warm: Int
    /// Streams that used one.
    @Count package var hit: Int
    /// Streams that found none and dialed.
    @Count package var miss: Int
    /// Connections that were dropped unused, for another reason than their age.
    @Count package var wasted: Int
    /// Connections that were dropped unused because of their age.
    @Count package var aged: Int

    package init(warm: Int = 0, hit: Int = 0, miss: Int = 0, wasted: Int = 0, aged: Int = 0) {
        self.warm = warm
        self.hit = hit
        self.miss = miss
        self.wasted = wasted
        self.aged = aged
    }
}

extension KeyedDecodingContainer {
    /// An older daemon, which does not send it, keeps none.
    package func decode(_: PrewarmStatus.Type, forKey key: Key) throws -> PrewarmStatus {
        try decodeIfPresent(PrewarmStatus.self, forKey: key) ?? PrewarmStatus()
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// One upstream of a tunnel.
package struct UpstreamStatus: Codable, Hashable, Sendable {
    package struct State: OpenEnum {
        /// Gets its share of streams.
        package static let healthy = Self(rawValue: "healthy")
        /// Its checks fail.
        package static let unhealthy = Self(rawValue: "unhealthy")
        /// Dials have failed, and streams go elsewhere for a while.
        package static let ejected = Self(rawValue: "ejected")
        package static let allCases: [Self] = [.healthy, .unhealthy, .ejected]

        package let rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }
    }

    /// Its address: `host:port` or `unix:…`.
    package var forward: String
    @Count package var weight: Int
    package var backup: Bool
    package var state: State
    /// When a stream tries it again; null unless it is ejected.
    @OrNull package var ejectedUntil: UTCTime?
    /// The part of new streams that it gets now, 0 to 1.
    package var share: Double
    package var streams: StreamCounts
    /// Null where nothing was checked yet.
    @OrNull package var lastCheck: UpstreamCheckStatus?
    /// Why it cannot be reached, or did not pass its check; null when nothing is wrong.
    @OrNull package var lastError: ErrorReport?

    package init(
        forward: String,
        weight: Int = 1,
        backup: Bool = false,
        state: State = .healthy,
        ejectedUntil: UTCTime? = nil,
        share: Double = 1,
        streams: StreamCounts = StreamCounts(),
        lastCheck: UpstreamCheckStatus? = nil,
        lastError: ErrorReport? = nil
    ) {
        self.forward = forward
        _weight = Count(wrappedValue: weight)
        self.backup = backup
        self.state = state
        _ejectedUntil = OrNull(wrappedValue: ejectedUntil)
        self.share = share
        self.streams = streams
        _lastCheck = OrNull(wrappedValue: lastCheck)
        _lastError = OrNull(wrappedValue: lastError)
    }
}

/// A health check that has ended.
package struct UpstreamCheckStatus: Codable, Hashable, Sendable {
    package var at: UTCTime
    package var passed: Bool
    package var durationSeconds: Double

    package init(at: UTCTime, passed: Bool, durationSeconds: Double) {
        self.at = at
        self.passed = passed
        self.durationSeconds = durationSeconds
    }
}

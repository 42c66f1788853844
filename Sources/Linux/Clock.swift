// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
package import RstreamModel

extension UTCTime {
    /// The time by this host's clock.
    package static var now: Self {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return UTCTime(sinceEpoch: .seconds(now.tv_sec) + .nanoseconds(now.tv_nsec))
    }
}

/// Tells how long the host has slept: how far the clock that counts sleep is ahead of the one that does not.
package struct SuspendMeter: Sendable {
    /// A clock that goes on while the host sleeps, and one that stands still.
    package typealias Clocks = @Sendable () -> (boottime: Duration, monotonic: Duration)

    private let clocks: Clocks
    private var before: Duration
    /// What two readings one after the other may differ by.
    private static let tolerance = Duration.seconds(1)

    package init(clocks: @escaping Clocks = Self.kernel) {
        self.clocks = clocks
        let now = clocks()
        before = now.boottime - now.monotonic
    }

    /// How long the host has slept since the last call; nil when it has not.
    package mutating func slept() -> Duration? {
        let now = clocks()
        let ahead = now.boottime - now.monotonic
        defer { before = ahead }
        return ahead - before >= Self.tolerance ? ahead - before : nil
    }

    /// The kernel's clocks.
    package static let kernel: Clocks = { (read(CLOCK_BOOTTIME), read(CLOCK_MONOTONIC)) }

    private static func read(_ clock: clockid_t) -> Duration {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}

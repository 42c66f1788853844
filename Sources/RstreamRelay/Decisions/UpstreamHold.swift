// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamCore
package import RstreamModel

/// Decides how long a stream is held for an upstream that could not be reached, and when the upstream is dialed again
/// (`holdTimeout`, contract §3.3).
///
/// Waits are random parts of 50 ms, 100 ms, 200 ms, and so on up to 1 s, so that streams which lost one service
/// together do not come back to it together. The last dial is made when the time is over: a service that comes back
/// within it is never missed for a wait that was too long.
package struct UpstreamHold: Hashable, Sendable {
    package enum Action: Hashable, Sendable {
        case dialAgain(after: Duration)
        case giveUp
    }

    private let deadline: ContinuousClock.Instant
    private var backoff = Backoff(minimum: .milliseconds(50), maximum: .seconds(1))

    /// A timeout of zero gives up at once.
    package init(timeout: Duration, since start: ContinuousClock.Instant) {
        deadline = start.advanced(by: timeout)
    }

    /// A stream is held only for failures that may pass by themselves.
    package mutating func dialFailed(
        retry: RstreamError.Retry,
        at now: ContinuousClock.Instant,
        using generator: inout some RandomNumberGenerator
    ) -> Action {
        guard retry == .afterBackoff, now < deadline else { return .giveUp }
        return .dialAgain(after: min(backoff.next(using: &generator), now.duration(to: deadline)))
    }
}

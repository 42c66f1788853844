// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// Decides how long each upstream may be dialed for one stream until all have been tried, and what is said when none
/// has taken it.
///
/// `connectTimeout` is the time for all of them. Each gets an equal part of what is left, so that one that does not
/// answer leaves time for the others; one that is alone gets all of it.
package struct UpstreamPass: Hashable, Sendable {
    /// How many upstreams an error names.
    private static let mostNamed = 4

    package private(set) var tried = UpstreamSet()
    private var failures: [RstreamError] = []
    private let deadline: ContinuousClock.Instant

    package init(within timeout: Duration, since start: ContinuousClock.Instant) {
        deadline = start.advanced(by: timeout)
    }

    /// How long the next of `count` upstreams may take; nil when no time is left for another.
    package func time(among count: Int, at now: ContinuousClock.Instant) -> Duration? {
        let left = now.duration(to: deadline)
        guard left > .zero else { return nil }
        let waiting = count - tried.count
        return waiting > 1 ? left / waiting : left
    }

    /// The upstream at that place has failed.
    package mutating func failed(_ place: Int, _ error: RstreamError) {
        tried.insert(place)
        failures.append(error)
    }

    /// Why no upstream has taken the stream. It may pass by itself if the failure of one may.
    package var error: RstreamError? {
        guard failures.count > 1, let first = failures.first(where: { $0.retry == .afterBackoff }) ?? failures.first
        else { return failures.first }
        var reasons = failures.prefix(Self.mostNamed).map(\.what)
        if failures.count > Self.mostNamed { reasons.append("and \(failures.count - Self.mostNamed) more") }
        return RstreamError(
            code: first.code,
            origin: first.origin,
            retry: first.retry,
            what: "no upstream takes connections: \(reasons.joined(separator: "; "))",
            fix: first.fix
        )
    }
}

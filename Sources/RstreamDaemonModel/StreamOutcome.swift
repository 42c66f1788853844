// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// How a stream ended (contract §4), in events, metrics and lists.
package enum StreamOutcome: String, Hashable, Sendable, CaseIterable {
    /// Closed in order by both sides.
    case completed
    /// The upstream could not be reached.
    case upstreamFailed = "upstream_failed"
    /// The upstream reset the connection.
    case upstreamReset = "upstream_reset"
    /// The visitor reset the connection, or had left before the upstream was connected.
    case visitorReset = "visitor_reset"
    /// The upstream closed the connection without sending a byte.
    case empty
    /// A limit was reached.
    case refused
    /// No byte passed for longer than the idle timeout.
    case idle
    /// Ended by an operator, a reload or a stop.
    case cut
    /// The connection to the engine broke, or could not be made.
    case lost
}

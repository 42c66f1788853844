/// What became of a stream in the end (contract §4), in events, metrics and lists alike.
package enum StreamOutcome: String, Hashable, Sendable, CaseIterable {
    /// Ended in order, both ways.
    case completed
    /// What it was to go to could not be reached.
    case upstreamFailed = "upstream_failed"
    /// What it went to broke off.
    case upstreamReset = "upstream_reset"
    /// Whoever connected broke off, or was gone before the other side was there.
    case visitorReset = "visitor_reset"
    /// What it went to ended without having said a byte.
    case empty
    /// There was no room for it.
    case refused
    /// It was silent for too long.
    case idle
    /// Ended by an operator, a reload or a stop.
    case cut
    /// The engine's connection broke, or was not to be had.
    case lost
}

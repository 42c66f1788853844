/// What is to be said about the end of a token's time, which a token may state itself (CONFIG.md §5.1).
///
/// Nobody verifies the statement here, the engine does. All times are seconds since 1970.
public enum TokenExpiry: Hashable, Sendable {
    /// The token does not end, or does not say when.
    case never
    /// It ends later than a day from now.
    case expires(at: Int64)
    /// It ends within a day: somebody should replace it.
    case withinADay(at: Int64)
    /// It has ended: an engine would refuse it.
    case expired(at: Int64)

    /// When it ends, if it says so.
    public var end: Int64? {
        switch self {
        case .never: nil
        case .expires(let end), .withinADay(let end), .expired(let end): end
        }
    }

    private static let day: Int64 = 24 * 60 * 60

    /// Judges a token's own statement at the time `now`.
    public init(expiresAt end: Int64?, now: Int64) {
        guard let end else {
            self = .never
            return
        }
        let (left, overflow) = end.subtractingReportingOverflow(now)
        if end <= now {
            self = .expired(at: end)
        } else if overflow || left > Self.day {
            self = .expires(at: end)
        } else {
            self = .withinADay(at: end)
        }
    }
}

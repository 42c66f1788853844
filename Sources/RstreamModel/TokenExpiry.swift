// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// When a token expires, by its own claims (CONFIG.md §5.1), which only the engine verifies. All times are in seconds
/// since 1970.
public enum TokenExpiry: Hashable, Sendable {
    /// The token does not expire, or does not say when.
    case never
    /// It expires more than a day from now.
    case expires(at: Int64)
    /// It expires within a day and should be replaced.
    case withinADay(at: Int64)
    /// It has expired: an engine rejects it.
    case expired(at: Int64)

    /// When it expires, if it says so.
    public var end: Int64? {
        switch self {
        case .never: nil
        case .expires(let end), .withinADay(let end), .expired(let end): end
        }
    }

    private static let day: Int64 = 24 * 60 * 60

    /// Compares a token's claim with the time `now`.
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

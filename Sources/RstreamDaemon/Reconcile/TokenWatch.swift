package import RstreamModel

/// Says once that a token's end comes near, and once that it has come (CONFIG.md §5.1).
package struct TokenWatch: Hashable, Sendable {
    package enum Notice: Hashable, Sendable {
        /// Seconds since 1970.
        case endsWithinADay(at: Int64)
        case hasEnded(at: Int64)
    }

    /// What holds now, for a status; nil when there is nothing to do about the token.
    package private(set) var notice: Notice?

    package init() {}

    /// The token was looked at. Returns what has to be told, which is nothing when it was told before.
    package mutating func looked(_ expiry: TokenExpiry) -> Notice? {
        let before = notice
        switch expiry {
        case .never, .expires: notice = nil
        case .withinADay(let end): notice = .endsWithinADay(at: end)
        case .expired(let end): notice = .hasEnded(at: end)
        }
        return notice == before ? nil : notice
    }
}

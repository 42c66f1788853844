// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// Decides when to warn that a token or certificate ends soon, and that it has ended, once each (CONFIG.md §5.1).
package struct TokenWatch: Hashable, Sendable {
    package enum Notice: Hashable, Sendable {
        /// Seconds since 1970.
        case endsWithinADay(at: Int64)
        case hasEnded(at: Int64)
    }

    /// The notice that applies now; nil when the credential is good for more than a day.
    package private(set) var notice: Notice?

    package init() {}

    /// Returns the notice for a new expiry, unless it is the one returned last.
    package mutating func checked(_ expiry: TokenExpiry) -> Notice? {
        let before = notice
        switch expiry {
        case .never, .expires: notice = nil
        case .withinADay(let end): notice = .endsWithinADay(at: end)
        case .expired(let end): notice = .hasEnded(at: end)
        }
        return notice == before ? nil : notice
    }
}

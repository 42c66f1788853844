// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import Testing

@Suite("The end of a token's time")
struct TokenExpiryTests {
    @Test("a token that says nothing never ends")
    func silent() {
        #expect(TokenExpiry(expiresAt: nil, now: 1_000) == .never)
    }

    @Test(
        "a token is expired at its time, near its end for the day before, and fine until then",
        arguments: [
            (1_000, TokenExpiry.expired(at: 1_000)), (999, .expired(at: 999)), (-5, .expired(at: -5)),
            (1_001, .withinADay(at: 1_001)), (87_400, .withinADay(at: 87_400)), (87_401, .expires(at: 87_401)),
            (.max, .expires(at: .max)), (.min, .expired(at: .min)),
        ] as [(Int64, TokenExpiry)]
    )
    func judged(end: Int64, expected: TokenExpiry) {
        #expect(TokenExpiry(expiresAt: end, now: 1_000) == expected)
    }

    @Test("no time is too far away to be judged")
    func extremes() {
        #expect(TokenExpiry(expiresAt: .max, now: .min) == .expires(at: .max))
        #expect(TokenExpiry(expiresAt: .min, now: .max) == .expired(at: .min))
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import Testing

@testable import RstreamDaemon

@Suite("The notice of an expiry")
struct TokenWatchTests {
    @Test("is given once before the end and once after it, and not for a new token")
    func life() {
        var watch = TokenWatch()
        #expect(watch.checked(.expires(at: 100)) == nil)
        #expect(watch.checked(.withinADay(at: 100)) == .endsWithinADay(at: 100))
        #expect(watch.checked(.withinADay(at: 100)) == nil)
        #expect(watch.checked(.expired(at: 100)) == .hasEnded(at: 100))
        #expect(watch.checked(.expired(at: 100)) == nil)
        #expect(watch.notice == .hasEnded(at: 100))
        #expect(watch.checked(.never) == nil)
        #expect(watch.notice == nil)
    }

    @Test("is given again for the next token that ends soon")
    func another() {
        var watch = TokenWatch()
        _ = watch.checked(.withinADay(at: 100))
        #expect(watch.checked(.withinADay(at: 200)) == .endsWithinADay(at: 200))
    }
}

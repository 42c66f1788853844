// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import Testing

@testable import RstreamDaemon

@Suite("Signals")
struct SignalTests {
    @Test("SIGHUP reloads, the first request to stop drains, the second cuts, and later ones do nothing")
    func decisions() {
        var decision = SignalDecision()
        #expect(decision.received(SIGHUP) == .reload)
        #expect(decision.received(SIGUSR1) == nil)
        #expect(decision.received(SIGINT) == .stop)
        #expect(decision.received(SIGHUP) == nil, "what stops is not reloaded")
        #expect(decision.received(SIGTERM) == .stopNow)
        #expect(decision.received(SIGTERM) == nil)
    }
}

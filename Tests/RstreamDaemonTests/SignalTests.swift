// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import Testing

@testable import RstreamDaemon

@Suite("Signals")
struct SignalTests {
    @Test(
        "SIGHUP reloads, SIGUSR2 starts a take-over, the first request to stop drains, the second cuts, and later ones do nothing"
    )
    func decisions() {
        var decision = SignalDecision()
        #expect(decision.received(SIGHUP) == .reload)
        #expect(decision.received(SIGUSR1) == nil)
        #expect(decision.received(SIGUSR2) == .upgrade)
        #expect(decision.received(SIGINT) == .stop)
        #expect(decision.received(SIGHUP) == nil, "what stops is not reloaded")
        #expect(decision.received(SIGUSR2) == nil, "what stops is not taken over")
        #expect(decision.received(SIGTERM) == .stopNow)
        #expect(decision.received(SIGTERM) == nil)
    }

    @Test("a signal to the process that stands for the daemon and to the daemon itself is one request")
    func both() {
        var decision = SignalDecision()
        #expect(decision.received(SIGTERM, isPassedOn: true) == .stop)
        #expect(decision.received(SIGTERM) == nil)
        #expect(decision.received(SIGTERM) == .stopNow)
        #expect(decision.received(SIGTERM, isPassedOn: true) == nil)
    }
}

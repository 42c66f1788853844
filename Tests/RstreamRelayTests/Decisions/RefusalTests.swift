// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import Testing

@testable import RstreamRelay

@Suite("a period in which a limit refuses streams")
struct RefusalTests {
    private let start = ContinuousClock.now

    private func after(_ seconds: Int) -> ContinuousClock.Instant { start.advanced(by: .seconds(seconds)) }

    @Test("begins with the first refusal, and ends when none happened for a while")
    func once() {
        var machine = RefusalStateMachine()
        #expect(machine.checked(at: start) == nil)
        let begins = [(0, 1), (3, 2), (9, 1)].map { machine.refused($0.1, at: after($0.0)) }
        #expect(begins == [true, false, false])
        #expect(machine.checked(at: after(18)) == nil)
        let past = machine.checked(at: after(19))
        #expect(past?.count == 4)
        #expect(past?.lasted == .seconds(9))
        #expect(machine.checked(at: after(100)) == nil)
        let again = machine.refused(at: after(101))
        #expect(again)
    }

    @Test("does not begin without a refusal")
    func nobody() {
        var machine = RefusalStateMachine()
        let begins = machine.refused(0, at: start)
        #expect(!begins)
        #expect(machine.checked(at: after(60)) == nil)
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import Testing

@testable import RstreamRelay

@Suite("a stream that may not be silent for long")
struct IdleTimeoutTests {
    private let start = ContinuousClock.now
    private let timeout = IdleTimeout(.seconds(10))

    private func judge(lastActivity: Duration, now: Duration) -> IdleTimeout.Verdict {
        timeout.judge(lastActivity: start.advanced(by: lastActivity), at: start.advanced(by: now))
    }

    @Test("is checked again when its silence could be too long")
    func active() {
        #expect(judge(lastActivity: .zero, now: .zero) == .look(after: .seconds(10)))
        #expect(judge(lastActivity: .seconds(7), now: .seconds(10)) == .look(after: .seconds(7)))
    }

    @Test("is silent once no byte has moved for the whole timeout")
    func silent() {
        #expect(judge(lastActivity: .seconds(1), now: .seconds(11)) == .silent)
        #expect(judge(lastActivity: .seconds(1), now: .seconds(100)) == .silent)
    }
}

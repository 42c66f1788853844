// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamWire
import Testing

@Suite("liveness is agreed on")
struct LivenessNegotiationTests {
    private func answer(_ interval: UInt32, _ timeout: UInt32) -> WireLiveness {
        WireLiveness(intervalMilliseconds: interval, timeoutMilliseconds: timeout)
    }

    private func negotiate(_ requested: UInt32?, _ answered: WireLiveness?) -> Result<Liveness, ProtocolViolation> {
        Liveness.negotiate(requested: requested, answered: answered)
    }

    @Test(
        "the interval must be the one that was asked for",
        arguments: [0, 1, 4_999, 5_001, 300_000, .max] as [UInt32]
    )
    func interval(answered: UInt32) {
        #expect(
            negotiate(5_000, answer(answered, 15_000))
                == .failure(.livenessInterval(requested: 5_000, answered: answered))
        )
    }

    @Test("the timeout lies between the interval and 900 s, both included")
    func timeout() {
        for timeout in [5_000, 5_001, 15_000, 899_999, 900_000] as [UInt32] {
            #expect(
                negotiate(5_000, answer(5_000, timeout))
                    == .success(.negotiated(interval: .seconds(5), timeout: .milliseconds(Int64(timeout))))
            )
        }
        for timeout in [0, 1, 4_999, 900_001, .max] as [UInt32] {
            #expect(negotiate(5_000, answer(5_000, timeout)) == .failure(.livenessTimeout(milliseconds: timeout)))
        }
    }

    @Test("the ends of the range of intervals are agreed on like any other", arguments: [1_000, 300_000] as [UInt32])
    func ends(interval: UInt32) {
        #expect(
            negotiate(interval, answer(interval, interval))
                == .success(
                    .negotiated(
                        interval: .milliseconds(Int64(interval)),
                        timeout: .milliseconds(Int64(interval))
                    )
                )
        )
    }

    @Test("an engine that answers nothing is a legacy one")
    func legacy() {
        #expect(negotiate(5_000, nil) == .success(.legacy(interval: .seconds(5))))
    }

    @Test("without heartbeats there is nothing to answer")
    func disabled() {
        #expect(negotiate(nil, nil) == .success(.disabled))
        #expect(negotiate(nil, answer(5_000, 15_000)) == .failure(.livenessNotRequested))
        #expect(negotiate(nil, answer(0, 0)) == .failure(.livenessNotRequested))
    }

    @Test(
        "an interval is between 1 s and 300 s in whole milliseconds",
        arguments: [
            (.seconds(1), 1_000), (.seconds(5), 5_000), (.seconds(300), 300_000), (.milliseconds(1_001), 1_001),
            (.milliseconds(299_999), 299_999), (.milliseconds(999), nil), (.milliseconds(300_001), nil),
            (.zero, nil), (.seconds(-5), nil), (.microseconds(1_000_500), nil), (.nanoseconds(1_000_000_001), nil),
            (.seconds(1) - .nanoseconds(1), nil), (.seconds(300) + .nanoseconds(1), nil),
        ] as [(Duration, UInt32?)]
    )
    func milliseconds(interval: Duration, expected: UInt32?) {
        #expect(Liveness.milliseconds(of: interval) == expected)
    }
}

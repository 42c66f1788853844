// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import Testing

@Suite("Durations in seconds")
struct DurationTests {
    @Test(
        "durations print with up to three decimals",
        arguments: [
            (Duration.seconds(15), "15 s"), (.milliseconds(4_200), "4.2 s"), (.milliseconds(1_050), "1.05 s"),
            (.milliseconds(5), "0.005 s"), (.microseconds(10), "0 s"), (.zero, "0 s"),
            (.milliseconds(-4_200), "-4.2 s"), (.milliseconds(-5), "-0.005 s"),
        ]
    )
    func text(duration: Duration, text: String) {
        #expect(duration.secondsText == text)
    }

    @Test("seconds as a number keep the fraction")
    func number() {
        #expect(Duration.milliseconds(1_500).inSeconds == 1.5)
        #expect(Duration.microseconds(-250_000).inSeconds == -0.25)
    }
}

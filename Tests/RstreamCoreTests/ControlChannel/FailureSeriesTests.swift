// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Testing

@testable import RstreamCore

@Suite("Failures that are told once")
struct FailureSeriesTests {
    private let start = ContinuousClock.now

    private func told(_ steps: [(second: Int, fails: Bool)]) -> [Int] {
        var series = FailureSeries()
        return steps.compactMap { second, fails in
            guard fails else {
                series.succeeded()
                return nil
            }
            return series.failed(at: start + .seconds(second)) ? second : nil
        }
    }

    @Test("a series is told once, however long it lasts")
    func once() {
        #expect(told([(0, true), (1, true), (59, true), (61, true), (3_600, true)]) == [0])
    }

    @Test("a success ends it: the next failure is news, but not within a minute")
    func again() {
        #expect(told([(0, true), (1, false), (61, true)]) == [0, 61])
        #expect(told([(0, true), (1, false), (2, true), (59, true), (60, true), (61, true)]) == [0, 60])
        #expect(
            told([(0, false), (1, true), (2, false), (3, true), (4, false), (100, false), (101, true)]) == [1, 101]
        )
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Testing

@testable import RstreamDaemon

@Suite("Unmapping the program's pages")
struct PageReleaserTests {
    /// The checks, in order, at which pages are unmapped, when each finds so many streams so far and so many open.
    private func releases(_ checks: [(taken: UInt64, open: Int)]) -> [Int] {
        var releaser = PageReleaser()
        return checks.indices.filter { releaser.shouldRelease(taken: checks[$0].taken, open: checks[$0].open) }
    }

    private let quiet = PageReleaser.quietChecks

    @Test("happens once after the start, also beside streams")
    func start() {
        #expect(releases(Array(repeating: (0, 0), count: 50)) == [0])
        #expect(releases([(3, 2)] + Array(repeating: (3, 2), count: 50)) == [0])
    }

    @Test("happens once when there was no stream for half a minute")
    func afterStreams() {
        #expect(HeapTrimmer.interval * PageReleaser.quietChecks == .seconds(30))
        #expect(releases([(0, 0), (5, 1)] + Array(repeating: (5, 0), count: 50)) == [0, 1 + quiet])
        #expect(releases([(0, 0), (5, 0)] + Array(repeating: (5, 0), count: 50)) == [0, 1 + quiet])
    }

    @Test("waits as long as streams are open, and as streams come")
    func streams() {
        #expect(releases([(0, 0)] + Array(repeating: (5, 1), count: 50)) == [0])
        #expect(releases((0..<50).map { (UInt64($0), 0) }) == [0])
        let gap = Array(repeating: (1 as UInt64, 0), count: quiet)
        #expect(releases([(0, 0)] + gap + [(2, 0)] + Array(repeating: (2, 0), count: quiet)) == [0, 1 + 2 * quiet])
    }
}

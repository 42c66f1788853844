// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import Testing

@testable import RstreamRelay

@Suite("A send queue")
struct SendQueueTests {
    @Test(
        "moves when it has become shorter, and at the first check when there is something in it",
        arguments: [
            ([0, 0], [false, false]), ([100, 99, 99, 120, 1, 0, 0], [true, true, false, false, true, true, false]),
        ]
    )
    func moves(counts: [Int], expected: [Bool]) {
        var queue = SendQueue()
        var moved: [Bool] = []
        for count in counts { moved.append(queue.hasMoved(now: count)) }
        #expect(moved == expected)
    }
}

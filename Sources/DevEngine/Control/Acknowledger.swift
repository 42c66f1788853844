// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamWire

/// Decides how a heartbeat is acknowledged, including faults (PROTOCOL.md §4).
struct Acknowledger {
    struct Answer: Equatable {
        var heartbeat: Heartbeat
        /// In milliseconds.
        var delay = 0
    }

    private var received = 0

    mutating func answers(to sequence: UInt64, faults: inout FaultPlan) -> [Answer] {
        received &+= 1
        if let every = faults.number(.ackSkip), received % max(every, 1) != 0 { return [] }
        var answer = Answer(heartbeat: Heartbeat(acknowledgement: sequence))
        if faults.take(.ackZero) { answer.heartbeat.acknowledgement = 0 }
        if faults.take(.ackFuture) { answer.heartbeat.acknowledgement = sequence &+ 1_000 }
        if faults.take(.ackSequence) { answer.heartbeat.sequence = 1 }
        answer.delay = faults.number(.ackDelay) ?? 0
        return faults.take(.ackReplay) ? [answer, answer] : [answer]
    }
}

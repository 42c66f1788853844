// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamRelay

/// A stream whose bytes pass an inspection, in the pieces and at the times that the test says.
struct InspectedStream {
    private(set) var machine = InspectionStateMachine()
    private(set) var ended: [InspectedRequest] = []
    private var now = ContinuousClock.now
    /// What is left of the memory for the requests of all streams.
    var room = 1 << 20
    /// What bodies may take of that; nil where no client asks for them.
    var roomForBodies: Int?

    mutating func passes(_ bytes: some Sequence<UInt8>, from side: InspectionStateMachine.Side) {
        Array(bytes).withUnsafeBytes {
            machine.received($0, from: side, at: now, room: room, roomForBodies: roomForBodies)
        }
        ended += machine.takeEnded()
    }

    /// A text in pieces of so many bytes.
    mutating func says(_ side: InspectionStateMachine.Side, _ text: String, inPiecesOf length: Int = .max) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            passes(rest.prefix(length), from: side)
            rest = rest.dropFirst(length)
        }
    }

    mutating func visitor(_ text: String) { says(.visitor, text) }
    mutating func service(_ text: String) { says(.service, text) }

    mutating func waits(_ duration: Duration) { now += duration }

    /// The service sends nothing more, and the stream is over.
    mutating func endsInOrder() {
        machine.inputEnded(.service, at: now)
        ends()
    }

    mutating func ends() {
        machine.streamEnded(at: now)
        ended += machine.takeEnded()
    }
}

extension InspectedRequest {
    /// What a test compares.
    var summary: String {
        "\(method ?? "-") \(target ?? "-") \(requestBytes) \(status.map { "\($0)" } ?? "-") \(responseBytes) \(end)"
    }
}

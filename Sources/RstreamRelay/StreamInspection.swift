// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import RstreamCore
internal import RstreamModel

/// Looks at the bytes of one stream of a tunnel as they pass: the shell of ``InspectionStateMachine``.
///
/// Confined to the stream's event loop.
final class StreamInspection {
    private var machine = InspectionStateMachine()
    private let stream: UInt64
    private let source: IPAddress?
    private let turn: Int
    private let log: RequestLog
    /// What was taken of the memory for requests.
    private var taken = 0

    /// The inspection of a stream by its number, in this turn of a log.
    init(of stream: UInt64, _ source: IPAddress?, in turn: Int, of log: RequestLog) {
        (self.stream, self.source, self.turn, self.log) = (stream, source, turn, log)
    }

    deinit {
        log.memory.change(by: -taken)
    }

    func bytesPass(_ bytes: ByteBuffer, from half: RelayStateMachine.Half) {
        guard goesOn else { return }
        let (room, roomForBodies) = (log.memory.room, log.roomForBodies)
        bytes.withUnsafeReadableBytes {
            machine.received($0, from: half.side, at: .now, room: room, roomForBodies: roomForBodies)
        }
        settle()
    }

    func inputEnded(_ half: RelayStateMachine.Half) {
        guard goesOn else { return }
        machine.inputEnded(half.side, at: .now)
        settle()
    }

    func streamEnded() {
        guard goesOn else { return }
        machine.streamEnded(at: .now)
        settle()
    }

    private var goesOn: Bool {
        guard !machine.isOver else { return false }
        guard !log.isOn(since: turn) else { return true }
        // A reload has ended it, and what was seen is forgotten.
        machine.streamEnded(at: .now)
        _ = machine.takeEnded()
        settle()
        return false
    }

    private func settle() {
        let ended = machine.takeEnded()
        if !ended.isEmpty { log.add(ended, of: stream, source, since: turn) }
        let size = machine.size
        log.memory.change(by: size - taken)
        taken = size
    }
}

extension RelayStateMachine.Half {
    /// Only streams of tunnels are inspected, whose visitors come from the engine.
    fileprivate var side: InspectionStateMachine.Side { self == .downstream ? .visitor : .service }
}

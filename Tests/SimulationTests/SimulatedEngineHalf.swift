// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamWire

/// A connection to the engine on which a stream begins: does what ``StreamHandshakeStateMachine`` decides, as
/// `StreamHandshake` does with a socket.
final class SimulatedEngineHalf {
    static let dialTimeout = 10_000
    static let answerTimeout = 30_000

    private unowned let process: SimulatedProcess
    private var world: SimulatedWorld { process.world }
    private var machine: StreamHandshakeStateMachine
    private var warm: SimulatedWarmConnection?
    private(set) var link: Int?
    private var timer: SimulatedTimer?
    private var sentAt: Int?
    private var report: ((RstreamError?) -> Void)?
    private var isOver = false
    /// Whether the first frame may be written.
    private var isReleased = false
    /// The connection was closed by the other side after it had arrived.
    var whenClosed: (() -> Void)?

    init(_ request: Message, warm: SimulatedWarmConnection? = nil, _ process: SimulatedProcess) {
        (self.process, self.warm) = (process, warm)
        machine = StreamHandshakeStateMachine(.init(request: request, attempts: 2))
        process.halves.append(self)
    }

    /// Its process is gone. A stream and its half refer to each other.
    func clear() { (report, whenClosed, warm) = (nil, nil, nil) }

    /// Reports once: nil when the connection may be used. One that was cancelled is not opened.
    func open(isReleased: Bool, _ report: @escaping (RstreamError?) -> Void) {
        guard !isOver else { return }
        (self.report, self.isReleased) = (report, isReleased)
        if let link = warm?.hand(to: { [self] in arrived($0, on: $1) }) {
            self.link = link
            run(machine.startedWarm(isReleased: isReleased))
        } else {
            warm = nil
            run(machine.started(isReleased: isReleased))
        }
    }

    func release() {
        isReleased = true
        run(machine.released())
    }

    func cancel(_ error: RstreamError) { run(machine.cancelled(error)) }

    /// Whether the connection is there, and the engine was not told what it is for.
    var isWithheld: Bool { if case .withholding = machine { true } else { false } }

    /// Closes what has arrived.
    func close(_ packet: SimulatedNetwork.Packet) {
        whenClosed = nil
        if let link { world.network.close(link, at: .daemon, packet) }
        link = nil
    }

    private func run(_ action: StreamHandshakeStateMachine.Action) {
        if isReleased, isWithheld { world.complain("a first frame is withheld that may be written") }
        switch action {
        case .none: break
        case .dial: dial()
        case .dialAfresh:
            warm?.diedInUse()
            warm = nil
            dial()
        case .send(let message):
            guard let link else { return world.complain("a first frame without a connection") }
            sentAt = world.now
            world.network.send(message, on: link, from: .daemon)
            timer?.cancel()
            timer = process.timer(after: Self.answerTimeout) { [self] in run(machine.answerTimedOut()) }
            process.later { [self] in run(machine.requestSent()) }
        case .ready:
            warm = nil
            finish(nil)
        case .fail(let failure):
            drop()
            warm?.giveUp()
            warm = nil
            finish(
                RstreamError(
                    code: .engineUnreachable,
                    origin: .engine,
                    retry: .afterBackoff,
                    what: "\(failure)"
                )
            )
        }
    }

    private func finish(_ error: RstreamError?) {
        timer?.cancel()
        isOver = true
        let report = report
        self.report = nil
        report?(error)
    }

    private func drop() {
        if let link { world.network.close(link, at: .daemon, .reset) }
        link = nil
    }

    private func dial() {
        drop()
        timer?.cancel()
        link = world.network.dial(
            timeout: Self.dialTimeout,
            of: process,
            { [self] in arrived($0, on: $1) },
            then: { [self] in dialed($0, on: $1) }
        )
    }

    private func dialed(_ result: SimulatedNetwork.DialResult, on link: Int) {
        guard link == self.link else { return }
        let error = RstreamError(code: .engineUnreachable, origin: .engine, retry: .afterBackoff, what: "\(result)")
        switch result {
        case .connected: run(machine.dialed())
        case .refused: run(machine.dialFailed(error, timedOut: false))
        case .timedOut: run(machine.dialFailed(error, timedOut: true))
        }
    }

    private func arrived(_ packet: SimulatedNetwork.Packet, on link: Int) {
        guard link == self.link else { return }
        switch packet {
        case .message(let message): run(machine.answered(message))
        case .end, .reset:
            let silence = sentAt.map { Duration.milliseconds(world.now - $0) } ?? .zero
            run(machine.connectionClosed(after: silence))
            let closed = whenClosed
            whenClosed = nil
            closed?()
        }
    }
}

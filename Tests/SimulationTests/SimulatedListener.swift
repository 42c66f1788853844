// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamWire

/// A listener of the simulated daemon: listens as `ListenerService` does, and dials a private tunnel for each program that
/// connects, as `ListenerStream` and `StreamOpening` do.
final class SimulatedListener {
    let port: Int
    let ledger: SimulatedLedger
    private var target: String
    private unowned let process: SimulatedProcess
    private var world: SimulatedWorld { process.world }
    private var backoff = Backoff(minimum: .seconds(1), maximum: .seconds(30))
    private var isStopped = false
    private(set) var isListening = false
    private var timer: SimulatedTimer?

    init(_ listener: SimulatedConfiguration.Listener, _ ledger: SimulatedLedger, _ process: SimulatedProcess) {
        (port, target, self.ledger, self.process) = (listener.port, listener.target, ledger, process)
        ledger.setLimit(0)
    }

    /// Listens until it is stopped.
    func run() {
        guard !isStopped else { return }
        if world.host.bind(port, by: process.number) {
            isListening = true
            return
        }
        timer = process.timer(after: backoff.next(using: &world.random).milliseconds) { [self] in run() }
    }

    func update(_ listener: SimulatedConfiguration.Listener) { target = listener.target }

    /// Stops listening. A process that has a copy of the socket keeps it.
    func stop() {
        isStopped = true
        timer?.cancel()
        if isListening { world.host.close(port, by: process.number) }
        isListening = false
    }

    /// A program has connected, and leaves after a while.
    func accept(leavingAfter time: Int) {
        let place = SimulatedPlace(process, ledger)
        guard place.enter() else { return }
        SimulatedDial(target, place, process).begin(leavingAfter: time)
    }
}

/// A program's connection to a listener, and the connection to the engine that is dialed for it.
final class SimulatedDial {
    private unowned let process: SimulatedProcess
    private var world: SimulatedWorld { process.world }
    private let place: SimulatedPlace
    private let half: SimulatedEngineHalf
    private var opening = StreamOpeningStateMachine()
    private var isJoined = false

    init(_ target: String, _ place: SimulatedPlace, _ process: SimulatedProcess) {
        (self.place, self.process) = (place, process)
        let request = StreamRequest(
            details: ClientDetails(agent: "simulation"),
            tunnelIDOrName: target,
            zeroRTT: nil
        )
        half = SimulatedEngineHalf(.streamRequest(request), process)
    }

    func begin(leavingAfter time: Int) {
        place.whenCut = { [self] in process.later { [self] in cut() } }
        process.enter(after: time) { [self] in left() }
        if case .openEngine = opening.localArrived() { openEngine() }
        _ = opening.localPending()
    }

    private func openEngine() {
        half.open(isReleased: true) { [self] error in
            if let error { return run(opening.engineFailed(error)) }
            half.whenClosed = { [self] in
                if isJoined { relayEnded(.reset) }
            }
            switch opening.engineArrived() {
            case .none, .answer: break
            case .join:
                isJoined = true
                world.host.dialed += 1
                _ = opening.joined()
            case .discardEngine: half.close(.reset)
            }
        }
    }

    private func left() {
        if isJoined { return relayEnded(.end) }
        run(opening.localLeft(inOrder: true))
    }

    private func cut() {
        if isJoined { return relayEnded(.reset) }
        let error = RstreamError(code: .streamClosed, origin: .host, retry: .never, what: "cut")
        run(opening.cut(error))
    }

    private func relayEnded(_ packet: SimulatedNetwork.Packet) {
        half.close(packet)
        place.ended()
    }

    private func run(_ action: StreamOpeningStateMachine.EndAction) {
        guard case .end(let end) = action else { return }
        place.ended()
        switch end.engine {
        case .none, .cancel: half.cancel(end.cause.error)
        case .close: half.close(.end)
        case .abort: half.close(.reset)
        }
    }
}

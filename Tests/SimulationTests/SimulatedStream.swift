// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamDaemon
import RstreamDaemonModel
import RstreamModel
import RstreamRelay
import RstreamWire

/// One stream that the engine has asked for, until its halves are joined and one of them ends: does what
/// ``StreamOpeningStateMachine``, ``UpstreamPass`` and ``UpstreamHold`` decide, as `StreamOpening` and `TunnelStream` do
/// with sockets.
final class SimulatedStream {
    private static let requestDelay = 1_000

    let tunnelID: String
    private let id: String
    private let channel: SimulatedChannel
    private unowned let process: SimulatedProcess
    private var world: SimulatedWorld { process.world }
    private var opening = StreamOpeningStateMachine()
    private let half: SimulatedEngineHalf
    private let lineup: SimulatedLineup
    private let place: SimulatedPlace
    private var pass: UpstreamPass
    /// The upstreams that were dialed in this pass, by their places.
    private var dialed: Set<Int> = []
    private var hold: UpstreamHold
    private let hasRoom: Bool
    /// Whether it has ended before its halves were joined.
    private var isOver = false
    private var isJoined = false
    private var isAnswered = false
    private var requestTimer: SimulatedTimer?
    private var holdTimer: SimulatedTimer?

    init(
        _ request: ProxyConnectionRequest,
        of channel: SimulatedChannel,
        _ acceptor: SimulatedAcceptor,
        _ process: SimulatedProcess
    ) {
        (id, tunnelID) = (request.streamID, request.tunnelID)
        (self.channel, self.process) = (channel, process)
        let first = ProxyRequest(details: ClientDetails(agent: "simulation"), streamID: request.streamID, zeroRTT: nil)
        half = SimulatedEngineHalf(.proxyRequest(first), warm: channel.prewarming.take(), process)
        let place = SimulatedPlace(process, acceptor.ledger)
        hasRoom = place.enter()
        place.belongs(to: acceptor.generation)
        (self.place, lineup) = (place, acceptor.lineup)
        let (options, now) = (acceptor.lineup.local.options, process.world.instant)
        pass = UpstreamPass(within: options.connectTimeout, since: now)
        hold = UpstreamHold(timeout: options.holdTimeout, since: now)
    }

    func begin() {
        if hasRoom {
            place.whenCut = { [self] in process.later { [self] in cut() } }
            dialUpstreams()
        } else {
            run(opening.localRefused(Self.error("no room")))
        }
        guard case .openEngineWithheld = opening.localPending() else { return }
        requestTimer = process.timer(after: Self.requestDelay) { [self] in
            if case .releaseRequest = opening.requestTimerFired() { half.release() }
            if half.isWithheld { world.complain("the engine is not told of \(id)") }
        }
        openEngine(isReleased: false)
    }

    /// Its tunnel or its channel has ended.
    func cancel(_ error: RstreamError) {
        process.later { [self] in
            switch opening.cancelled(error) {
            case .none: break
            case .abortEngine: half.close(.reset)
            case .end(let end): finish(end)
            }
        }
    }

    private func cut() {
        guard isJoined else { return run(opening.cut(Self.error("cut"))) }
        relayEnded(.reset)
    }

    // MARK: The local half

    private func dialUpstreams() {
        pass = UpstreamPass(within: lineup.local.options.connectTimeout, since: world.instant)
        dialed = []
        dialNext()
    }

    private func dialNext() {
        let (start, count) = (world.instant, lineup.local.targets.count)
        guard let time = pass.time(among: count, at: start), let (target, lease) = lineup.pick(besides: pass.tried)
        else { return allFailed() }
        if !dialed.insert(target).inserted { world.complain("an upstream was dialed twice for \(id)") }
        world.upstreams.dial(lineup.local.targets[target].address, within: time, of: process) { [self] error in
            guard let error else {
                if let lease { lineup.pool.connected(lease) }
                place.connected(lineup.pool, lease)
                return localArrived()
            }
            if let lease { lineup.pool.failed(lease, error, since: start) }
            pass.failed(target, error)
            guard pass.tried.count < count else { return allFailed() }
            // It has ended meanwhile, and nothing is known of the others.
            if !isOver { dialNext() }
        }
    }

    private func localArrived() {
        switch opening.localArrived() {
        case .none: break
        case .openEngine: openEngine(isReleased: true)
        case .releaseRequest:
            requestTimer?.cancel()
            half.release()
        case .join: join()
        case .discardLocal: place.releaseUpstream()
        }
    }

    private func allFailed() {
        let error = pass.error ?? Self.error("no time")
        let wait: Duration?
        switch hold.dialFailed(retry: error.retry, at: world.instant, using: &world.random) {
        case .dialAgain(let after): wait = after
        case .giveUp: wait = nil
        }
        switch opening.localDialFailed(error, retryAfter: wait) {
        case .none: break
        case .hold(let delay):
            holdTimer = process.timer(after: delay.milliseconds) { [self] in
                if case .dialLocal = opening.holdTimerFired() { dialUpstreams() }
            }
        case .end(let end): finish(end)
        }
    }

    // MARK: The engine half

    private func openEngine(isReleased: Bool) {
        half.open(isReleased: isReleased) { [self] error in
            if let error { return run(opening.engineFailed(error)) }
            half.whenClosed = { [self] in engineClosed() }
            switch opening.engineArrived() {
            case .none: break
            case .answer: answer(nil)
            case .join: join()
            case .discardEngine: half.close(.reset)
            }
        }
    }

    private func engineClosed() {
        if isJoined { return relayEnded(.reset) }
        run(opening.engineClosed())
    }

    // MARK: Both halves

    private func join() {
        isJoined = true
        world.joined.insert(id)
        letGo()
        if case .answer = opening.joined() { answer(nil) }
        let longest = world.plan.hasLongStreams ? 60_000 : 5_000
        process.enter(after: Int.random(in: 10...longest, using: &world.random)) { [self] in relayEnded(.end) }
    }

    private func relayEnded(_ packet: SimulatedNetwork.Packet) {
        half.close(packet)
        place.ended()
    }

    private func run(_ action: StreamOpeningStateMachine.EndAction) {
        if case .end(let end) = action { finish(end) }
    }

    private func finish(_ end: StreamOpeningStateMachine.End) {
        letGo()
        isOver = true
        if isJoined { world.complain("\(id) failed after it was joined") }
        place.ended()
        switch end.engine {
        case .none, .cancel: half.cancel(end.cause.error)
        case .close: half.close(.end)
        case .abort: half.close(.reset)
        }
        if end.answers { answer(StreamRoute.engine.answer(about: end.cause.error, at: end.cause.stage)) }
    }

    private func letGo() {
        requestTimer?.cancel()
        holdTimer?.cancel()
    }

    private func answer(_ failure: String?) {
        if isAnswered { world.complain("\(id) has two results") }
        isAnswered = true
        channel.answered(id, failure: failure)
    }

    private static func error(_ what: String) -> RstreamError {
        RstreamError(code: .streamClosed, origin: .host, retry: .never, what: what)
    }
}

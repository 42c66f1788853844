// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import RstreamWire

/// One stream that the engine has asked for, until it is joined or has failed: does what ``StreamOpeningStateMachine`` and
/// ``StreamHandshakeStateMachine`` decide, as `StreamOpening` and `StreamHandshake` do with sockets.
final class SimulatedStream {
    private static let requestDelay = 1_000
    private static let dialTimeout = 10_000
    private static let upstreamTimeout = 5_000

    let tunnelID: String
    private let id: String
    private let channel: SimulatedChannel
    private unowned let world: SimulatedWorld
    private var opening = StreamOpeningStateMachine()
    private var handshake: StreamHandshakeStateMachine
    private var link: Int?
    private var isJoined = false
    private var isAnswered = false
    private var requestTimer: SimulatedTimer?
    private var answerTimer: SimulatedTimer?

    init(_ request: ProxyConnectionRequest, of channel: SimulatedChannel, _ world: SimulatedWorld) {
        (id, tunnelID) = (request.streamID, request.tunnelID)
        (self.channel, self.world) = (channel, world)
        let first = ProxyRequest(details: ClientDetails(agent: "simulation"), streamID: request.streamID, zeroRTT: nil)
        handshake = StreamHandshakeStateMachine(.init(request: .proxyRequest(first), attempts: 2))
    }

    func begin() {
        dialUpstream()
        guard case .openEngineWithheld = opening.localPending() else { return }
        requestTimer = world.timer(after: Self.requestDelay) { [self] in
            if case .releaseRequest = opening.requestTimerFired() { run(handshake.released()) }
        }
        run(handshake.started(isReleased: false))
    }

    /// Its tunnel or its channel has ended.
    func cancel(_ error: RstreamError) {
        world.later { [self] in
            switch opening.cancelled(error) {
            case .none: break
            case .abortEngine: closeLink(.reset)
            case .end(let end): finish(end)
            }
        }
    }

    // MARK: The local half

    private func dialUpstream() {
        let delay = Int.random(in: 1...20, using: &world.random)
        switch world.upstreams[channel.host(of: tunnelID) ?? ""] ?? .accepts {
        case .accepts: world.enterForDaemon(after: delay) { [self] in localArrived() }
        case .refuses: world.enterForDaemon(after: delay) { [self] in localFailed("refused") }
        case .isSilent: world.enterForDaemon(after: Self.upstreamTimeout) { [self] in localFailed("timed out") }
        }
    }

    private func localArrived() {
        switch opening.localArrived() {
        case .none, .discardLocal: break
        case .openEngine: run(handshake.started())
        case .releaseRequest: run(handshake.released())
        case .join: join()
        }
    }

    private func localFailed(_ what: String) {
        let error = RstreamError(code: .upstreamUnreachable, origin: .upstream, retry: .afterBackoff, what: what)
        if case .end(let end) = opening.localDialFailed(error, retryAfter: nil) { finish(end) }
    }

    // MARK: The engine half

    private func run(_ action: StreamHandshakeStateMachine.Action) {
        switch action {
        case .none: break
        case .dial, .dialAfresh: dial()
        case .send(let message):
            guard let link else { return world.complain("\(id): a first frame without a connection") }
            world.network.send(message, on: link, from: .daemon)
            world.later { [self] in run(handshake.requestSent()) }
            answerTimer = world.timer(after: SimulatedChannel.answerTimeout) { [self] in
                run(handshake.answerTimedOut())
            }
        case .ready:
            answerTimer?.cancel()
            engineArrived()
        case .fail(let failure):
            answerTimer?.cancel()
            closeLink(.reset)
            let error = RstreamError(
                code: .engineUnreachable,
                origin: .engine,
                retry: .afterBackoff,
                what: "\(failure)"
            )
            if case .end(let end) = opening.engineFailed(error) { finish(end) }
        }
    }

    private func dial() {
        link = world.network.dial(timeout: Self.dialTimeout, { [self] in arrived($0) }, then: { [self] in dialed($0) })
    }

    private func dialed(_ result: SimulatedNetwork.DialResult) {
        let error = RstreamError(code: .engineUnreachable, origin: .engine, retry: .afterBackoff, what: "\(result)")
        switch result {
        case .connected: run(handshake.dialed())
        case .refused: run(handshake.dialFailed(error, timedOut: false))
        case .timedOut: run(handshake.dialFailed(error, timedOut: true))
        }
    }

    private func arrived(_ packet: SimulatedNetwork.Packet) {
        switch packet {
        case .message(let message): run(handshake.answered(message))
        case .end, .reset:
            run(handshake.connectionClosed())
            if case .end(let end) = opening.engineClosed() { finish(end) }
        }
    }

    private func engineArrived() {
        switch opening.engineArrived() {
        case .none: break
        case .answer: answer(nil)
        case .join: join()
        case .discardEngine: closeLink(.reset)
        }
    }

    private func closeLink(_ packet: SimulatedNetwork.Packet) {
        if let link { world.network.close(link, at: .daemon, packet) }
        link = nil
    }

    // MARK: Both halves

    private func join() {
        isJoined = true
        world.joined.insert(id)
        requestTimer?.cancel()
        if case .answer = opening.joined() { answer(nil) }
        world.enterForDaemon(after: Int.random(in: 10...5_000, using: &world.random)) { [self] in closeLink(.end) }
    }

    private func finish(_ end: StreamOpeningStateMachine.End) {
        requestTimer?.cancel()
        if isJoined { world.complain("\(id) failed after it was joined") }
        switch end.engine {
        case .none, .cancel:
            _ = handshake.cancelled(end.cause.error)
            closeLink(.reset)
        case .close: closeLink(.end)
        case .abort: closeLink(.reset)
        }
        if end.answers { answer(StreamRoute.engine.answer(about: end.cause.error, at: end.cause.stage)) }
    }

    private func answer(_ failure: String?) {
        if isAnswered { world.complain("\(id) has two results") }
        isAnswered = true
        channel.answered(id, failure: failure)
    }
}

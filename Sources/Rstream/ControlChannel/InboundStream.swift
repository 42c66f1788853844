internal import NIOCore
internal import RstreamCore
internal import RstreamModel
internal import RstreamSocket
internal import RstreamWire

/// One request of the engine for a stream, from the dial to the handover.
///
/// It lives on the event loop that the stream will live on, which is rarely the control channel's. Confined to that
/// loop; ``cancel(_:)`` may be called from anywhere.
final class InboundStream: Sendable {
    /// Why a stream was not handed over, and what of it the engine is told.
    struct Failure: Error {
        let error: RstreamError
        let stage: StreamRoute.Stage
        let answer: String

        init(_ error: any Error, _ route: StreamRoute, at stage: StreamRoute.Stage) {
            let error =
                error as? RstreamError
                ?? RstreamError(code: .streamClosed, origin: .host, retry: .never, what: "the stream was not taken")
            (self.error, self.stage, answer) = (error, stage, route.answer(about: error, at: stage))
        }
    }

    private struct State {
        var handshake: StreamHandshake?
        var prepared: (any PreparedStream)?
        var arrived: (any Channel)?
        var cancelled: RstreamError?
    }

    private let route: StreamRoute
    private let eventLoop: any EventLoop
    private let state: NIOLoopBoundBox<State>
    private let promise: EventLoopPromise<Void>

    /// Succeeds when the stream was handed over; fails with ``Failure``.
    var finished: EventLoopFuture<Void> { promise.futureResult }

    init(_ route: StreamRoute, on eventLoop: any EventLoop) {
        self.route = route
        self.eventLoop = eventLoop
        state = .makeBoxSendingValue(State(), eventLoop: eventLoop)
        promise = eventLoop.makePromise()
    }

    /// Starts both halves: the acceptor prepares its side while the engine is dialed.
    func start(
        _ offer: StreamOffer,
        acceptor: any StreamAcceptor,
        handshake makeHandshake: @escaping @Sendable (any EventLoop) -> StreamHandshake
    ) {
        eventLoop.execute {
            if let error = self.state.value.cancelled {
                acceptor.turnedAway(offer, error)
                return self.fail(error, at: .acceptor)
            }
            let prepared = acceptor.prepare(offer, on: self.eventLoop)
            if let error = prepared.refusal { return self.fail(error, at: .acceptor, prepared) }
            let handshake = makeHandshake(self.eventLoop)
            self.state.value.handshake = handshake
            self.state.value.prepared = prepared
            handshake.start().assumeIsolated().whenComplete { result in
                self.state.value.handshake = nil
                self.state.value.prepared = nil
                switch result {
                case .failure(let error):
                    // A stream that is not wanted any more says nothing about its connection.
                    let stage: StreamRoute.Stage = self.state.value.cancelled == nil ? .connection : .acceptor
                    self.fail(error, at: stage, prepared)
                case .success(let stream): self.deliver(stream.channel, to: prepared)
                }
            }
        }
    }

    /// Gives up: nobody wants the stream any more. Without effect once it was handed over.
    func cancel(_ error: RstreamError) {
        eventLoop.execute {
            self.state.value.cancelled = error
            self.state.value.handshake?.cancel(error)
            self.state.value.arrived?.abort()
        }
    }

    private func deliver(_ channel: any Channel, to prepared: any PreparedStream) {
        state.value.arrived = channel
        prepared.accept(ArrivedStream(channel: channel)).assumeIsolated().whenComplete { result in
            self.state.value.arrived = nil
            switch result {
            case .success: self.promise.succeed()
            case .failure(let error):
                channel.close(promise: nil)
                self.fail(error, at: .acceptor)
            }
        }
    }

    private func fail(_ error: any Error, at stage: StreamRoute.Stage, _ prepared: (any PreparedStream)? = nil) {
        let failure = Failure(error, route, at: stage)
        prepared?.abandon(failure.error)
        promise.fail(failure)
    }
}

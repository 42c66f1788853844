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
    private struct State {
        var handshake: StreamHandshake?
        var prepared: (any PreparedStream)?
        var arrived: (any Channel)?
        var cancelled: RstreamError?
    }

    private let eventLoop: any EventLoop
    private let state: NIOLoopBoundBox<State>
    private let promise: EventLoopPromise<Void>

    /// Succeeds when the stream was handed over.
    var finished: EventLoopFuture<Void> { promise.futureResult }

    init(on eventLoop: any EventLoop) {
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
            if let error = self.state.value.cancelled { return self.promise.fail(error) }
            let prepared = acceptor.prepare(offer, on: self.eventLoop)
            if let error = prepared.refusal { return self.fail(error, prepared) }
            let handshake = makeHandshake(self.eventLoop)
            self.state.value.handshake = handshake
            self.state.value.prepared = prepared
            handshake.start().assumeIsolated().whenComplete { result in
                self.state.value.handshake = nil
                self.state.value.prepared = nil
                switch result {
                case .failure(let error): self.fail(error, prepared)
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
                self.promise.fail(error)
            }
        }
    }

    private func fail(_ error: any Error, _ prepared: any PreparedStream) {
        let error =
            error as? RstreamError
            ?? RstreamError(code: .streamClosed, origin: .host, retry: .never, what: "\(error)")
        prepared.abandon(error)
        promise.fail(error)
    }
}

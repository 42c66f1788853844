// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import RstreamCore
internal import RstreamModel

/// The control channel's end of one stream that the engine asked for, which ``StreamOpening`` opens on another event
/// loop.
///
/// Its functions may be called from anywhere; what they touch is confined to the stream's loop.
final class InboundStream: Sendable {
    /// Why a stream was not opened, and how the engine is answered.
    struct Failure: Sendable {
        let error: RstreamError
        let stage: StreamRoute.Stage
        let answer: String
    }

    private let route: StreamRoute
    private let eventLoop: any EventLoop
    private let opening: NIOLoopBoundBox<StreamOpening?>
    private let promise: EventLoopPromise<Failure?>

    /// How the engine is to be answered: nil when the stream was taken.
    var answered: EventLoopFuture<Failure?> { promise.futureResult }

    init(_ route: StreamRoute, on eventLoop: any EventLoop) {
        self.route = route
        self.eventLoop = eventLoop
        opening = .makeEmptyBox(eventLoop: eventLoop)
        promise = eventLoop.makePromise()
    }

    /// Starts both halves.
    func start(
        _ offer: StreamOffer,
        acceptor: any StreamAcceptor,
        engine makeEngine: @escaping @Sendable () -> any EngineHalf
    ) {
        eventLoop.execute {
            let opening = StreamOpening(
                engine: makeEngine(),
                local: acceptor.localHalf(for: offer, on: self.eventLoop),
                on: self.eventLoop,
                answer: self.answer
            )
            self.opening.value = opening
            opening.start()
        }
    }

    /// The stream's tunnel or control channel has ended. Without effect on a stream that was taken.
    func cancel(_ error: RstreamError) {
        eventLoop.execute { self.opening.value?.cancel(error) }
    }

    private func answer(_ result: Result<Void, StreamOpening.Failure>) {
        opening.value = nil
        switch result {
        case .success: promise.succeed(nil)
        case .failure(let failure):
            let answer = route.answer(about: failure.error, at: failure.stage)
            promise.succeed(Failure(error: failure.error, stage: failure.stage, answer: answer))
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import DequeModule
internal import Linux
internal import NIOCore
internal import RstreamCore
internal import RstreamModel
internal import RstreamSocket
internal import Synchronization

/// The streams of a tunnel that wait for the program to take them, ten at most.
///
/// A stream that finds the queue full waits for room; after five seconds the engine is answered that there was none
/// (PROTOCOL.md §6). All state is guarded by one mutex; nothing is called while it is held.
final class AcceptQueue: StreamAcceptor {
    static let capacity = 10

    private struct Waiting {
        let stream: RstreamAcceptedStream
        let promise: EventLoopPromise<Void>
    }

    private struct State {
        var streams: Deque<RstreamAcceptedStream> = []
        var waiting: [(id: UInt64, Waiting)] = []
        var nextID: UInt64 = 0
        var takers: Deque<(id: UInt64, CheckedContinuation<RstreamAcceptedStream?, Never>)> = []
        var isEnded = false
    }

    private let waitForRoom: Duration
    private let state = Lock(State())

    init(waitForRoom: Duration = .seconds(5)) {
        self.waitForRoom = waitForRoom
    }

    func localHalf(for offer: StreamOffer, on eventLoop: any EventLoop) -> any LocalHalf {
        QueuedStream(queue: self, offer: offer, eventLoop: eventLoop)
    }

    func tunnelEnded(_ error: RstreamError?) {
        let (streams, waiting, takers) = state.withLock { state in
            defer {
                state.isEnded = true
                state.streams = []
                state.waiting = []
                state.takers = []
            }
            return (state.streams, state.waiting, state.takers)
        }
        for stream in streams { stream.channel.close(promise: nil) }
        for entry in waiting { entry.1.promise.fail(Self.closed) }
        for taker in takers { taker.1.resume(returning: nil) }
    }

    /// The next stream, or nil when the tunnel has ended or the task was cancelled.
    func next() async -> RstreamAcceptedStream? {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                enum Outcome {
                    case stream(RstreamAcceptedStream, EventLoopPromise<Void>?)
                    case end, wait
                }
                let outcome: Outcome = state.withLock { state in
                    // `onCancel` below found no taker. What is queued is for other iterators.
                    if Task.isCancelled { return .end }
                    if let stream = state.streams.popFirst() {
                        guard !state.waiting.isEmpty else { return .stream(stream, nil) }
                        let admitted = state.waiting.removeFirst().1
                        state.streams.append(admitted.stream)
                        return .stream(stream, admitted.promise)
                    }
                    if state.isEnded { return .end }
                    state.takers.append((id, continuation))
                    return .wait
                }
                switch outcome {
                case .stream(let stream, let admitted):
                    admitted?.succeed()
                    continuation.resume(returning: stream)
                case .end: continuation.resume(returning: nil)
                case .wait: break
                }
            }
        } onCancel: {
            let taker = state.withLock { state in
                state.takers.firstIndex { $0.id == id }.map { state.takers.remove(at: $0).1 }
            }
            taker?.resume(returning: nil)
        }
    }

    private func enqueue(_ stream: RstreamAcceptedStream, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
        enum Outcome {
            case taken(CheckedContinuation<RstreamAcceptedStream?, Never>)
            case queued
            case waits(UInt64)
            case ended
        }
        let promise = eventLoop.makePromise(of: Void.self)
        let outcome: Outcome = state.withLock { state in
            if state.isEnded { return .ended }
            if let taker = state.takers.popFirst() { return .taken(taker.1) }
            if state.streams.count < Self.capacity {
                state.streams.append(stream)
                return .queued
            }
            state.nextID += 1
            state.waiting.append((state.nextID, Waiting(stream: stream, promise: promise)))
            return .waits(state.nextID)
        }
        switch outcome {
        case .taken(let taker):
            promise.succeed()
            taker.resume(returning: stream)
        case .queued: promise.succeed()
        case .ended: promise.fail(Self.closed)
        case .waits(let id):
            let timer = eventLoop.scheduleTask(in: TimeAmount(waitForRoom)) { self.waitedTooLong(id) }
            promise.futureResult.whenComplete { _ in timer.cancel() }
        }
        return promise.futureResult
    }

    private func waitedTooLong(_ id: UInt64) {
        let entry = state.withLock { state in
            state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0).1 }
        }
        entry?.promise.fail(
            RstreamError(
                code: .overload,
                origin: .host,
                retry: .afterBackoff,
                what: "tunnel connection queue remained full"
            )
        )
    }

    private static let closed = RstreamError(
        code: .tunnelClosed,
        origin: .host,
        retry: .never,
        what: "the tunnel was closed"
    )

    /// The local half of a stream for this queue: the program, which is there already. Room for the stream may come
    /// while the engine half is made.
    private final class QueuedStream: LocalHalf {
        private let queue: AcceptQueue
        private let offer: StreamOffer
        private let eventLoop: any EventLoop

        init(queue: AcceptQueue, offer: StreamOffer, eventLoop: any EventLoop) {
            self.queue = queue
            self.offer = offer
            self.eventLoop = eventLoop
        }

        func start(_ opening: StreamOpening) {
            _ = opening.localArrived()
        }

        func join(_ stream: ArrivedStream) -> EventLoopFuture<Void> {
            queue.enqueue(RstreamAcceptedStream(offer: offer, arrived: stream), on: eventLoop)
        }

        func end(_: StreamOpeningStateMachine.Cause) {}
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import NIOCore
package import RstreamCore
package import RstreamModel
internal import RstreamSocket

/// Opens one stream: does what ``StreamOpeningStateMachine`` decides with the stream's two halves, its timers and the
/// answer to the engine.
///
/// It lives from the request for the stream until both halves are joined or the stream has failed. Confined to the
/// stream's event loop, which is the loop of both halves.
package final class StreamOpening {
    /// Why the engine is answered with an error.
    package struct Failure: Error {
        package let error: RstreamError
        package let stage: StreamRoute.Stage
    }

    private var machine = StreamOpeningStateMachine()
    private var engine: (any EngineHalf)?
    private var local: (any LocalHalf)?
    /// The engine half, from its arrival until the local side has taken it over.
    private var arrived: (any Channel)?
    private var requestTimer: NIOScheduledCallback?
    private var holdTimer: NIOScheduledCallback?
    private let eventLoop: any EventLoop
    private let answer: (Result<Void, Failure>) -> Void

    /// `answer` is called exactly once with what the engine is to be told, on the event loop.
    package init(
        engine: any EngineHalf,
        local: any LocalHalf,
        on eventLoop: any EventLoop,
        answer: @escaping (Result<Void, Failure>) -> Void = { _ in }
    ) {
        (self.engine, self.local) = (engine, local)
        self.eventLoop = eventLoop
        self.answer = answer
    }

    package func start() {
        local?.start(self)
        switch machine.localPending() {
        case .none: break
        case .openEngineWithheld:
            requestTimer = schedule(local?.requestDelay ?? .zero) { self.requestTimerFired() }
            openEngine(isReleased: false)
        }
    }

    // MARK: What the local half reports

    /// The local half is there.
    ///
    /// - Returns: False when the stream has ended; the local half is then the caller's to drop.
    package func localArrived() -> Bool {
        switch machine.localArrived() {
        case .none: break
        case .openEngine: openEngine(isReleased: true)
        case .releaseRequest: release()
        case .join: join()
        case .discardLocal: return false
        }
        return true
    }

    /// A dial of the upstream failed; it is dialed again after `retry`, or never when that is nil.
    package func localDialFailed(_ error: RstreamError, retryAfter retry: Duration?) {
        switch machine.localDialFailed(error, retryAfter: retry) {
        case .none: break
        case .hold(let delay):
            holdTimer = schedule(delay) { self.holdTimerFired() }
            local?.held(for: delay)
        case .end(let end): finish(end)
        }
    }

    /// There is no room for the stream.
    package func localRefused(_ error: RstreamError) {
        run(machine.localRefused(error))
    }

    /// The visitor, whose connection the local half is, has left; `inOrder` when nothing was sent or reset.
    package func localLeft(inOrder: Bool) {
        run(machine.localLeft(inOrder: inOrder))
    }

    // MARK: What ends it from outside

    /// The stream's tunnel or control channel has ended.
    package func cancel(_ error: RstreamError) {
        switch machine.cancelled(error) {
        case .none: break
        case .abortEngine: arrived?.abort()
        case .end(let end): finish(end)
        }
    }

    /// Ends the stream now; what is there of it is reset.
    package func cut(_ error: RstreamError) {
        run(machine.cut(error))
    }

    // MARK: The engine half

    private func openEngine(isReleased: Bool) {
        engine?.open(isReleased: isReleased).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel): self.engineArrived(channel)
            case .failure(let error): self.run(self.machine.engineFailed(Self.error(error)))
            }
        }
    }

    private func requestTimerFired() {
        switch machine.requestTimerFired() {
        case .none: break
        case .releaseRequest: release()
        }
    }

    private func release() {
        requestTimer?.cancel()
        requestTimer = nil
        engine?.release()
    }

    private func engineArrived(_ channel: any Channel) {
        engine = nil
        arrived = channel
        switch machine.engineArrived() {
        case .none: break
        case .answer:
            channel.closeFuture.assumeIsolated().whenComplete { _ in self.run(self.machine.engineClosed()) }
            answer(.success(()))
        case .join: join()
        case .discardEngine: channel.abort()
        }
    }

    // MARK: Both halves

    private func holdTimerFired() {
        holdTimer = nil
        switch machine.holdTimerFired() {
        case .none: break
        case .dialLocal: local?.dialAgain()
        }
    }

    private func join() {
        guard let local, let arrived else { return }
        local.join(ArrivedStream(channel: arrived)).assumeIsolated().whenComplete { result in
            switch result {
            case .success: self.joined()
            case .failure(let error): self.run(self.machine.joinFailed(Self.error(error)))
            }
        }
    }

    private func joined() {
        letGo()
        switch machine.joined() {
        case .none: break
        case .answer: answer(.success(()))
        }
    }

    // MARK: The end

    private func run(_ action: StreamOpeningStateMachine.EndAction) {
        switch action {
        case .none: break
        case .end(let end): finish(end)
        }
    }

    private func finish(_ end: StreamOpeningStateMachine.End) {
        let (engine, local, arrived) = (engine, local, arrived)
        letGo()
        // Before the halves can report their own end.
        local?.end(end.cause)
        switch end.engine {
        // It may have been given a connection and not been asked for it yet.
        case .none: engine?.cancel(end.cause.error)
        case .cancel: engine?.cancel(end.cause.error)
        case .close: arrived?.close(promise: nil)
        case .abort: arrived?.abort()
        }
        if end.answers { answer(.failure(Failure(error: end.cause.error, stage: end.cause.stage))) }
    }

    /// The halves refer to this opening.
    private func letGo() {
        requestTimer?.cancel()
        holdTimer?.cancel()
        (requestTimer, holdTimer) = (nil, nil)
        (engine, local, arrived) = (nil, nil, nil)
    }

    private func schedule(_ delay: Duration, _ fire: @escaping () -> Void) -> NIOScheduledCallback? {
        eventLoop.startTimer(in: TimeAmount(delay), fire)
    }

    private static func error(_ error: any Error) -> RstreamError {
        error as? RstreamError
            ?? RstreamError(code: .streamClosed, origin: .host, retry: .never, what: "the stream was not taken")
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import NIOPosix
internal import RstreamCore
internal import RstreamModel
internal import RstreamSocket
internal import RstreamWire

/// Makes one stream out of a connection to the engine, a fresh one or a warm one: does what
/// ``StreamHandshakeStateMachine`` decides.
///
/// Confined to its event loop, which is also the loop of the connection.
final class StreamHandshake: EngineConnectionOwner {
    /// A connection whose handshake is over. It reads nothing until ``ArrivedStream/start(_:)``.
    struct Stream {
        let channel: any Channel
        /// The engine's id of the stream, if it told one.
        let streamID: String?
    }

    /// How long the engine may take.
    enum Timeouts: Sendable {
        /// For TCP and TLS of each dial, and then for its answer.
        case each(dial: Duration, answer: Duration)
        /// For all of it together; one dial is made.
        case together(Duration)

        var dial: Duration { dial(after: .zero) }

        var answer: Duration {
            switch self {
            case .each(_, let answer): answer
            case .together(let limit): limit
            }
        }

        /// What is left for a dial when the handshake has taken this long.
        func dial(after past: Duration) -> Duration {
            switch self {
            case .each(let dial, _): dial
            case .together(let limit): max(.zero, limit - past)
            }
        }

        /// What is left for the answer when the handshake has taken this long.
        func answer(after past: Duration) -> Duration {
            switch self {
            case .each(_, let answer): answer
            case .together(let limit): max(.zero, limit - past)
            }
        }
    }

    private var machine: StreamHandshakeStateMachine
    private let connector: EngineConnector
    private let address: EngineAddress
    private let rule: RedirectRule?
    private let secrets: [Secret]
    private let eventLoop: any EventLoop
    private let timeouts: Timeouts
    /// The connection to start on, until it is started or given up.
    private var warm: WarmConnection?
    /// Made by ``start(isReleased:)``: a handshake that is never started leaves none behind.
    private var promise: EventLoopPromise<Stream>?
    /// The error of a handshake that was cancelled before it started.
    private var earlyFailure: RstreamError?
    private var channel: (any Channel)?
    /// The number of the current dial; an earlier one that timed out may still report.
    private var dials = 0
    private var startedAt = ContinuousClock.now
    /// When the first frame was written, on whatever connection.
    private var sentAt: ContinuousClock.Instant?
    private var timer: NIOScheduledCallback?

    /// Dials, unless it gets a connection that is `warm` and lives on `eventLoop`. `rule` judges the addresses of a
    /// stream that the engine asks for; `secrets` are those the engine knows and may repeat in its messages.
    init(
        _ plan: StreamHandshakeStateMachine.Plan,
        connector: EngineConnector,
        address: EngineAddress,
        rule: RedirectRule? = nil,
        hiding secrets: [Secret] = [],
        on eventLoop: any EventLoop,
        timeouts: Timeouts,
        warm: WarmConnection? = nil
    ) {
        self.warm = warm
        machine = StreamHandshakeStateMachine(plan)
        self.connector = connector
        self.address = address
        self.rule = rule
        self.secrets = secrets
        self.eventLoop = eventLoop
        self.timeouts = timeouts
    }

    /// Dials, or takes the warm connection if it is still alive. Unless `isReleased` is true, the first frame waits for
    /// ``release()``. The future fails with ``RstreamError``, which is the error of ``cancel(_:)`` when that came first.
    func start(isReleased: Bool = true) -> EventLoopFuture<Stream> {
        if let earlyFailure { return eventLoop.makeFailedFuture(earlyFailure) }
        let promise = eventLoop.makePromise(of: Stream.self)
        self.promise = promise
        startedAt = .now
        if let channel = warm?.hand(to: self) {
            self.channel = channel
            run(machine.startedWarm(isReleased: isReleased))
        } else {
            warm = nil
            run(machine.started(isReleased: isReleased))
        }
        return promise.futureResult
    }

    /// Lets the first frame be written, now or as soon as the connection is there.
    func release() {
        run(machine.released())
    }

    /// Gives up and drops the connection, if there is one.
    func cancel(_ error: RstreamError) {
        run(machine.cancelled(error))
    }

    // MARK: What the connection reports

    func connected(_ channel: any Channel) {
        guard channel === self.channel else { return }
        run(machine.dialed())
    }

    func awaitsFrame(on channel: any Channel) -> Bool {
        channel === self.channel && machine.awaitsFrame
    }

    func received(_ message: Message, on channel: any Channel) {
        guard channel === self.channel else { return }
        run(machine.answered(message.hiding(secrets)))
    }

    func malformed(_ error: FrameError, on channel: any Channel) {
        guard channel === self.channel else { return }
        run(machine.malformed(error))
    }

    func closed(_ channel: any Channel, error: (any Error)?) {
        guard channel === self.channel else { return }
        if let error, case .dialing = machine {
            dialFailed(RstreamError.connection(to: address, error), timedOut: false)
        } else {
            run(machine.connectionClosed(after: sentAt?.duration(to: .now) ?? .zero))
        }
    }

    // MARK: What was decided

    private func run(_ action: StreamHandshakeStateMachine.Action) {
        switch action {
        case .none: break
        case .dial: dial()
        case .dialAfresh:
            warm?.diedInUse()
            warm = nil
            dial()
        case .send(let message): send(message)
        case .ready(let streamID):
            guard let channel else { return }
            finish(.success(Stream(channel: channel, streamID: streamID)))
        case .fail(let failure): finish(.failure(error(for: failure)))
        }
    }

    private func dial() {
        dropConnection()
        dials += 1
        let dial = dials
        let limit = timeouts.dial(after: startedAt.duration(to: .now))
        startTimer(limit) {
            self.dialFailed(
                self.connector.timeoutError(for: self.address, after: self.timeouts.dial),
                timedOut: true
            )
        }
        let handshake = NIOLoopBound(self, eventLoop: eventLoop)
        connector.connect(to: address, under: rule, on: eventLoop, within: limit, autoRead: false) {
            StreamHandshakeHandler(owner: handshake.value)
        }
        .assumeIsolated()
        .whenComplete { result in
            switch result {
            case .success(let channel):
                guard case .dialing = self.machine, dial == self.dials else { return channel.abort() }
                self.channel = channel
            case .failure(let error):
                // A dial that was not answered was ended by the timer, which was set before.
                guard dial == self.dials else { return }
                self.dialFailed(RstreamError.connection(to: self.address, error), timedOut: false)
            }
        }
    }

    private func dialFailed(_ error: RstreamError, timedOut: Bool) {
        run(machine.dialFailed(error, timedOut: timedOut))
    }

    private func send(_ message: Message) {
        guard let channel else { return }
        sentAt = .now
        startTimer(timeouts.answer(after: startedAt.duration(to: .now))) { self.run(self.machine.answerTimedOut()) }
        var frame = ByteBuffer()
        do {
            try frame.writeFrame(message)
        } catch {
            return run(machine.cancelled(.unsendable(error)))
        }
        // It holds a token or a stream's secret.
        let written = frame.overwritten(on: eventLoop)
        written.futureResult.assumeIsolated().whenSuccess { self.run(self.machine.requestSent()) }
        channel.writeAndFlush(frame, promise: written)
    }

    private func finish(_ result: Result<Stream, RstreamError>) {
        timer?.cancel()
        timer = nil
        switch result {
        case .success(let stream):
            (channel, warm) = (nil, nil)
            promise?.assumeIsolated().succeed(stream)
        case .failure(let error):
            dropConnection()
            warm?.giveUp()
            warm = nil
            if promise == nil { earlyFailure = error }
            promise?.fail(error)
        }
    }

    private func dropConnection() {
        let dropped = channel
        channel = nil
        dropped?.abort()
    }

    private func startTimer(_ duration: Duration, _ fire: @escaping () -> Void) {
        timer?.cancel()
        timer = eventLoop.startTimer(in: TimeAmount(duration), fire)
    }

    private func error(for failure: StreamHandshakeStateMachine.Failure) -> RstreamError {
        switch failure {
        case .dial(let error): error
        case .refused(let error): RetryPolicy.error(error, refusing: "the stream")
        case .violation(let violation): violation.error
        case .closedByEngine:
            RstreamError(
                code: .streamClosed,
                origin: .engine,
                retry: .afterBackoff,
                what: "engine \(address) closed the connection during the handshake"
            )
        case .unanswered:
            RstreamError(
                code: .operationTimeout,
                origin: .engine,
                retry: .afterBackoff,
                what: "engine \(address) did not answer within \(timeouts.answer.secondsText)"
            )
        case .cancelled(let error): error
        }
    }
}

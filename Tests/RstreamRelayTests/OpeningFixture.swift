// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Logging
import NIOCore
import NIOEmbedded
import RstreamCore
import RstreamDaemonModel
import RstreamModel
import RstreamSocket
import Testing

@testable import Rstream
@testable import RstreamRelay

/// A tunnel's stream while it is opened. Its upstream and its engine do as the test says, on an event loop of its own.
final class OpeningFixture {
    /// Makes its connection when the test says so.
    final class Engine: EngineHalf {
        private let loop: EmbeddedEventLoop
        private var promise: EventLoopPromise<any Channel>?
        private(set) var opens = 0
        private(set) var isReleased = false
        private(set) var cancels: [RstreamError] = []

        init(_ loop: EmbeddedEventLoop) { self.loop = loop }

        /// Whether it was asked for, and has neither arrived nor failed.
        var isOpening: Bool { promise != nil }

        func open(isReleased: Bool) -> EventLoopFuture<any Channel> {
            opens += 1
            self.isReleased = isReleased
            let promise = loop.makePromise(of: (any Channel).self)
            self.promise = promise
            return promise.futureResult
        }

        func release() { isReleased = true }

        func cancel(_ error: RstreamError) {
            cancels.append(error)
            fail(error)
        }

        func arrive(_ channel: any Channel) {
            let promise = promise
            self.promise = nil
            promise?.succeed(channel)
        }

        func fail(_ error: RstreamError) {
            let promise = promise
            self.promise = nil
            promise?.fail(error)
        }
    }

    /// What a socket does and an embedded channel does not: close its output alone.
    private final class HalfCloser: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer

        func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
            guard mode == .output else { return context.close(mode: mode, promise: promise) }
            promise?.succeed()
        }
    }

    /// Waits with the close for a second, as TLS waits for its peer's goodbye.
    private final class DelayedCloseHandler: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer

        func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
            guard mode != .output else { return context.close(mode: mode, promise: promise) }
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            context.eventLoop.scheduleTask(in: .seconds(1)) { bound.value.close(mode: mode, promise: promise) }
        }
    }

    static let requestDelay = Duration.seconds(1)
    /// Passes by the real clock, and must not.
    static let connectTimeout = Duration.seconds(600)
    static let down = RstreamError(code: .upstreamUnreachable, origin: .upstream, retry: .afterBackoff, what: "down")
    static let forbidden = RstreamError(code: .upstreamUnreachable, origin: .upstream, retry: .never, what: "forbidden")
    static let unreachable = RstreamError(code: .engineUnreachable, origin: .engine, retry: .afterBackoff, what: "gone")
    static let tunnelClosed = RstreamError(code: .tunnelClosed, origin: .host, retry: .never, what: "closed")

    let loop = EmbeddedEventLoop()
    let table = StreamTable(capacity: 10)
    let ledger = StreamLedger()
    let engine: Engine
    let stream: RelayedStream
    /// What the engine was answered; nil stands for success.
    private(set) var answers: [StreamOpening.Failure?] = []
    /// The engine half and each upstream that the stream has got.
    private(set) var downstream: EmbeddedChannel?
    private(set) var upstreams: [EmbeddedChannel] = []
    let pool: UpstreamPool
    /// The addresses that were dialed, and how long each might take.
    private(set) var dialed: [(address: String, limit: UpstreamDialer.Limit)] = []
    private var dials: [EventLoopPromise<any Channel>] = []
    private(set) var opening: StreamOpening?

    /// The upstreams have the ports 1, 2, and so on.
    init(holdTimeout: Duration = .zero, upstreams count: Int = 1, observer: (any UpstreamObserver)? = nil) {
        let loop = loop
        engine = Engine(loop)
        stream = RelayedStream(
            StreamOrigin(engineID: "s1"),
            visitor: .downstream,
            table: table,
            ledger: ledger,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            on: loop
        )
        let upstreams = (1...count).map { port in
            Upstream(
                address: .tcp(host: "127.0.0.1", service: "\(port)"),
                options: UpstreamOptions(
                    connectTimeout: Self.connectTimeout,
                    holdTimeout: holdTimeout,
                    idleTimeout: .seconds(60)
                )
            )
        }
        pool = UpstreamPool(observer: observer)
        let local = TunnelStream(
            StreamOffer(streamID: "s1", tunnelID: "t1", source: nil, port: nil),
            to: pool.configure(upstreams),
            dial: { [weak self] upstream, limit, _ in
                self?.dial(upstream, limit) ?? loop.makeFailedFuture(ChannelError.eof)
            },
            stream: stream,
            stream.enter(),
            requestDelay: Self.requestDelay,
            outage: OutageLog.upstream(SharedLogger(stream.logger), nil).subject
        )
        opening = StreamOpening(engine: engine, local: local, on: loop) { [weak self] result in
            switch result {
            case .success: self?.answers.append(nil)
            case .failure(let failure): self?.answers.append(failure)
            }
        }
    }

    private func dial(_ upstream: Upstream, _ limit: UpstreamDialer.Limit) -> EventLoopFuture<any Channel> {
        dialed.append((upstream.address.description, limit))
        let promise = loop.makePromise(of: (any Channel).self)
        dials.append(promise)
        return promise.futureResult
    }

    // MARK: What the test does

    /// Upstream dials that run.
    var runningDials: Int { dials.count }

    func start() { opening?.start() }

    @discardableResult
    func upstreamConnects() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(loop: loop)
        try channel.pipeline.syncOperations.addHandlers(HalfCloser(), OrderlyCloseHandler(), PendingBytesHandler())
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        upstreams.append(channel)
        dials.removeFirst().succeed(channel)
        return channel
    }

    func upstreamFails(_ error: RstreamError = down) {
        dials.removeFirst().fail(error)
    }

    @discardableResult
    func engineArrives() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(loop: loop)
        try channel.pipeline.syncOperations.addHandlers(HalfCloser(), OrderlyCloseHandler(), DelayedCloseHandler())
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        downstream = channel
        engine.arrive(channel)
        return channel
    }

    func pass(_ time: TimeAmount) { loop.advanceTime(by: time) }

    /// Brings what still runs to its end, so that nothing is left but what the stream keeps itself.
    func finish() {
        for dial in dials { dial.fail(Self.forbidden) }
        dials = []
        engine.fail(Self.unreachable)
        opening = nil
        pass(.seconds(3))
    }
}

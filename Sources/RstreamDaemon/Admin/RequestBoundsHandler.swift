// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import NIOCore
internal import NIOHTTP1
internal import RstreamAdmin
internal import RstreamModel
internal import RstreamSocket

/// Enforces the timeouts of a client and answers bytes that are no HTTP: a client out of bounds gets a problem
/// document, if it can still read one, and its connection is closed.
///
/// Confined to its channel's event loop.
final class RequestBoundsHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    struct Timeouts: Sendable {
        /// From the connection, or the previous reply, to the end of a request's headers; and again to its end.
        var request = TimeAmount.seconds(10)
        /// How long a client may read nothing of a reply.
        var reply = TimeAmount.seconds(10)
        /// The same for a stream of events, whose reader may be a person who has stopped the terminal.
        var events = TimeAmount.minutes(10)
        /// How long connected clients have to send a request and read the reply when the listener stops.
        var stop = Duration.milliseconds(250)
    }

    /// The outbound event that lets the connection be idle between requests: it stands for something that lasts as
    /// long.
    struct MayBeIdle: Sendable {}

    private enum Phase {
        case awaitingRequest(isFirst: Bool)
        case receiving
        case replying
    }

    private let timeouts: Timeouts
    private var phase = Phase.awaitingRequest(isFirst: true)
    private var requestTimer: Scheduled<Void>?
    private var stallTimer: Scheduled<Void>?
    private var hasReplyBegun = false
    private var isStreaming = false
    private var mayBeIdle = false
    private var context: ChannelHandlerContext?

    init(_ timeouts: Timeouts) {
        self.timeouts = timeouts
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        awaitRequest(isFirst: true)
    }

    func handlerRemoved(context _: ChannelHandlerContext) {
        requestTimer?.cancel()
        stallTimer?.cancel()
        context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            phase = .receiving
            startRequestTimer()
        case .body: break
        case .end:
            phase = .replying
            requestTimer?.cancel()
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            hasReplyBegun = head.status.code >= 200
            isStreaming = head.headers.first(name: "Content-Type") == HTTPConnection.eventStream
        case .body: break
        case .end:
            hasReplyBegun = false
            awaitRequest(isFirst: false)
        }
        context.write(data, promise: promise)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is MayBeIdle else { return context.triggerUserOutboundEvent(event, promise: promise) }
        mayBeIdle = true
        promise?.succeed()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stallTimer?.cancel()
        stallTimer = nil
        if !context.channel.isWritable {
            stallTimer = schedule(isStreaming ? timeouts.events : timeouts.reply) { $0.channel.abort() }
        }
        context.fireChannelWritabilityChanged()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        // OrderlyCloseHandler closes only once the client has read the reply.
        if mode == .all, stallTimer == nil { stallTimer = schedule(timeouts.reply) { $0.channel.abort() } }
        context.close(mode: mode, promise: promise)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else {
            // The connection is broken.
            return context.channel.abort()
        }
        switch error {
        case .headerOverflow: refuse(Problem(.tooLarge, "the request headers exceed 64 KiB"))
        default: refuse(Problem(.badRequest, "not an HTTP request"))
        }
    }

    private func awaitRequest(isFirst: Bool) {
        phase = .awaitingRequest(isFirst: isFirst)
        startRequestTimer()
    }

    private func startRequestTimer() {
        requestTimer?.cancel()
        requestTimer = schedule(timeouts.request) { [self] context in
            switch phase {
            case .awaitingRequest(isFirst: true), .receiving:
                refuse(
                    Problem(
                        .timeout,
                        "the request did not arrive within \(timeouts.request.nanoseconds / 1_000_000_000) s"
                    )
                )
            case .awaitingRequest(isFirst: false): if !mayBeIdle { context.close(promise: nil) }
            case .replying: break
            }
        }
    }

    /// Answers any request of a client beyond the limit with a problem, and returns when the client is gone.
    static func refuse(_ client: any Channel) async {
        client.eventLoop.execute {
            let handler = try? client.pipeline.syncOperations.handler(type: Self.self)
            handler?.refuse(Problem(.busy, "too many clients; try again"))
        }
        try? await client.closeFuture.get()
    }

    /// Sends a problem, if no other reply has begun, and closes the connection.
    ///
    /// It is written as bytes, past the handlers that pair requests and responses: there may be no request.
    private func refuse(_ problem: Problem) {
        guard let context else { return }
        requestTimer?.cancel()
        guard !hasReplyBegun, let encoder = try? encoder(of: context) else {
            return context.close(promise: nil)
        }
        hasReplyBegun = true
        let body = (try? AdminJSON.encode(problem)) ?? []
        var bytes = context.channel.allocator.buffer(capacity: body.count + 256)
        bytes.writeString("HTTP/1.1 \(problem.status) \(problem.title)\r\nDate: \(HTTPDate.text(.now))\r\n")
        bytes.writeString("Content-Type: \(Problem.mediaType)\r\nContent-Length: \(body.count)\r\n")
        bytes.writeString("Cache-Control: no-store\r\nConnection: close\r\n")
        if problem.code == .busy { bytes.writeString("Retry-After: 1\r\n") }
        bytes.writeString("\r\n")
        bytes.writeBytes(body)
        encoder.writeAndFlush(NIOAny(bytes)).assumeIsolated().whenComplete { _ in context.close(promise: nil) }
    }

    private func encoder(of context: ChannelHandlerContext) throws -> ChannelHandlerContext {
        try context.pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self)
    }

    private func schedule(_ after: TimeAmount, _ body: @escaping (ChannelHandlerContext) -> Void) -> Scheduled<Void>? {
        guard let context else { return nil }
        return context.eventLoop.assumeIsolated().scheduleTask(in: after) {
            guard let context = self.context else { return }
            body(context)
        }
    }
}

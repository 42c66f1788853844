internal import NIOCore
internal import NIOHTTP1
internal import RstreamAdmin

/// Bounds what one client may take of a server's patience: time for each request, time to take an answer, and bytes that
/// are no HTTP. Whoever is out of bounds is told so, if that is possible, and loses its connection.
///
/// Confined to its channel's event loop.
final class RequestBoundsHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// How long things may take.
    struct Patience: Sendable {
        /// From the connection, or the answer before, to the end of a request's headers; and again to its end.
        var request = TimeAmount.seconds(10)
        /// How long a client may take nothing of an answer.
        var answer = TimeAmount.seconds(10)
        /// The same for a stream of events, whose reader may be a person who scrolls.
        var events = TimeAmount.minutes(10)
    }

    private enum Phase {
        case awaitingRequest(isFirst: Bool)
        case receiving
        case answering
    }

    private let patience: Patience
    private var phase = Phase.awaitingRequest(isFirst: true)
    private var requestTimer: Scheduled<Void>?
    private var stallTimer: Scheduled<Void>?
    private var hasAnswerBegun = false
    private var isStreaming = false
    private var context: ChannelHandlerContext?

    init(_ patience: Patience) {
        self.patience = patience
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        expectRequest(isFirst: true)
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
            phase = .answering
            requestTimer?.cancel()
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            hasAnswerBegun = head.status.code >= 200
            isStreaming = head.headers.first(name: "Content-Type") == HTTPConnection.eventStream
        case .body: break
        case .end:
            hasAnswerBegun = false
            expectRequest(isFirst: false)
        }
        context.write(data, promise: promise)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stallTimer?.cancel()
        stallTimer = nil
        if !context.channel.isWritable {
            stallTimer = schedule(isStreaming ? patience.events : patience.answer) { $0.close(promise: nil) }
        }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else {
            // The connection is broken; whoever serves it finds it closed.
            return context.close(promise: nil)
        }
        switch error {
        case .headerOverflow: refuse(Problem(.tooLarge, "the headers are longer than 64 KiB"))
        case let error: refuse(Problem(.badRequest, "this is no HTTP request: \(error)"))
        }
    }

    private func expectRequest(isFirst: Bool) {
        phase = .awaitingRequest(isFirst: isFirst)
        startRequestTimer()
    }

    private func startRequestTimer() {
        requestTimer?.cancel()
        requestTimer = schedule(patience.request) { [self] context in
            switch phase {
            case .awaitingRequest(isFirst: true), .receiving:
                refuse(
                    Problem(
                        .timeout,
                        "the request did not arrive within \(patience.request.nanoseconds / 1_000_000_000) s"
                    )
                )
            case .awaitingRequest(isFirst: false): context.close(promise: nil)
            case .answering: break
            }
        }
    }

    private func refuse(_ problem: Problem) {
        guard let context else { return }
        requestTimer?.cancel()
        guard !hasAnswerBegun else { return context.close(promise: nil) }
        hasAnswerBegun = true
        let reply = HTTPReply.problem(problem)
        guard case .bytes(let bytes) = reply.content else { return }
        let headers = HTTPHeaders([
            ("Content-Type", reply.type), ("Content-Length", String(bytes.count)), ("Connection", "close"),
        ])
        let head = HTTPResponseHead(version: .http1_1, status: reply.status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: bytes)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }

    private func schedule(_ after: TimeAmount, _ body: @escaping (ChannelHandlerContext) -> Void) -> Scheduled<Void>? {
        guard let context else { return nil }
        return context.eventLoop.assumeIsolated().scheduleTask(in: after) {
            guard let context = self.context else { return }
            body(context)
        }
    }
}

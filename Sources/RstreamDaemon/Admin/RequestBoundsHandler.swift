internal import Linux
internal import NIOCore
internal import NIOHTTP1
internal import RstreamAdmin
internal import RstreamModel
internal import RstreamSocket

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
        /// How long those who are there when the listener stops may take to ask, and to read the answer.
        var farewell = Duration.milliseconds(250)
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
            stallTimer = schedule(isStreaming ? patience.events : patience.answer) { $0.channel.abort() }
        }
        context.fireChannelWritabilityChanged()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        // A close waits until the answer was taken, see `OrderlyCloseHandler`.
        if mode == .all, stallTimer == nil { stallTimer = schedule(patience.answer) { $0.channel.abort() } }
        context.close(mode: mode, promise: promise)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else {
            // The connection is broken; whoever serves it finds it closed.
            return context.channel.abort()
        }
        switch error {
        case .headerOverflow: refuse(Problem(.tooLarge, "the headers are longer than 64 KiB"))
        default: refuse(Problem(.badRequest, "this is no HTTP request"))
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

    /// Says that there is no room, whatever is asked, and returns when the client is gone.
    static func refuse(_ client: any Channel) async {
        client.eventLoop.execute {
            let handler = try? client.pipeline.syncOperations.handler(type: Self.self)
            handler?.refuse(Problem(.busy, "as many clients as may be are connected; try again"))
        }
        try? await client.closeFuture.get()
    }

    /// Answers with a problem, if no other answer has begun, and closes.
    ///
    /// Written as bytes, past the handlers that count requests and responses: there may be no request to respond to.
    private func refuse(_ problem: Problem) {
        guard let context else { return }
        requestTimer?.cancel()
        guard !hasAnswerBegun, let encoder = try? encoder(of: context) else {
            return context.close(promise: nil)
        }
        hasAnswerBegun = true
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

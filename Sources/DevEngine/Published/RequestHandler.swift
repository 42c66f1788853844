import NIOCore
import NIOHTTP1
import NIOHTTP2

/// The end of a visitor's pipeline: an HTTP/1 connection, whose requests are taken one after another, or one stream of an
/// HTTP/2 connection.
///
/// It holds what a read has brought until the exchange takes it, and reads when it holds nothing.
final class RequestHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum Part {
        case head(HTTPRequestHead)
        case body(ByteBuffer)
        case end(HTTPHeaders?)

        var isEnd: Bool { if case .end = self { true } else { false } }
    }

    let session: VisitorSession
    /// What stands before this handler on a connection of HTTP/1; nil on a stream.
    private var method: MethodHandler?
    private var handlers: [any RemovableChannelHandler]
    private var context: ChannelHandlerContext?
    private var held = CircularBuffer<Part>()
    private var exchange: HTTPExchange?
    /// Whether all of the request under way was handed over.
    private var isComplete = false
    /// Whether the last one that was read asked for another protocol: the decoder reads nothing behind it.
    private var isUpgradeAhead = false
    private var inputEnded = false
    /// What is to be said about what came behind the request under way.
    private var flaw: HTTPAnswer?
    private(set) var unsent = 0
    private var deadline: Scheduled<Void>?
    private var isTaking = false
    private var isOver = false
    private var isStream: Bool { method == nil }
    /// Whether the visitor has ended its direction, and nothing is missing of what it wanted to say.
    private var hasSaidAll: Bool { isStream ? isComplete && session.hasEnded : inputEnded }

    init(
        _ session: VisitorSession,
        method: MethodHandler? = nil,
        handlers: [any RemovableChannelHandler] = []
    ) {
        self.session = session
        self.method = method
        self.handlers = handlers
    }

    // MARK: What the exchange does

    var isWritable: Bool { context?.channel.isWritable ?? false }

    func write(_ part: HTTPServerResponsePart) {
        guard !isOver, let context else { return }
        context.write(wrapOutboundOut(part), promise: nil)
    }

    /// Writes a piece of an answer that is not asked for piece by piece; ``unsent`` is what the visitor has not taken of such.
    func push(_ bytes: ByteBuffer) {
        guard !isOver, let context else { return }
        let count = bytes.readableBytes
        unsent += count
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenComplete { _ in self.unsent -= count }
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: sent)
    }

    func flush() { context?.flush() }

    /// Whether the connection will be there for another request, as far as the visitor is concerned.
    func staysAfter(_ head: HTTPRequestHead) -> Bool {
        guard !isStream else { return true }
        return head.isKeepAlive && (isComplete || held.first?.isEnd == true) && !isUpgradeAhead && !inputEnded
            && flaw == nil
    }

    /// The exchange can take more of its body.
    func resume() { take() }

    /// Writes the end of the response.
    func finish(_ trailers: HTTPHeaders?, stays: Bool) {
        guard !isOver, let context else { return }
        exchange = nil
        if isStream { return endStream(trailers, context) }
        write(.end(trailers))
        flush()
        guard stays else { return dismiss() }
        if let flaw { return refuse(flaw) }
        // The end of the request may not have been taken yet.
        while let part = held.first {
            if case .head = part { break }
            held.removeFirst()
        }
        armDeadline(patience.nextRequest) { $0.dismiss() }
        take()
    }

    private func endStream(_ trailers: HTTPHeaders?, _ context: ChannelHandlerContext) {
        isOver = true
        let end = wrapOutboundOut(.end(trailers))
        guard !isComplete, !held.contains(where: \.isEnd) else { return context.writeAndFlush(end, promise: nil) }
        let sent = context.eventLoop.makePromise(of: Void.self)
        // A reset takes what was not sent before it along, and this runs in the middle of a flush.
        sent.futureResult.assumeIsolated().whenSuccess { self.session.engine.soon(self.resetStream) }
        context.writeAndFlush(end, promise: sent)
    }

    /// The visitor may stop sending: the answer is whole (RFC 9113 §8.1).
    private func resetStream() {
        let pipeline = context?.pipeline.syncOperations
        let codec = try? pipeline?.context(handlerType: HTTP2FramePayloadToHTTP1ServerCodec.self)
        codec?.writeAndFlush(NIOAny(HTTP2Frame.FramePayload.rstStream(.noError)), promise: nil)
    }

    /// Resets what the visitor is on: its connection, or its stream alone.
    func abort() {
        isOver = true
        exchange = nil
        deadline?.cancel()
        if isStream { context?.close(promise: nil) } else { session.connection.abort() }
    }

    private func dismiss() {
        isOver = true
        deadline?.cancel()
        session.end()
        session.connection.retire(hasEnded: inputEnded)
    }

    /// Hands the connection over as it is under HTTP/1, with what was read of it already, whether its input has ended, and
    /// nothing written that is not on its way. Never on a stream.
    func detach(_ then: @escaping (_ early: ByteBuffer, _ hasEnded: Bool) -> Void) {
        isOver = true
        exchange = nil
        deadline?.cancel()
        flush()
        session.end()
        session.connection.detach(handlers + [self], then)
    }

    // MARK: Requests

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        armDeadline(patience.requestHead) { $0.abort() }
        if isStream { return session.streamBegan() }
        context.read()
    }

    func handlerRemoved(context _: ChannelHandlerContext) {
        context = nil
        if isStream { session.streamEnded() }
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        context.read()
    }

    func channelRead(context _: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        switch unwrapInboundIn(data) {
        case .head(var head):
            deadline?.cancel()
            if let method {
                method.next(isRequest: false)
                head.method = method.method(of: head)
                isUpgradeAhead = MessageHeaders.upgrade(head.headers) != nil
            }
            held.append(.head(head))
        case .body(let bytes): held.append(.body(bytes))
        case .end(let trailers):
            if !isUpgradeAhead { method?.next(isRequest: true) }
            held.append(.end(trailers))
        }
    }

    func channelReadComplete(context _: ChannelHandlerContext) { take() }

    /// Hands over what can be taken, and reads on when nothing is held.
    private func take() {
        guard !isOver, !isTaking else { return }
        isTaking = true
        while !isOver, let part = held.first, isWanted(part) {
            held.removeFirst()
            hand(part)
        }
        isTaking = false
        guard !isOver, held.isEmpty, !inputEnded else { return }
        if exchange == nil || isComplete || exchange?.takesBody == true { context?.read() }
    }

    private func isWanted(_ part: Part) -> Bool {
        guard let exchange else { return true }
        switch part {
        // The next one has to wait.
        case .head: return false
        case .body, .end: return exchange.takesBody
        }
    }

    private func hand(_ part: Part) {
        switch part {
        case .head(let head): begin(head)
        case .body(let bytes): exchange?.received(bytes)
        case .end(let trailers):
            isComplete = true
            exchange?.requestEnded(trailers)
        }
    }

    private func begin(_ head: HTTPRequestHead) {
        isComplete = false
        // A head of HTTP/2 need not say it.
        let hasBody = isStream && held.first?.isEnd != true
        let exchange = HTTPExchange(head, hasBody: hasBody, handler: self)
        self.exchange = exchange
        exchange.begin()
    }

    private var patience: DevEngineConfiguration.Patience { session.engine.configuration.patience }

    private func armDeadline(_ time: TimeAmount, _ end: @escaping (RequestHandler) -> Void) {
        deadline?.cancel()
        deadline = session.engine.after(time) { [weak self] in
            guard let self, !isOver else { return }
            end(self)
        }
    }

    // MARK: Other events

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { exchange?.visitorBecameWritable() }
    }

    func userInboundEventTriggered(context _: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event, !isOver else { return }
        inputEnded = true
        if let exchange {
            if !isComplete, !held.contains(where: \.isEnd) { exchange.requestCutOff() }
        } else if held.isEmpty {
            isOver = true
            deadline?.cancel()
            session.connection.close()
        }
    }

    func errorCaught(context _: ChannelHandlerContext, error: any Error) {
        guard !isOver else { return }
        switch error {
        // The end of the input comes as an event of its own.
        case HTTPParserError.invalidEOFState: return
        case HTTPParserError.headerOverflow:
            reject(.text(.requestHeaderFieldsTooLarge, "The request head is too large."))
        case is HTTPParserError: reject(.text(.badRequest, "This is not an HTTP request."))
        // What comes behind an error of the decoder.
        case is ByteToMessageDecoderError: return
        default:
            let exchange = exchange
            exchange?.visitorBroke(hasSaidAll: hasSaidAll)
            abort()
        }
    }

    /// What arrived is no request.
    private func reject(_ answer: HTTPAnswer) {
        flaw = answer
        guard let exchange else {
            if held.isEmpty { refuse(answer) }
            return
        }
        // The body of the request under way is broken.
        guard !isComplete else { return }
        exchange.visitorBroke(hasSaidAll: false)
        guard !exchange.hasAnswered else { return abort() }
        self.exchange = nil
        refuse(answer)
    }

    private func refuse(_ answer: HTTPAnswer) {
        guard !isStream else { return abort() }
        var head = answer.head
        head.headers.add(name: "Connection", value: "close")
        write(.head(head))
        write(.body(.byteBuffer(ByteBuffer(string: answer.body))))
        write(.end(nil))
        flush()
        dismiss()
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        let exchange = exchange
        self.exchange = nil
        isOver = true
        exchange?.visitorBroke(hasSaidAll: hasSaidAll)
        if !isStream { session.end() }
        context.fireChannelInactive()
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOHTTP1
import NIOHTTP2

/// The end of a visitor's pipeline: an HTTP/1 connection, whose requests are handled in order, or one stream of an HTTP/2
/// connection.
///
/// It buffers the parts of one read until the exchange takes them, and reads again when the buffer is empty.
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
    /// The method handler of an HTTP/1 connection; nil on a stream.
    private var method: MethodHandler?
    private var handlers: [any RemovableChannelHandler]
    private var context: ChannelHandlerContext?
    private var held = CircularBuffer<Part>()
    private var exchange: HTTPExchange?
    /// Whether the whole current request was passed on.
    private var isComplete = false
    /// Whether the last request asked for an upgrade: the decoder reads nothing after it.
    private var isUpgradeAhead = false
    private var inputEnded = false
    /// The response to invalid input after the current request.
    private var problem: HTTPResponse?
    private(set) var unsent = 0
    private var deadline: Scheduled<Void>?
    private var isTaking = false
    private var isOver = false
    private var isStream: Bool { method == nil }
    /// Whether the visitor's input has ended after complete requests.
    private var hasSentAll: Bool { isStream ? isComplete && session.hasEnded : inputEnded }

    init(
        _ session: VisitorSession,
        method: MethodHandler? = nil,
        handlers: [any RemovableChannelHandler] = []
    ) {
        self.session = session
        self.method = method
        self.handlers = handlers
    }

    // MARK: Called by the exchange

    var isWritable: Bool { context?.channel.isWritable ?? false }

    func write(_ part: HTTPServerResponsePart) {
        guard !isOver, let context else { return }
        context.write(wrapOutboundOut(part), promise: nil)
    }

    /// Writes part of a response without back pressure; ``unsent`` counts the bytes that the visitor has not read.
    func push(_ bytes: ByteBuffer) {
        guard !isOver, let context else { return }
        let count = bytes.readableBytes
        unsent += count
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenComplete { _ in self.unsent -= count }
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: sent)
    }

    func flush() { context?.flush() }

    /// Whether the visitor's side of the connection allows another request.
    func staysAfter(_ head: HTTPRequestHead) -> Bool {
        guard !isStream else { return true }
        return head.isKeepAlive && (isComplete || held.first?.isEnd == true) && !isUpgradeAhead && !inputEnded
            && problem == nil
    }

    /// The exchange accepts more of its body.
    func resume() { take() }

    /// Writes the end of the response.
    func finish(_ trailers: HTTPHeaders?, stays: Bool) {
        guard !isOver, let context else { return }
        exchange = nil
        if isStream { return endStream(trailers, context) }
        write(.end(trailers))
        flush()
        guard stays else { return dismiss() }
        if let problem { return refuse(problem) }
        // The end of the request may still be buffered.
        while let part = held.first {
            if case .head = part { break }
            held.removeFirst()
        }
        armDeadline(timeouts.nextRequest) { $0.dismiss() }
        take()
    }

    private func endStream(_ trailers: HTTPHeaders?, _ context: ChannelHandlerContext) {
        isOver = true
        let end = wrapOutboundOut(.end(trailers))
        guard !isComplete, !held.contains(where: \.isEnd) else { return context.writeAndFlush(end, promise: nil) }
        let sent = context.eventLoop.makePromise(of: Void.self)
        // Deferred: this runs in the middle of a flush, and a reset would drop what is unsent.
        sent.futureResult.assumeIsolated().whenSuccess { self.session.engine.executeLater(self.resetStream) }
        context.writeAndFlush(end, promise: sent)
    }

    /// Asks the visitor to stop sending: the response is complete (RFC 9113 §8.1).
    private func resetStream() {
        let pipeline = context?.pipeline.syncOperations
        let codec = try? pipeline?.context(handlerType: HTTP2FramePayloadToHTTP1ServerCodec.self)
        codec?.writeAndFlush(NIOAny(HTTP2Frame.FramePayload.rstStream(.noError)), promise: nil)
    }

    /// Resets the visitor's connection, or only its HTTP/2 stream.
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

    /// Removes the HTTP/1 handlers and hands the connection over, with the bytes already read and whether the input has
    /// ended, once everything written was sent. Never on a stream.
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
        armDeadline(timeouts.requestHead) { $0.abort() }
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

    /// Passes on what the exchange accepts, and reads when the buffer is empty.
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
        // The next request waits for this one.
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
        // HTTP/2 needs no length in the head.
        let hasBody = isStream && held.first?.isEnd != true
        let exchange = HTTPExchange(head, hasBody: hasBody, handler: self)
        self.exchange = exchange
        exchange.begin()
    }

    private var timeouts: DevEngineConfiguration.Timeouts { session.engine.configuration.timeouts }

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
        // The end of the input is a separate event.
        case HTTPParserError.invalidEOFState: return
        case HTTPParserError.headerOverflow:
            reject(.text(.requestHeaderFieldsTooLarge, "The request head is too large."))
        case is HTTPParserError: reject(.text(.badRequest, "This is not an HTTP request."))
        // Bytes after an error of the decoder.
        case is ByteToMessageDecoderError: return
        default:
            let exchange = exchange
            exchange?.visitorFailed(hasSentAll: hasSentAll)
            abort()
        }
    }

    /// The input is not a valid request.
    private func reject(_ answer: HTTPResponse) {
        problem = answer
        guard let exchange else {
            if held.isEmpty { refuse(answer) }
            return
        }
        // The body of the current request is invalid.
        guard !isComplete else { return }
        exchange.visitorFailed(hasSentAll: false)
        guard !exchange.hasAnswered else { return abort() }
        self.exchange = nil
        refuse(answer)
    }

    private func refuse(_ answer: HTTPResponse) {
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
        exchange?.visitorFailed(hasSentAll: hasSentAll)
        if !isStream { session.end() }
        context.fireChannelInactive()
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOSSL
import RstreamModel
import RstreamWire

/// An agent's connection to an HTTP service: HTTP/1.1, or HTTP/2 if the tunnel has `h2c` or the service selected it in its
/// own TLS (PROTOCOL.md §5.2). It serves one exchange at a time.
final class ServiceConnection: RelayedStream {
    let stream: OfferedStream
    let agent: Connection
    /// Whether it has served an exchange before.
    private(set) var isUsed = false
    private let engine: Engine
    private var exchange: HTTPExchange?
    private weak var session: VisitorSession?
    private var form = Form.none
    private var isOver = false
    /// Whether another request may follow this response.
    private var staysOpen = true
    /// The service will send no more.
    private var hasEnded = false

    private enum Form {
        case none
        case http1(ServiceHandler, [any RemovableChannelHandler])
        case http2(NIOHTTP2Handler.StreamMultiplexer, ServiceHandler?)
    }

    init(_ stream: OfferedStream, agent: Connection) {
        self.stream = stream
        self.agent = agent
        engine = agent.engine
    }

    // MARK: Setup

    /// Sets up a new connection; then the exchange may send.
    func open(_ proxy: ProxyRequest, early: ByteBuffer, for exchange: HTTPExchange) {
        engine.add(self)
        self.exchange = exchange
        if proxy.zeroRTT != true { agent.write(.frame(.proxyResponse(error: nil))) }
        do {
            if let limit = engine.faults.number(.payloadReset) {
                try agent.addBefore(
                    PayloadResetHandler(limit, already: early.readableBytes) { [weak self] in self?.cutOff() }
                )
            }
            guard stream.tunnel.properties.upstreamTLS == true else {
                try speak(isHTTP2: stream.tunnel.properties.httpVersion == "h2c", early)
                return
            }
            agent.role = Handshake(self)
            try agent.startInnerTLS(engine.tls.upstreamHTTP, name: stream.tunnel.properties.hostname) {
                [weak self] chosen in
                guard let self, !isOver else { return }
                do { try speak(isHTTP2: chosen == "h2", ByteBuffer()) } catch { failed("it cannot be spoken to") }
            }
            agent.flush()
            agent.read()
        } catch {
            failed("it cannot be spoken to")
        }
    }

    private func speak(isHTTP2: Bool, _ early: ByteBuffer) throws {
        if isHTTP2 { try speakHTTP2() } else { try speakHTTP1() }
        if early.readableBytes > 0 {
            agent.forward(early)
            agent.forwardReadComplete()
        }
        if let exchange, !isOver { serve(exchange) }
    }

    private func speakHTTP1() throws {
        var encoding = HTTPRequestEncoder.Configuration()
        encoding.automaticallySetFramingHeaders = false
        let encoder = HTTPRequestEncoder(configuration: encoding)
        let decoder = ByteToMessageHandler(
            HTTPResponseDecoder(leftOverBytesStrategy: .forwardBytes, informationalResponseStrategy: .forward)
        )
        let end = ServiceHandler(self, isStream: false)
        form = .http1(end, [encoder, decoder, end])
        try agent.handOn(to: [encoder, decoder, end])
    }

    private func speakHTTP2() throws {
        let handler = NIOHTTP2Handler(mode: .client, eventLoop: engine.loop) { stream in
            // A service sends no requests.
            stream.close()
        }
        try agent.handOn(to: [handler, ServiceHandler.HTTP2Handler(self)])
        form = .http2(try handler.syncMultiplexer(), nil)
        try agent.channel.syncOptions?.setOption(.autoRead, value: true)
    }

    /// Starts an exchange on an idle connection.
    func serve(_ exchange: HTTPExchange) {
        self.exchange = exchange
        session = nil
        staysOpen = true
        switch form {
        case .none: failed("it cannot be spoken to")
        case .http1: exchange.serviceIsReady(self)
        case .http2(let multiplexer, _):
            let service = NIOLoopBound(self, eventLoop: engine.loop)
            let created = engine.loop.makePromise(of: (any Channel).self)
            multiplexer.createStreamChannel(promise: created) { stream in
                stream.eventLoop.makeCompletedFuture {
                    try stream.syncOptions?.setOption(.autoRead, value: false)
                    let end = ServiceHandler(service.value, isStream: true)
                    service.value.form = .http2(multiplexer, end)
                    let codec = HTTP2FramePayloadToHTTP1ClientCodec(httpProtocol: .http)
                    try stream.pipeline.syncOperations.addHandlers([codec, end])
                }
            }
            created.futureResult.assumeIsolated().whenComplete { [self] result in
                guard !isOver, let exchange = self.exchange else { return }
                switch result {
                case .success: exchange.serviceIsReady(self)
                case .failure: failed("connection broken")
                }
            }
        }
    }

    // MARK: Called by the exchange

    private var handler: ServiceHandler? {
        switch form {
        case .none: nil
        case .http1(let end, _): end
        case .http2(_, let end): end
        }
    }

    var isWritable: Bool { handler?.isWritable ?? false }

    func write(_ part: HTTPClientRequestPart) { handler?.write(part) }

    func flush() { handler?.flush() }

    func read() { handler?.read() }

    /// The response is complete. A reusable connection is kept for the visitor's next request.
    func release(isReusable: Bool, to session: VisitorSession) {
        exchange = nil
        isUsed = true
        if case .http2(let multiplexer, let end) = form {
            form = .http2(multiplexer, nil)
            if !isReusable { end?.close() }
        }
        guard isReusable, staysOpen, !hasEnded, !isOver else { return self.end() }
        session.keep(self)
    }

    /// Waits for another exchange, or the end of the connection.
    func waitIdle(in session: VisitorSession) {
        self.session = session
        read()
    }

    /// Closes the connection in order.
    func end() {
        guard leave() else { return }
        agent.retire(hasEnded: hasEnded)
    }

    /// Resets the connection: the request is incomplete.
    func abort() {
        guard leave() else { return }
        agent.abort()
    }

    /// Removes the HTTP handlers and hands the connection over, with the bytes already read.
    func detach(_ then: @escaping (_ early: ByteBuffer, _ hasEnded: Bool) -> Void) {
        guard case .http1(_, let handlers) = form, leave() else { return }
        agent.detach(handlers, then)
    }

    private func leave() -> Bool {
        guard !isOver else { return false }
        isOver = true
        exchange = nil
        // Its handlers retain it as well.
        form = .none
        session?.drop(self)
        engine.remove(self)
        return true
    }

    /// Resets the visitor too: its response is incomplete.
    private func cutOff() {
        let exchange = exchange
        abort()
        exchange?.cutOff()
    }

    // MARK: Input from the service

    fileprivate func received(_ part: HTTPClientResponsePart) {
        // There is no request.
        guard let exchange else { return end() }
        if case .head(let head) = part, head.status.code >= 200 {
            staysOpen = head.isKeepAlive || head.version.major == 2
        }
        exchange.serviceSent(part)
    }

    fileprivate func readCompleted() {
        if let exchange { exchange.serviceReadCompleted() } else if session != nil { read() }
    }

    fileprivate func becameWritable() { exchange?.serviceBecameWritable() }

    fileprivate func inputClosed() {
        hasEnded = true
        guard let exchange else { return end() }
        guard !exchange.hasAnswered else { return failed("connection closed") }
        guard leave() else { return }
        agent.retire(hasEnded: true)
        exchange.serviceFailed(self, "The service closed the connection without a response.")
    }

    /// The connection failed, or its input is invalid.
    func failed(_ reason: String) {
        let exchange = exchange
        guard leave() else { return }
        agent.abort()
        exchange?.serviceFailed(self, "The connection to the service failed: \(reason).")
    }

    /// The role of a connection during the TLS handshake with the service.
    private final class Handshake: ConnectionRole {
        private let service: ServiceConnection

        init(_ service: ServiceConnection) { self.service = service }

        func received(_ bytes: ByteBuffer) {}
        func readCompleted() { if service.agent.role === self { service.agent.read() } }
        func inputClosed() { service.failed("connection closed") }
        func failed(_ error: any Error) { service.failed(ConnectionFailure.text(error)) }
        func closed() { service.failed("connection closed") }
    }
}

/// The end of the pipeline to a service: an HTTP/1 connection, or one HTTP/2 stream.
final class ServiceHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let service: ServiceConnection
    private let isStream: Bool
    private var context: ChannelHandlerContext?
    /// Whether the response is complete: an end after it is only the stream's.
    private var isWhole = false

    init(_ service: ServiceConnection, isStream: Bool) {
        self.service = service
        self.isStream = isStream
    }

    var isWritable: Bool { context?.channel.isWritable ?? false }

    func write(_ part: HTTPClientRequestPart) {
        guard let context else { return }
        if case .head = part { isWhole = false }
        context.write(wrapOutboundOut(part), promise: nil)
    }

    func flush() { context?.flush() }

    func read() { context?.read() }

    func close() { context?.close(promise: nil) }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context _: ChannelHandlerContext) { context = nil }

    func channelRead(context _: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if case .end = part { isWhole = true }
        service.received(part)
    }

    func channelReadComplete(context _: ChannelHandlerContext) { service.readCompleted() }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { service.becameWritable() }
    }

    func userInboundEventTriggered(context _: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { service.inputClosed() }
    }

    func errorCaught(context _: ChannelHandlerContext, error: any Error) {
        // Bytes after an error of the decoder.
        if error is ByteToMessageDecoderError || (isWhole && isStream) { return }
        service.failed(ConnectionFailure.text(error))
    }

    func channelInactive(context: ChannelHandlerContext) {
        if isWhole, isStream { return }
        service.failed("connection closed")
    }

    /// The end of the pipeline of an HTTP/2 connection, behind its streams.
    final class HTTP2Handler: ChannelInboundHandler {
        typealias InboundIn = HTTP2Frame

        private let service: ServiceConnection

        init(_ service: ServiceConnection) { self.service = service }

        func userInboundEventTriggered(context _: ChannelHandlerContext, event: Any) {
            if case ChannelEvent.inputClosed = event { service.inputClosed() }
        }

        func errorCaught(context _: ChannelHandlerContext, error: any Error) {
            if error is NIOHTTP2Errors.StreamError { return }
            service.failed(ConnectionFailure.text(error))
        }

        func channelInactive(context _: ChannelHandlerContext) { service.failed("connection closed") }
    }
}

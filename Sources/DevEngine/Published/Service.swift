import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOSSL
import RstreamModel
import RstreamWire

/// An agent's connection to a service that speaks HTTP: in `http/1.1`, or in HTTP/2 where the tunnel says `h2c` or the service
/// chose it in its own TLS (PROTOCOL.md §5.2). It serves one exchange at a time.
final class Service: CarriedStream {
    let stream: OfferedStream
    let agent: Connection
    /// Whether it has served an exchange before.
    private(set) var isUsed = false
    private let engine: Engine
    private var exchange: HTTPExchange?
    private weak var session: VisitorSession?
    private var form = Form.none
    private var isOver = false
    /// Whether another request may be sent once this response is over.
    private var staysOpen = true
    /// The service will say no more.
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

    // MARK: The beginning

    /// Prepares the connection, which has just come; the exchange is told when it may send.
    func open(_ proxy: ProxyRequest, early: ByteBuffer, for exchange: HTTPExchange) {
        engine.add(self)
        self.exchange = exchange
        if proxy.zeroRTT != true { agent.write(.frame(.proxyResponse(error: nil))) }
        do {
            if let limit = engine.faults.number(.payloadReset) {
                try agent.addBefore(PayloadReset(limit, already: early.readableBytes) { [weak self] in self?.cutOff() })
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
            // A service has no requests of its own.
            stream.close()
        }
        try agent.handOn(to: [handler, ServiceHandler.ConnectionEnd(self)])
        form = .http2(try handler.syncMultiplexer(), nil)
        try agent.channel.syncOptions?.setOption(.autoRead, value: true)
    }

    /// Takes an exchange, which is told when it may send.
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

    // MARK: What the exchange does

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

    /// The response is whole. What can serve again is kept for the next request of the visitor.
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

    /// Waits for another exchange, or its end.
    func rest(in session: VisitorSession) {
        self.session = session
        read()
    }

    /// Ends in order: the service has done nothing wrong.
    func end() {
        guard leave() else { return }
        agent.retire(hasEnded: hasEnded)
    }

    /// Resets it: what it was sent is not all there was.
    func abort() {
        guard leave() else { return }
        agent.abort()
    }

    /// Gives the connection away as it is, with what was read of it already.
    func detach(_ then: @escaping (_ early: ByteBuffer, _ hasEnded: Bool) -> Void) {
        guard case .http1(_, let handlers) = form, leave() else { return }
        agent.detach(handlers, then)
    }

    private func leave() -> Bool {
        guard !isOver else { return false }
        isOver = true
        exchange = nil
        // Its handlers hold it as well.
        form = .none
        session?.drop(self)
        engine.remove(self)
        return true
    }

    /// The visitor is told the same way: what it got is not all there was.
    private func cutOff() {
        let exchange = exchange
        abort()
        exchange?.cutOff()
    }

    // MARK: What the service does

    fileprivate func said(_ part: HTTPClientResponsePart) {
        // Nobody has asked.
        guard let exchange else { return end() }
        if case .head(let head) = part, head.status.code >= 200 {
            staysOpen = head.isKeepAlive || head.version.major == 2
        }
        exchange.serviceSaid(part)
    }

    fileprivate func saidAllForNow() {
        if let exchange { exchange.serviceSaidAllForNow() } else if session != nil { read() }
    }

    fileprivate func becameWritable() { exchange?.serviceBecameWritable() }

    fileprivate func inputClosed() {
        hasEnded = true
        guard let exchange else { return end() }
        guard !exchange.hasAnswered else { return failed("connection closed") }
        guard leave() else { return }
        agent.retire(hasEnded: true)
        exchange.serviceFailed(self, "The service ended the connection without an answer.")
    }

    /// The connection broke, or what came on it cannot be used.
    func failed(_ trouble: String) {
        let exchange = exchange
        guard leave() else { return }
        agent.abort()
        exchange?.serviceFailed(self, "The way to the service broke: \(trouble).")
    }

    /// The role of a connection whose service is met with TLS.
    private final class Handshake: ConnectionRole {
        private let service: Service

        init(_ service: Service) { self.service = service }

        func received(_ bytes: ByteBuffer) {}
        func readCompleted() { if service.agent.role === self { service.agent.read() } }
        func inputClosed() { service.failed("connection closed") }
        func failed(_ error: any Error) { service.failed(ConnectionFailure.words(error)) }
        func closed() { service.failed("connection closed") }
    }
}

/// The end of the pipeline towards a service: a connection of HTTP/1, or one stream of HTTP/2.
final class ServiceHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let service: Service
    private let isStream: Bool
    private var context: ChannelHandlerContext?
    /// Whether the response is whole: what ends then is only the stream.
    private var isWhole = false

    init(_ service: Service, isStream: Bool) {
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
        service.said(part)
    }

    func channelReadComplete(context _: ChannelHandlerContext) { service.saidAllForNow() }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { service.becameWritable() }
    }

    func userInboundEventTriggered(context _: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { service.inputClosed() }
    }

    func errorCaught(context _: ChannelHandlerContext, error: any Error) {
        // What comes behind an error of the decoder.
        if error is ByteToMessageDecoderError || (isWhole && isStream) { return }
        service.failed(ConnectionFailure.words(error))
    }

    func channelInactive(context: ChannelHandlerContext) {
        if isWhole, isStream { return }
        service.failed("connection closed")
    }

    /// The end of a connection of HTTP/2, behind its streams.
    final class ConnectionEnd: ChannelInboundHandler {
        typealias InboundIn = HTTP2Frame

        private let service: Service

        init(_ service: Service) { self.service = service }

        func userInboundEventTriggered(context _: ChannelHandlerContext, event: Any) {
            if case ChannelEvent.inputClosed = event { service.inputClosed() }
        }

        func errorCaught(context _: ChannelHandlerContext, error: any Error) {
            if error is NIOHTTP2Errors.StreamError { return }
            service.failed(ConnectionFailure.words(error))
        }

        func channelInactive(context _: ChannelHandlerContext) { service.failed("connection closed") }
    }
}

import NIOCore
import NIOHTTP1
import NIOHTTP2

/// A visitor's connection that speaks HTTP, of either version: what all its requests have in common.
///
/// Each of them is judged by itself and carried in an ``HTTPExchange``. The agents' connections that are still good after one
/// are kept for the next, as long as the visitor stays.
final class VisitorSession {
    let connection: Connection
    let engine: Engine
    /// The tunnel whose TLS the visitor was met with.
    private let greeter: AgentTunnel?
    private var kept: [Service] = []
    /// Streams of HTTP/2 that are open.
    private var streams = 0
    /// The visitor will send no more.
    private(set) var hasEnded = false
    private var deadline: Scheduled<Void>?

    private init(_ connection: Connection, greeter: AgentTunnel?) {
        self.connection = connection
        engine = connection.engine
        self.greeter = greeter
    }

    /// Gives the connection the handlers for the protocol that was agreed on in the handshake.
    static func begin(_ connection: Connection, protocol negotiated: String?, greeter: AgentTunnel?) {
        let session = VisitorSession(connection, greeter: greeter)
        do {
            if negotiated == "h2" { try session.speakHTTP2() } else { try session.speakHTTP1() }
        } catch {
            connection.abort()
        }
    }

    private func speakHTTP1() throws {
        let method = MethodHandler()
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = EngineLimits.requestHeadBytes
        limits.maxHeaderListSize = EngineLimits.requestHeadBytes
        let decoder = ByteToMessageHandler(
            HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: limits)
        )
        var encoding = HTTPResponseEncoder.Configuration()
        encoding.automaticallySetFramingHeaders = false
        let encoder = HTTPResponseEncoder(configuration: encoding)
        let end = RequestHandler(self, method: method, handlers: [method, decoder, encoder])
        try connection.handOn(to: [method, decoder, encoder, end])
    }

    private func speakHTTP2() throws {
        var settings = NIOHTTP2Handler.ConnectionConfiguration()
        settings.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: EngineLimits.requestsAtOnce),
            HTTP2Setting(parameter: .maxHeaderListSize, value: EngineLimits.requestHeadBytes),
        ]
        let session = NIOLoopBound(self, eventLoop: engine.loop)
        let handler = NIOHTTP2Handler(
            mode: .server,
            eventLoop: engine.loop,
            connectionConfiguration: settings
        ) { stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.syncOptions?.setOption(.autoRead, value: false)
                let codec = HTTP2FramePayloadToHTTP1ServerCodec()
                try stream.pipeline.syncOperations.addHandlers([
                    AuthorityHandler(), LoneHeaders(), codec, RequestHandler(session.value),
                ])
            }
        }
        try connection.handOn(to: [handler, HTTP2ConnectionEnd(self)])
        try connection.channel.syncOptions?.setOption(.autoRead, value: true)
        awaitStream()
    }

    func streamBegan() {
        streams += 1
        deadline?.cancel()
    }

    func streamEnded() {
        streams -= 1
        guard streams == 0 else { return }
        if hasEnded { connection.close() } else { awaitStream() }
    }

    /// Streams that want an answer get it, if their requests are whole; others are not waited for any longer than a next one.
    fileprivate func inputEnded() {
        hasEnded = true
        if streams == 0 { connection.close() } else { awaitStream() }
    }

    /// A connection without a stream does not stay for ever.
    private func awaitStream() {
        guard connection.channel.isActive else { return }
        deadline?.cancel()
        deadline = engine.after(engine.configuration.patience.nextRequest) { [weak connection] in connection?.close() }
    }

    /// Whether a request for this tunnel may come on this connection: its own rules for TLS were asked of nobody who named
    /// another one in the handshake.
    func hasMetTerms(of tunnel: AgentTunnel) -> Bool { tunnel.tls == nil || tunnel === greeter }

    // MARK: Connections of agents

    /// One that is left of an earlier request to this tunnel.
    func takeKept(for tunnel: AgentTunnel) -> Service? {
        guard let index = kept.firstIndex(where: { $0.stream.tunnel === tunnel }) else { return nil }
        return kept.remove(at: index)
    }

    /// Keeps one for the next request, or ends it where there will be none.
    func keep(_ service: Service) {
        guard connection.channel.isActive, service.stream.tunnel.isOpen else { return service.end() }
        kept.append(service)
        service.rest(in: self)
    }

    /// One that was kept has ended.
    func drop(_ service: Service) {
        kept.removeAll { $0 === service }
    }

    /// The visitor is gone.
    func end() {
        deadline?.cancel()
        let services = kept
        kept = []
        for service in services { service.end() }
    }
}

/// The end of an HTTP/2 connection's pipeline, behind its streams.
private final class HTTP2ConnectionEnd: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame

    private let session: VisitorSession

    init(_ session: VisitorSession) { self.session = session }

    func userInboundEventTriggered(context _: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { session.inputEnded() }
    }

    func errorCaught(context _: ChannelHandlerContext, error: any Error) {
        // What is wrong with a single stream is told to that stream.
        if error is NIOHTTP2Errors.StreamError { return }
        session.connection.close()
    }

    func channelInactive(context _: ChannelHandlerContext) { session.end() }
}

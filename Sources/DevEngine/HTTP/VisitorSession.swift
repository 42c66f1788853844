// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOHTTP1
import NIOHTTP2

/// The state of a visitor's HTTP connection, in either version, that its requests share.
///
/// Each request is an ``HTTPExchange`` with its own checks. Reusable connections of agents are kept for the next request, as
/// long as the visitor is connected.
final class VisitorSession {
    let connection: Connection
    let engine: Engine
    /// The tunnel that the visitor named in the TLS handshake.
    private let handshakeTunnel: AgentTunnel?
    private var idleServices: [ServiceConnection] = []
    /// Open HTTP/2 streams.
    private var streams = 0
    /// The visitor will send no more.
    private(set) var hasEnded = false
    private var deadline: Scheduled<Void>?

    private init(_ connection: Connection, handshakeTunnel: AgentTunnel?) {
        self.connection = connection
        engine = connection.engine
        self.handshakeTunnel = handshakeTunnel
    }

    /// Adds the handlers for the protocol that the handshake selected.
    static func begin(_ connection: Connection, protocol negotiated: String?, handshakeTunnel: AgentTunnel?) {
        let session = VisitorSession(connection, handshakeTunnel: handshakeTunnel)
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
                    AuthorityHandler(), EndStreamHandler(), codec, RequestHandler(session.value),
                ])
            }
        }
        try connection.handOn(to: [handler, VisitorHTTP2Handler(self)])
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

    /// Complete requests are still answered; incomplete ones get as much time as a next request.
    fileprivate func inputEnded() {
        hasEnded = true
        if streams == 0 { connection.close() } else { awaitStream() }
    }

    /// Closes a connection that has no stream for too long.
    private func awaitStream() {
        guard connection.channel.isActive else { return }
        deadline?.cancel()
        deadline = engine.after(engine.configuration.timeouts.nextRequest) { [weak connection] in connection?.close() }
    }

    /// Whether this connection may carry a request for this tunnel: the TLS settings of a tunnel apply only to handshakes
    /// that named it.
    func meetsTLSSettings(of tunnel: AgentTunnel) -> Bool { tunnel.tls == nil || tunnel === handshakeTunnel }

    // MARK: Connections of agents

    /// An idle connection of an earlier request to this tunnel.
    func takeIdleService(for tunnel: AgentTunnel) -> ServiceConnection? {
        guard let index = idleServices.firstIndex(where: { $0.stream.tunnel === tunnel }) else { return nil }
        return idleServices.remove(at: index)
    }

    /// Keeps a connection for the next request, or closes it if there cannot be one.
    func keep(_ service: ServiceConnection) {
        guard connection.channel.isActive, service.stream.tunnel.isOpen else { return service.end() }
        idleServices.append(service)
        service.waitIdle(in: self)
    }

    /// An idle connection has ended.
    func drop(_ service: ServiceConnection) {
        idleServices.removeAll { $0 === service }
    }

    /// The visitor has left.
    func end() {
        deadline?.cancel()
        let services = idleServices
        idleServices = []
        for service in services { service.end() }
    }
}

/// The end of an HTTP/2 connection's pipeline, behind its streams.
private final class VisitorHTTP2Handler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame

    private let session: VisitorSession

    init(_ session: VisitorSession) { self.session = session }

    func userInboundEventTriggered(context _: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { session.inputEnded() }
    }

    func errorCaught(context _: ChannelHandlerContext, error: any Error) {
        // The stream handles an error of a single stream.
        if error is NIOHTTP2Errors.StreamError { return }
        session.connection.close()
    }

    func channelInactive(context _: ChannelHandlerContext) { session.end() }
}

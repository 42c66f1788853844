import NIOCore
import NIOHTTP1
import RstreamModel

/// The role of a connection that speaks HTTP, until its first request head says where it goes.
///
/// NIO's decoder reads the head, and nothing else is taken from it: the bytes themselves go to the agent as they
/// came, but for what ``ForwardedHead`` changes, and so does everything behind them. That is why upgrades, chunked bodies,
/// half-closes and answers without a length need no code here, and also why the requests that follow on the same
/// connection go to the same tunnel without being looked at.
final class HTTPVisitor: ConnectionRole {
    private let connection: Connection
    private let engine: Engine
    private var raw = ByteBuffer()
    private var method: HTTPMethod?
    private var api: (target: RequestTarget, head: HTTPRequestHead, body: ByteBuffer)?
    private var deadline: Scheduled<Void>?
    private var isCurrent: Bool { connection.role === self }

    private init(_ connection: Connection) {
        self.connection = connection
        engine = connection.engine
    }

    static func begin(_ connection: Connection) {
        let visitor = HTTPVisitor(connection)
        connection.role = visitor
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = Limits.requestHeadBytes
        limits.maxHeaderListSize = Limits.requestHeadBytes
        let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits)
        do {
            try connection.addBehind([ByteToMessageHandler(decoder), RequestParts(visitor)])
        } catch {
            return connection.abort()
        }
        let engine = visitor.engine
        visitor.deadline = engine.after(engine.configuration.patience.requestHead) { [weak connection] in
            connection?.abort()
        }
        connection.read()
    }

    func received(_ bytes: ByteBuffer) {
        if api == nil {
            var copy = bytes
            raw.writeBuffer(&copy)
        }
        if method == nil { readMethod() } else { connection.forward(bytes) }
        if isCurrent, api == nil, raw.readableBytes > Limits.requestHeadBytes { headTooLarge() }
    }

    /// The decoder is shown a method that it knows. Only for CONNECT, the form of the target depends on it.
    private func readMethod() {
        switch RequestMethod.read(raw) {
        case .needMore: break
        case .malformed: malformed(HTTPParserError.invalidMethod)
        case .found(let method, var rest):
            self.method = method
            connection.wantsHeadOnly = method == .HEAD
            var shown = ByteBuffer(string: method == .CONNECT ? "CONNECT" : "GET")
            shown.writeBuffer(&rest)
            connection.forward(shown)
        }
    }

    // MARK: What the decoder found

    fileprivate func found(_ part: HTTPServerRequestPart) {
        guard isCurrent else { return }
        switch part {
        case .head(let head):
            guard api == nil else { return }
            deadline?.cancel()
            route(head)
        case .body(var bytes):
            api?.body.writeBuffer(&bytes)
            if let api, api.body.readableBytes > Limits.requestBodyBytes {
                HTTPAnswer.text(.payloadTooLarge, "The body is too large.").send(to: connection)
            }
        case .end:
            guard let api else { return }
            EngineAPI.answer(api.target, head: api.head, body: api.body, on: connection)
        }
    }

    fileprivate func malformed(_ error: any Error) {
        guard isCurrent else { return }
        deadline?.cancel()
        if case HTTPParserError.headerOverflow = error { return headTooLarge() }
        HTTPAnswer.text(.badRequest, "This is not an HTTP request.").send(to: connection)
    }

    private func headTooLarge() {
        deadline?.cancel()
        HTTPAnswer.text(.requestHeaderFieldsTooLarge, "The request head is too large.").send(to: connection)
    }

    // MARK: Where it goes

    private func route(_ head: HTTPRequestHead) {
        let target = RequestTarget(head, method: method ?? head.method)
        if let flaw = target.flaw { return HTTPAnswer.text(.badRequest, flaw).send(to: connection) }
        guard let host = target.host else {
            return HTTPAnswer.text(.notFound, "The request names no host.").send(to: connection)
        }
        if let tunnel = engine.tunnels.published(host), tunnel.kind == .http {
            if let refusal = refusal(of: target, by: tunnel) {
                engine.log("visitor refused", ["tunnel": tunnel.id, "status": String(refusal.status.code)])
                return refusal.send(to: connection)
            }
            let head = ForwardedHead(
                source: connection.source,
                host: target.authority ?? host,
                hidesToken: tunnel.properties.tokenAuth == true && engine.authentication != .none
            )
            let early = head.applied(to: raw)
            InboundStream.begin(tunnel: tunnel, visitor: connection, greeting: .http, early: early)
        } else if host.endsWithBytes(of: ".t.\(engine.configuration.host)") {
            HTTPAnswer.text(.notFound, "No tunnel is published at \(host).").send(to: connection)
        } else {
            raw.clear()
            api = (target, head, ByteBuffer())
            if head.headers.first(name: "expect")?.asciiLowercased == "100-continue" {
                connection.send(.responseHead(.continue, []))
            }
        }
    }

    /// What the tunnel's edge policies say about this visitor.
    private func refusal(of target: RequestTarget, by tunnel: Tunnel) -> HTTPAnswer? {
        if !tunnel.trusts(connection.source) {
            return .text(.forbidden, "Your address is not allowed here.")
        }
        if tunnel.properties.mtlsAuth == true {
            if !engine.tls.isRegistered(connection.peerCertificate) {
                return .text(.unauthorized, "A registered client certificate is needed here.")
            }
            // Two proofs of who somebody is could be of two people.
            if target.showsLogin {
                return .text(.unauthorized, "A client certificate and the cookie rstream_auth exclude each other here.")
            }
        }
        if tunnel.properties.tokenAuth == true, !engine.authentication.accepts(target.token(orQuery: true)) {
            var answer = HTTPAnswer.text(.unauthorized, "A token is needed here.")
            answer.headers = [("WWW-Authenticate", "Bearer")]
            return answer
        }
        return nil
    }

    // MARK: Other events

    func readCompleted() {
        if isCurrent { connection.read() }
    }

    func inputClosed() { connection.close() }

    func failed(_ error: any Error) { connection.abort() }

    func closed() { deadline?.cancel() }
}

/// The end of the decoder's pipeline: hands parts to the visitor, and stays behind without effect when the
/// connection has another role.
private final class RequestParts: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart

    private weak var visitor: HTTPVisitor?

    init(_ visitor: HTTPVisitor) { self.visitor = visitor }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        visitor?.found(unwrapInboundIn(data))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        visitor?.malformed(error)
    }
}

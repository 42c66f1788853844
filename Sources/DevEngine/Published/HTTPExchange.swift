import NIOCore
import NIOHTTP1
import RstreamModel
import RstreamWire

/// One request of a visitor, and its response.
///
/// The request is judged when its head is there: which tunnel it is for, and whether that one lets it in. It is then answered by
/// the engine itself, or carried to the service and back, with nothing held but what the slower side has not taken.
final class HTTPExchange: StreamVisitor {
    private enum State {
        /// Of the engine's own API, as far as the body has come.
        case asking(RequestTarget, ByteBuffer)
        /// For the agent's connection.
        case waiting(OfferedStream?)
        /// For the service to be spoken to.
        case preparing(Service)
        case carried(Service)
        /// The service has agreed to another protocol.
        case upgrading(Service)
        /// Answered by the engine, which may still be at it.
        case answering
        case over
    }

    private let request: HTTPRequestHead
    private let mayHaveBody: Bool
    private let handler: RequestHandler
    private let session: VisitorSession
    let engine: Engine
    private var state = State.answering
    /// What the service gets, and whose it is.
    private var forwarded: (head: HTTPRequestHead, tunnel: AgentTunnel)?
    /// Whether something of the body has gone out, which cannot be sent again.
    private var hasSentBody = false
    /// Whether all of the request was taken.
    private var hasEnded = false
    /// Whether a final response has begun.
    private(set) var hasAnswered = false
    private var hasBody = true
    private var stays = false
    /// Told when the visitor leaves an answer that has no end.
    private var left: (() -> Void)?

    /// `hasBody` says of a request whose head does not that something comes behind it, as HTTP/2 can.
    init(_ request: HTTPRequestHead, hasBody: Bool, handler: RequestHandler) {
        self.request = request
        mayHaveBody = hasBody
        self.handler = handler
        session = handler.session
        engine = handler.session.engine
    }

    var source: IPAddress? { session.connection.source }

    // MARK: Where it goes

    func begin() {
        let target = RequestTarget(request)
        if let flaw = target.flaw { return answer(.text(.badRequest, flaw)) }
        guard let host = target.host else { return answer(.text(.notFound, "The request names no host.")) }
        if let tunnel = engine.tunnels.published(host), tunnel.kind == .http {
            if let refusal = tunnel.refusal(of: target, in: session) {
                engine.log("visitor refused", ["tunnel": tunnel.id, "status": String(refusal.status.code)])
                return answer(refusal)
            }
            let rules = ForwardedHead(
                source: source,
                host: target.authority ?? host,
                hidesToken: tunnel.properties.tokenAuth == true && engine.authentication != .none
            )
            forwarded = (rules.applied(to: request, target: target, hasBody: mayHaveBody), tunnel)
            if let service = session.takeKept(for: tunnel) {
                state = .preparing(service)
                service.serve(self)
            } else {
                askAgent(of: tunnel)
            }
        } else if host.endsWithBytes(of: ".t.\(engine.configuration.host)") {
            answer(.text(.notFound, "No tunnel is published at \(host)."))
        } else {
            state = .asking(target, ByteBuffer())
            guard takesInterim, request.headers.first(name: "expect")?.asciiLowercased == "100-continue" else { return }
            inform(HTTPResponseHead(version: .http1_1, status: .continue))
        }
    }

    private func askAgent(of tunnel: AgentTunnel) {
        state = .waiting(nil)
        let stream = OfferedStream.begin(tunnel: tunnel, visitor: self, engine: engine)
        // Where it was refused at once, that has been answered.
        if let stream { state = .waiting(stream) }
    }

    func met(by agent: Connection, _ proxy: ProxyRequest, on stream: OfferedStream, early: ByteBuffer) {
        let service = Service(stream, agent: agent)
        state = .preparing(service)
        service.open(proxy, early: early, for: self)
    }

    func refused(_ error: EngineError) { answer(.badGateway("The stream failed: \(error)")) }

    // MARK: The request

    /// Whether more of the body can go somewhere.
    var takesBody: Bool {
        switch state {
        case .asking, .answering, .over: true
        case .waiting, .preparing, .upgrading: false
        case .carried(let service): service.isWritable
        }
    }

    func received(_ bytes: ByteBuffer) {
        switch state {
        case .asking(let target, var body):
            var bytes = bytes
            body.writeBuffer(&bytes)
            state = .asking(target, body)
            guard body.readableBytes > EngineLimits.requestBodyBytes else { return }
            answer(.text(.payloadTooLarge, "The body is too large."))
        case .carried(let service):
            hasSentBody = true
            service.write(.body(.byteBuffer(bytes)))
            service.flush()
        case .waiting, .preparing, .upgrading, .answering, .over: break
        }
    }

    func requestEnded(_ trailers: HTTPHeaders?) {
        hasEnded = true
        switch state {
        case .asking(let target, let body):
            state = .answering
            EngineAPI.answer(target, head: request, body: body, on: self)
        case .carried(let service):
            guard trailers.map(MessageHeaders.areValid) ?? true else {
                state = .over
                service.abort()
                return handler.abort()
            }
            service.write(.end(trailers))
            service.flush()
        case .waiting, .preparing, .upgrading, .answering, .over: break
        }
    }

    /// The visitor's direction has ended within the body: what came of it was delivered, and so is the end.
    func requestCutOff() {
        if case .carried(let service) = state { service.agent.finishOutput() }
    }

    // MARK: The service

    /// The service can be spoken to.
    func serviceIsReady(_ service: Service) {
        guard case .preparing(let expected) = state, expected === service, let forwarded else { return service.end() }
        state = .carried(service)
        service.write(.head(forwarded.head))
        // All of it was sent before, on a connection that had ended by then.
        if hasEnded { service.write(.end(nil)) }
        // What the visitor has sent already, so that a head with nothing behind it goes with its end.
        handler.resume()
        service.flush()
        service.read()
    }

    func serviceBecameWritable() { handler.resume() }

    func serviceSaid(_ part: HTTPClientResponsePart) {
        if case .carried(let service) = state, !part.isWritable { return service.failed("what it says is no HTTP") }
        switch (state, part) {
        case (.carried(let service), .head(let head)) where head.status == .switchingProtocols:
            guard forwarded?.head.headers.contains(name: "upgrade") == true else {
                return service.failed("it changes to another protocol unasked")
            }
            guard let name = MessageHeaders.upgrade(head.headers) else {
                return service.failed("it does not say to which protocol it changes")
            }
            var answer = HTTPResponseHead(
                version: .http1_1,
                status: head.status,
                headers: MessageHeaders.endToEnd(head.headers)
            )
            answer.headers.add(name: "Connection", value: "Upgrade")
            answer.headers.add(name: "Upgrade", value: name)
            inform(answer)
            hasAnswered = true
            state = .upgrading(service)
        case (.carried, .head(let head)) where head.status.code < 200:
            guard takesInterim else { return }
            inform(
                HTTPResponseHead(
                    version: .http1_1,
                    status: head.status.code == 103 ? .custom(code: 103, reasonPhrase: "Early Hints") : head.status,
                    headers: MessageHeaders.endToEnd(head.headers)
                )
            )
        case (.carried, .head(let head)):
            let response = MessageHeaders.Response(head, to: request)
            hasBody = response.hasBody
            respond(response.head, isDelimited: response.isDelimited)
        case (.carried, .body(let bytes)):
            if hasBody { handler.write(.body(.byteBuffer(bytes))) }
        case (.carried(let service), .end(let trailers)):
            state = .over
            service.release(isReusable: hasEnded, to: session)
            finish(trailers)
        case (.upgrading(let service), .end): upgrade(service)
        case (.asking, _), (.waiting, _), (.preparing, _), (.upgrading, _), (.answering, _), (.over, _): break
        }
    }

    /// Whether the visitor knows that something may come before the response (RFC 9110 §15.2).
    private var takesInterim: Bool { request.version != .http1_0 }

    /// Tells the visitor something before the response.
    private func inform(_ head: HTTPResponseHead) {
        handler.write(.head(head))
        handler.flush()
    }

    private func respond(_ head: HTTPResponseHead, isDelimited: Bool = true) {
        hasAnswered = true
        stays = handler.staysAfter(request) && isDelimited
        var head = head
        if request.version == .http1_0, stays { head.headers.add(name: "Connection", value: "keep-alive") }
        if request.version.major == 1, !stays { head.headers.add(name: "Connection", value: "close") }
        handler.write(.head(head))
    }

    private func finish(_ trailers: HTTPHeaders? = nil) {
        handler.finish(trailers, stays: stays)
    }

    func serviceSaidAllForNow() {
        handler.flush()
        if handler.isWritable, case .carried(let service) = state { service.read() }
    }

    /// The connection of the agent ended or broke before the response was whole.
    func serviceFailed(_ service: Service, _ trouble: String) {
        switch state {
        case .carried(let expected) where expected === service: break
        case .preparing(let expected) where expected === service: break
        case .asking, .waiting, .preparing, .carried, .upgrading, .answering, .over: return
        }
        guard !hasAnswered else { return cutOff() }
        // One that was kept may have been about to end, and has had no part in what it was sent (RFC 9110 §9.2.2).
        if service.isUsed, !hasSentBody, request.method.isIdempotent, let forwarded {
            return askAgent(of: forwarded.tunnel)
        }
        let error = EngineError(code: .serviceUnavailable, message: trouble)
        service.stream.log(error)
        refused(error)
    }

    /// The visitor is shown that there was more to come.
    func cutOff() {
        state = .over
        left?()
        left = nil
        handler.abort()
    }

    private func upgrade(_ service: Service) {
        state = .over
        let (connection, agent) = (session.connection, service.agent)
        handler.detach { toAgent, visitorEnded in
            service.detach { toVisitor, serviceEnded in
                guard connection.channel.isActive, agent.channel.isActive, !serviceEnded else {
                    connection.abort()
                    return agent.abort()
                }
                EngineRelay.start(
                    service.stream,
                    visitor: connection,
                    agent: agent,
                    early: EngineRelay.Early(
                        toAgent: toAgent,
                        toVisitor: toVisitor,
                        visitorEnded: visitorEnded,
                        isAnswered: true
                    ),
                    isNew: false
                )
            }
        }
    }

    // MARK: The visitor

    func visitorBecameWritable() {
        if case .carried(let service) = state { service.read() }
    }

    /// The visitor is gone, or what it is on is broken. One that has said all, and only did not wait, has done the service no
    /// harm: that one is not reset.
    func visitorBroke(hasSaidAll: Bool) {
        let last = state
        state = .over
        left?()
        left = nil
        switch last {
        case .waiting(let stream): stream?.leave()
        case .preparing(let service), .carried(let service), .upgrading(let service):
            if hasSaidAll, hasAnswered { service.end() } else { service.abort() }
        case .asking, .answering, .over: break
        }
    }

    // MARK: Answers of the engine itself

    func answer(_ answer: HTTPAnswer) {
        state = .over
        respond(answer.head)
        if request.method != .HEAD { handler.write(.body(.byteBuffer(ByteBuffer(string: answer.body)))) }
        finish()
    }

    /// Begins an answer that ends when the visitor leaves, which `left` is told.
    func stream(_ headers: [(String, String)], left: @escaping () -> Void) {
        self.left = left
        respond(HTTPResponseHead(version: .http1_1, status: .ok, headers: HTTPHeaders(headers)), isDelimited: false)
        handler.flush()
    }

    /// More of such an answer. Who does not take it is cut off.
    func push(_ text: String) {
        guard handler.unsent <= EngineLimits.writeBacklog else { return cutOff() }
        handler.push(ByteBuffer(string: text))
    }

    /// Hands the connection over as it is, if it is one of HTTP/1, with what is to be said on it first.
    func detach(saying head: HTTPResponseHead, _ then: @escaping (_ early: ByteBuffer) -> Void) {
        inform(head)
        state = .over
        handler.detach { early, _ in then(early) }
    }

    /// Whether the connection can be handed over.
    var canDetach: Bool { request.version.major == 1 }

    var connection: Connection { session.connection }

    var showsRegisteredCertificate: Bool { engine.tls.isRegistered(connection.peerCertificate) }
}

extension HTTPMethod {
    /// Whether it means the same when it comes twice (RFC 9110 §9.2.2).
    fileprivate var isIdempotent: Bool {
        switch self {
        case .GET, .HEAD, .OPTIONS, .TRACE, .PUT, .DELETE: true
        default: false
        }
    }
}

extension HTTPClientResponsePart {
    /// Whether it can be said in HTTP/1.1.
    fileprivate var isWritable: Bool {
        switch self {
        case .head(let head): MessageHeaders.areValid(head.headers)
        case .end(let trailers): trailers.map(MessageHeaders.areValid) ?? true
        case .body: true
        }
    }
}

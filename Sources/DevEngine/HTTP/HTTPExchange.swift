// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOHTTP1
import RstreamModel
import RstreamWire

/// One request of a visitor, and its response.
///
/// The request's head decides which tunnel it is for, and whether it is accepted. The engine then answers it itself, or
/// relays it to the service with back pressure.
final class HTTPExchange: StreamVisitor {
    private enum State {
        /// Reading a request to the engine's own API: the body so far.
        case asking(RequestTarget, ByteBuffer)
        /// Waiting for the agent's connection.
        case waiting(OfferedStream?)
        /// Waiting for the connection to the service to be set up.
        case preparing(ServiceConnection)
        case relayed(ServiceConnection)
        /// The service has switched protocols.
        case upgrading(ServiceConnection)
        /// The engine answers.
        case answering
        case over
    }

    private let request: HTTPRequestHead
    private let mayHaveBody: Bool
    private let handler: RequestHandler
    private let session: VisitorSession
    let engine: Engine
    private var state = State.answering
    /// The head for the service, and the tunnel.
    private var forwarded: (head: HTTPRequestHead, tunnel: AgentTunnel)?
    /// Whether part of the body was sent, so that the request cannot be repeated.
    private var hasSentBody = false
    /// Whether the whole request was received.
    private var hasEnded = false
    /// Whether a final response has begun.
    private(set) var hasAnswered = false
    private var hasBody = true
    private var stays = false
    /// Called when the visitor leaves an unlimited response.
    private var left: (() -> Void)?

    /// `hasBody` is whether a body may follow a head without a length, as in HTTP/2.
    init(_ request: HTTPRequestHead, hasBody: Bool, handler: RequestHandler) {
        self.request = request
        mayHaveBody = hasBody
        self.handler = handler
        session = handler.session
        engine = handler.session.engine
    }

    var source: IPAddress? { session.connection.source }

    // MARK: Routing

    func begin() {
        let target = RequestTarget(request)
        if let problem = target.problem { return answer(.text(.badRequest, problem)) }
        guard let host = target.host else { return answer(.text(.notFound, "The request has no host.")) }
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
            if let service = session.takeIdleService(for: tunnel) {
                state = .preparing(service)
                service.serve(self)
            } else {
                askAgent(of: tunnel)
            }
        } else if host.endsWithBytes(of: ".t.\(engine.configuration.host)") {
            answer(.text(.notFound, "No tunnel is published at \(host)."))
        } else {
            state = .asking(target, ByteBuffer())
            guard acceptsInterim, request.headers.first(name: "expect")?.asciiLowercased == "100-continue" else {
                return
            }
            inform(HTTPResponseHead(version: .http1_1, status: .continue))
        }
    }

    private func askAgent(of tunnel: AgentTunnel) {
        state = .waiting(nil)
        let stream = OfferedStream.begin(tunnel: tunnel, visitor: self, engine: engine)
        // If it was refused immediately, the visitor has been answered.
        if let stream { state = .waiting(stream) }
    }

    func agentConnected(_ agent: Connection, _ proxy: ProxyRequest, on stream: OfferedStream, early: ByteBuffer) {
        let service = ServiceConnection(stream, agent: agent)
        state = .preparing(service)
        service.open(proxy, early: early, for: self)
    }

    func refused(_ error: EngineError) { answer(.badGateway("The stream failed: \(error)")) }

    // MARK: The request

    /// Whether more of the body can be accepted.
    var takesBody: Bool {
        switch state {
        case .asking, .answering, .over: true
        case .waiting, .preparing, .upgrading: false
        case .relayed(let service): service.isWritable
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
        case .relayed(let service):
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
        case .relayed(let service):
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

    /// The visitor's input ended within the body: passes the end on after the bytes.
    func requestCutOff() {
        if case .relayed(let service) = state { service.agent.finishOutput() }
    }

    // MARK: The service

    /// The connection to the service is ready.
    func serviceIsReady(_ service: ServiceConnection) {
        guard case .preparing(let expected) = state, expected === service, let forwarded else { return service.end() }
        state = .relayed(service)
        service.write(.head(forwarded.head))
        // The request was sent before, on a connection that had ended.
        if hasEnded { service.write(.end(nil)) }
        // Sends what the visitor has sent so far, so that a head without a body is sent together with its end.
        handler.resume()
        service.flush()
        service.read()
    }

    func serviceBecameWritable() { handler.resume() }

    func serviceSent(_ part: HTTPClientResponsePart) {
        if case .relayed(let service) = state, !part.isWritable { return service.failed("invalid HTTP") }
        switch (state, part) {
        case (.relayed(let service), .head(let head)) where head.status == .switchingProtocols:
            guard forwarded?.head.headers.contains(name: "upgrade") == true else {
                return service.failed("it switched protocols without a request")
            }
            guard let name = MessageHeaders.upgrade(head.headers) else {
                return service.failed("it switched protocols without naming one")
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
        case (.relayed, .head(let head)) where head.status.code < 200:
            guard acceptsInterim else { return }
            inform(
                HTTPResponseHead(
                    version: .http1_1,
                    status: head.status.code == 103 ? .custom(code: 103, reasonPhrase: "Early Hints") : head.status,
                    headers: MessageHeaders.endToEnd(head.headers)
                )
            )
        case (.relayed, .head(let head)):
            let response = MessageHeaders.Response(head, to: request)
            hasBody = response.hasBody
            respond(response.head, isDelimited: response.isDelimited)
        case (.relayed, .body(let bytes)):
            if hasBody { handler.write(.body(.byteBuffer(bytes))) }
        case (.relayed(let service), .end(let trailers)):
            state = .over
            service.release(isReusable: hasEnded, to: session)
            finish(trailers)
        case (.upgrading(let service), .end): upgrade(service)
        case (.asking, _), (.waiting, _), (.preparing, _), (.upgrading, _), (.answering, _), (.over, _): break
        }
    }

    /// Whether the visitor understands informational responses (RFC 9110 §15.2).
    private var acceptsInterim: Bool { request.version != .http1_0 }

    /// Sends an informational response.
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

    func serviceReadCompleted() {
        handler.flush()
        if handler.isWritable, case .relayed(let service) = state { service.read() }
    }

    /// The agent's connection ended or failed before the response was complete.
    func serviceFailed(_ service: ServiceConnection, _ reason: String) {
        switch state {
        case .relayed(let expected) where expected === service: break
        case .preparing(let expected) where expected === service: break
        case .asking, .waiting, .preparing, .relayed, .upgrading, .answering, .over: return
        }
        guard !hasAnswered else { return cutOff() }
        // An idle connection may have been closing, and the service has not processed the request (RFC 9110 §9.2.2).
        if service.isUsed, !hasSentBody, request.method.isIdempotent, let forwarded {
            return askAgent(of: forwarded.tunnel)
        }
        let error = EngineError(code: .serviceUnavailable, message: reason)
        service.stream.log(error)
        refused(error)
    }

    /// Aborts the response, so that the visitor sees that it is incomplete.
    func cutOff() {
        state = .over
        left?()
        left = nil
        handler.abort()
    }

    private func upgrade(_ service: ServiceConnection) {
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
        if case .relayed(let service) = state { service.read() }
    }

    /// The visitor has left, or its connection or stream failed. If it had sent everything and did not wait for the whole
    /// response, the service is not reset.
    func visitorFailed(hasSentAll: Bool) {
        let last = state
        state = .over
        left?()
        left = nil
        switch last {
        case .waiting(let stream): stream?.leave()
        case .preparing(let service), .relayed(let service), .upgrading(let service):
            if hasSentAll, hasAnswered { service.end() } else { service.abort() }
        case .asking, .answering, .over: break
        }
    }

    // MARK: Responses of the engine itself

    func answer(_ answer: HTTPResponse) {
        state = .over
        respond(answer.head)
        if request.method != .HEAD { handler.write(.body(.byteBuffer(ByteBuffer(string: answer.body)))) }
        finish()
    }

    /// Starts a response that ends when the visitor leaves; then `left` is called.
    func stream(_ headers: [(String, String)], left: @escaping () -> Void) {
        self.left = left
        respond(HTTPResponseHead(version: .http1_1, status: .ok, headers: HTTPHeaders(headers)), isDelimited: false)
        handler.flush()
    }

    /// Sends more of such a response. A visitor that does not read is disconnected.
    func push(_ text: String) {
        guard handler.unsent <= EngineLimits.writeBacklog else { return cutOff() }
        handler.push(ByteBuffer(string: text))
    }

    /// Sends `head` and hands an HTTP/1 connection over.
    func detach(sending head: HTTPResponseHead, _ then: @escaping (_ early: ByteBuffer) -> Void) {
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
    /// Whether the method is idempotent (RFC 9110 §9.2.2).
    fileprivate var isIdempotent: Bool {
        switch self {
        case .GET, .HEAD, .OPTIONS, .TRACE, .PUT, .DELETE: true
        default: false
        }
    }
}

extension HTTPClientResponsePart {
    /// Whether it is valid in HTTP/1.1.
    fileprivate var isWritable: Bool {
        switch self {
        case .head(let head): MessageHeaders.areValid(head.headers)
        case .end(let trailers): trailers.map(MessageHeaders.areValid) ?? true
        case .body: true
        }
    }
}

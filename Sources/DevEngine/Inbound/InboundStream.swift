import NIOCore
import RstreamModel
import RstreamWire

/// A visitor whose agent was asked for a connection and has not brought it yet (PROTOCOL.md §6).
///
/// It is the role of the visitor's connection meanwhile, keeps what the visitor already says, and turns into a
/// ``Relay`` when the agent shows the stream's id and its one-time secret.
final class InboundStream: ConnectionRole {
    /// What a visitor is told besides bytes.
    enum Greeting {
        case none
        /// Errors are HTTP responses.
        case http
        /// Errors, and the success, are a StreamRsp.
        case streamResponse
    }

    let id = Identifiers.uuid()
    let tunnel: Tunnel
    let visitor: Connection
    private let secret: Secret?
    private let greeting: Greeting
    private var early: ByteBuffer
    private var visitorEnded = false
    private var deadline: Scheduled<Void>?
    private var engine: Engine { visitor.engine }
    /// Whether an error before the first byte can be an HTTP response.
    var speaksHTTP: Bool { if case .http = greeting { true } else { false } }

    private init(tunnel: Tunnel, visitor: Connection, secret: Secret?, greeting: Greeting, early: ByteBuffer) {
        self.tunnel = tunnel
        self.visitor = visitor
        self.secret = secret
        self.greeting = greeting
        self.early = early
    }

    /// Asks the tunnel's agent for a connection.
    static func begin(tunnel: Tunnel, visitor: Connection, greeting: Greeting, early: ByteBuffer) {
        let engine = visitor.engine
        let isSecret = !(engine.faults.take(.noSecret))
        let stream = InboundStream(
            tunnel: tunnel,
            visitor: visitor,
            secret: isSecret ? Secret(Identifiers.hex(digits: 32)) : nil,
            greeting: greeting,
            early: early
        )
        visitor.role = stream
        guard tunnel.isOpen, let owner = tunnel.owner else {
            return stream.fail(EngineError(code: .tunnelNotFound, message: "Tunnel not found."))
        }
        guard engine.waiting.count < Limits.waitingStreams else {
            return stream.fail(EngineError(code: .capacityExhausted, message: "Too many streams."))
        }
        engine.add(stream)
        stream.deadline = engine.after(engine.configuration.patience.inboundStream) { [weak stream] in
            stream?.refuse(EngineError(code: .serviceUnavailable, message: "The agent did not answer in time."))
        }
        stream.ask(owner)
        visitor.read()
    }

    private func ask(_ owner: ControlChannel) {
        var request = ProxyConnectionRequest(tunnelID: tunnel.id, streamID: id, secret: secret, source: visitor.source)
        if engine.faults.take(.noSource) { request.source = nil }
        if engine.faults.take(.unknownTunnelID) { request.tunnelID = Identifiers.uuid() }
        if engine.faults.take(.redirectMalformed) {
            request.proxyEndpoint = "https://not-an-address:99999/"
        } else if engine.faults.take(.redirectNoSecret) {
            request.proxyEndpoint = engine.redirectAddress
            request.secret = nil
        } else if engine.faults.take(.redirect) {
            request.proxyEndpoint = engine.redirectAddress
        }
        if engine.faults.take(.emptyStreamID) {
            var empty = request
            empty.streamID = ""
            owner.send(.proxyConnectionRequest(empty))
        }
        if engine.faults.take(.marksStreamID) {
            var hostile = request
            hostile.streamID = String(repeating: "\u{301}\u{323}", count: 16_000)
            for _ in 0..<20 { owner.send(.proxyConnectionRequest(hostile)) }
        }
        owner.send(.proxyConnectionRequest(request))
        if engine.faults.take(.duplicateStreamID) { owner.send(.proxyConnectionRequest(request)) }
    }

    // MARK: The agent's side

    /// Takes the connection an agent brings, if it belongs to a waiting stream.
    static func agentArrived(_ agent: Connection, _ request: ProxyRequest, early: ByteBuffer) {
        let engine = agent.engine
        engine.record(.proxyRequest(request))
        guard let stream = engine.waiting[request.streamID], stream.secret == request.details.token else {
            engine.log("agent connection refused", ["stream": request.streamID])
            let error = EngineError(code: .invalidStream, message: "Unknown stream or wrong secret.")
            return refuse(agent, request, with: .proxyResponse(error: error))
        }
        if engine.faults.take(.proxyReset) {
            agent.abort()
            return stream.refuse(EngineError(code: .serviceUnavailable, message: "The agent's connection was reset."))
        }
        if engine.faults.take(.proxyStall) {
            // Nothing is read, written or closed here until the visitor's time is up.
            agent.role = Stalled(agent)
            return
        }
        if let error = engine.faults.error(.proxyResponseError) {
            refuse(agent, request, with: .proxyResponse(error: error))
            return stream.refuse(error)
        }
        if engine.faults.take(.proxyWrongMessage) {
            refuse(agent, request, with: .heartbeat(Heartbeat()))
            return stream.refuse(EngineError(code: .internalError, message: "Injected by proxy-wrong-message."))
        }
        stream.relay(with: agent, request, early: early)
    }

    private static func refuse(_ agent: Connection, _ request: ProxyRequest, with answer: Message) {
        // An agent that does not wait for an answer would take it for payload.
        if request.zeroRTT != true { agent.send(.frame(answer)) }
        agent.dismiss()
    }

    private func relay(with agent: Connection, _ request: ProxyRequest, early agentEarly: ByteBuffer) {
        forget()
        let payload = early.readableBytes + agentEarly.readableBytes
        if tunnel.properties.upstreamTLS == true {
            do {
                if request.zeroRTT != true { agent.send(.frame(.proxyResponse(error: nil))) }
                try agent.startInnerTLS(engine.tls.upstream, name: tunnel.properties.hostname)
            } catch {
                agent.abort()
                return fail(EngineError(code: .internalError, message: "Upstream TLS could not be started."))
            }
        } else if request.zeroRTT != true {
            // One write on purpose: the agent must find the payload behind the answer (PROTOCOL.md §2).
            var answer = ByteBuffer.frame(.proxyResponse(error: nil))
            answer.writeBuffer(&early)
            early = answer
        }
        if case .streamResponse = greeting { visitor.write(.frame(.streamResponse(.connected(streamID: id)))) }
        let said = Relay.Early(
            toAgent: early,
            toVisitor: agentEarly,
            payload: payload,
            visitorEnded: visitorEnded
        )
        early = ByteBuffer()
        Relay.start(self, agent: agent, early: said, resetAfter: engine.faults.number(.payloadReset))
    }

    // MARK: The visitor's side

    /// Sends the visitor away; the agent's word, or ours, is what it is told.
    func refuse(_ error: EngineError) {
        guard engine.waiting[id] === self else { return }
        forget()
        fail(error)
    }

    /// Tells the visitor of it, in the way that it understands.
    func fail(_ error: EngineError) {
        log(error)
        switch greeting {
        case .none: visitor.close()
        case .http: HTTPAnswer.badGateway("The stream failed: \(error)").send(to: visitor)
        case .streamResponse:
            visitor.send(.frame(.streamResponse(.error(error))))
            visitor.dismiss()
        }
    }

    func log(_ error: EngineError) {
        engine.log("stream failed", ["tunnel": tunnel.id, "stream": id, "error": "\(error)"])
    }

    private func forget() {
        deadline?.cancel()
        engine.remove(self)
    }

    func received(_ bytes: ByteBuffer) {
        var bytes = bytes
        early.writeBuffer(&bytes)
    }

    func readCompleted() {
        if early.readableBytes < Limits.earlyBytes, !visitorEnded { visitor.read() }
    }

    func inputClosed() { visitorEnded = true }

    func failed(_ error: any Error) { visitor.abort() }

    func closed() {
        guard engine.waiting[id] === self else { return }
        forget()
        engine.log("visitor left", ["tunnel": tunnel.id, "stream": id])
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamModel
import RstreamWire

/// A visitor that waits for an agent's connection.
protocol StreamVisitor: AnyObject {
    /// Who connected.
    var source: IPAddress? { get }
    /// The agent has connected; `early` are the bytes behind its first frame.
    func agentConnected(_ agent: Connection, _ request: ProxyRequest, on stream: OfferedStream, early: ByteBuffer)
    /// The stream failed; the visitor gets the error of the agent or the engine.
    func refused(_ error: EngineError)
}

/// A stream that was offered to an agent, which has not connected for it yet (PROTOCOL.md §6).
///
/// It ends when the agent presents the stream's id and its one-time secret, rejects the stream, or does not answer in time.
final class OfferedStream {
    let id = Identifiers.uuid()
    let tunnel: AgentTunnel
    let engine: Engine
    private let secret: Secret?
    /// The waiting visitor; nil once the wait is over.
    private var visitor: (any StreamVisitor)?
    private var deadline: Scheduled<Void>?

    private init(tunnel: AgentTunnel, visitor: any StreamVisitor, engine: Engine, secret: Secret?) {
        self.tunnel = tunnel
        self.visitor = visitor
        self.engine = engine
        self.secret = secret
    }

    /// Requests a connection from the tunnel's agent. Nil if the visitor was refused immediately.
    @discardableResult
    static func begin(tunnel: AgentTunnel, visitor: any StreamVisitor, engine: Engine) -> OfferedStream? {
        let stream = OfferedStream(
            tunnel: tunnel,
            visitor: visitor,
            engine: engine,
            secret: engine.faults.take(.noSecret) ? nil : Secret(Identifiers.hex(digits: 32))
        )
        guard tunnel.isOpen, let owner = tunnel.owner else {
            stream.fail(EngineError(code: .tunnelNotFound, message: "Tunnel not found."))
            return nil
        }
        guard engine.offeredStreams.count < EngineLimits.waitingStreams else {
            stream.fail(EngineError(code: .capacityExhausted, message: "Too many streams."))
            return nil
        }
        engine.add(stream)
        stream.deadline = engine.after(engine.configuration.timeouts.inboundStream) { [weak stream] in
            stream?.refuse(EngineError(code: .serviceUnavailable, message: "The agent did not answer in time."))
        }
        stream.ask(owner, for: visitor.source)
        return stream
    }

    private func ask(_ owner: AgentSession, for source: IPAddress?) {
        var request = ProxyConnectionRequest(tunnelID: tunnel.id, streamID: id, secret: secret, source: source)
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

    /// Accepts an agent's connection if it belongs to a waiting stream.
    static func agentArrived(_ agent: Connection, _ request: ProxyRequest, early: ByteBuffer) {
        let engine = agent.engine
        engine.record(.proxyRequest(request))
        guard let stream = engine.offeredStreams[request.streamID], stream.secret == request.details.token else {
            engine.log("agent connection refused", ["stream": request.streamID])
            let error = EngineError(code: .invalidStream, message: "Unknown stream or wrong secret.")
            return refuse(agent, request, with: .proxyResponse(error: error))
        }
        if engine.faults.take(.proxyReset) {
            agent.abort()
            return stream.refuse(EngineError(code: .serviceUnavailable, message: "The agent's connection was reset."))
        }
        if engine.faults.take(.proxyStall) {
            // Nothing is read, written or closed here until the visitor's timeout.
            agent.role = StalledConnection(agent)
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
        stream.forget()?.agentConnected(agent, request, on: stream, early: early)
    }

    private static func refuse(_ agent: Connection, _ request: ProxyRequest, with answer: Message) {
        // An agent that does not wait for an answer would read it as payload.
        if request.zeroRTT != true { agent.send(.frame(answer)) }
        agent.lingeringClose()
    }

    // MARK: The visitor's side

    /// Refuses the visitor, if it still waits.
    func refuse(_ error: EngineError) {
        guard engine.offeredStreams[id] === self else { return }
        fail(error)
    }

    private func fail(_ error: EngineError) {
        log(error)
        forget()?.refused(error)
    }

    /// The visitor has left.
    func leave() {
        guard engine.offeredStreams[id] === self else { return }
        _ = forget()
        engine.log("visitor left", ["tunnel": tunnel.id, "stream": id])
    }

    /// Logs why a stream failed.
    func log(_ error: EngineError) {
        engine.log("stream failed", ["tunnel": tunnel.id, "stream": id, "error": "\(error)"])
    }

    /// Ends the wait and returns the visitor. Until then, the two retain each other.
    private func forget() -> (any StreamVisitor)? {
        deadline?.cancel()
        engine.remove(self)
        defer { visitor = nil }
        return visitor
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamModel
import RstreamWire

/// The role of a visitor whose bytes are relayed unchanged, until its agent has connected and an ``EngineRelay`` starts.
///
/// It buffers what the visitor sends meanwhile.
final class RawVisitor: ConnectionRole, StreamVisitor {
    private let connection: Connection
    /// Whether the visitor gets a StreamRsp with the result.
    private let awaitsResponse: Bool
    private var stream: OfferedStream?
    private var early: ByteBuffer
    private var hasEnded = false
    var source: IPAddress? { connection.source }

    private init(_ connection: Connection, awaitsResponse: Bool, early: ByteBuffer) {
        self.connection = connection
        self.awaitsResponse = awaitsResponse
        self.early = early
    }

    /// Offers this visitor to the tunnel's agent.
    static func begin(
        _ connection: Connection,
        of tunnel: AgentTunnel,
        awaitsResponse: Bool = false,
        early: ByteBuffer = ByteBuffer()
    ) {
        let visitor = RawVisitor(connection, awaitsResponse: awaitsResponse, early: early)
        connection.role = visitor
        visitor.stream = OfferedStream.begin(tunnel: tunnel, visitor: visitor, engine: connection.engine)
        if visitor.stream != nil { connection.read() }
    }

    func agentConnected(
        _ agent: Connection,
        _ request: ProxyRequest,
        on stream: OfferedStream,
        early agentEarly: ByteBuffer
    ) {
        let payload = early.readableBytes + agentEarly.readableBytes
        if stream.tunnel.properties.upstreamTLS == true {
            do {
                if request.zeroRTT != true { agent.send(.frame(.proxyResponse(error: nil))) }
                try agent.startInnerTLS(agent.engine.tls.upstream, name: stream.tunnel.properties.hostname)
            } catch {
                agent.abort()
                let error = EngineError(code: .internalError, message: "Upstream TLS could not be started.")
                stream.log(error)
                return refused(error)
            }
        } else if request.zeroRTT != true {
            // One write: the payload must follow the answer directly (PROTOCOL.md §2).
            var answer = ByteBuffer.frame(.proxyResponse(error: nil))
            answer.writeBuffer(&early)
            early = answer
        }
        if awaitsResponse { connection.write(.frame(.streamResponse(.connected(streamID: stream.id)))) }
        EngineRelay.start(
            stream,
            visitor: connection,
            agent: agent,
            early: EngineRelay.Early(
                toAgent: early,
                toVisitor: agentEarly,
                payload: payload,
                visitorEnded: hasEnded
            ),
            resetAfter: connection.engine.faults.number(.payloadReset)
        )
    }

    func refused(_ error: EngineError) {
        guard awaitsResponse else { return connection.close() }
        connection.send(.frame(.streamResponse(.error(error))))
        connection.lingeringClose()
    }

    func received(_ bytes: ByteBuffer) {
        var bytes = bytes
        early.writeBuffer(&bytes)
    }

    func readCompleted() {
        if early.readableBytes < EngineLimits.earlyBytes, !hasEnded { connection.read() }
    }

    func inputClosed() { hasEnded = true }

    func failed(_ error: any Error) { connection.abort() }

    func closed() { stream?.leave() }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamModel

/// A stream that is relayed on an agent's connection.
protocol RelayedStream: AnyObject {}

/// Relays bytes between a visitor and its agent's connection.
///
/// Each half reads only while the other one is writable, passes the end of its input on as a half-close, and resets
/// the other when it breaks. A relay is independent of tunnels and control channels and outlives both (PROTOCOL.md §13).
final class EngineRelay: RelayedStream {
    private let visitor: Half
    private let agent: Half
    private let engine: Engine
    private let stream: OfferedStream
    private var untilReset: Int?
    /// Whether anything was sent to the visitor.
    private var hasAnswered = false
    private var isOver = false

    /// One of the two connections, and which of its directions have ended.
    private final class Half {
        let connection: Connection
        /// The peer will send no more.
        var inputEnded = false
        /// The output is closed, and everything was sent before.
        var outputEnded = false

        init(_ connection: Connection) { self.connection = connection }
    }

    private init(_ stream: OfferedStream, visitor: Connection, agent: Connection, resetAfter: Int?) {
        self.stream = stream
        self.visitor = Half(visitor)
        self.agent = Half(agent)
        engine = agent.engine
        untilReset = resetAfter
    }

    /// Bytes that both sides sent before the relay started.
    struct Early {
        var toAgent: ByteBuffer
        var toVisitor: ByteBuffer
        /// How many of the bytes are payload; the rest is the engine's answer to the agent.
        var payload = 0
        var visitorEnded = false
        /// Whether the visitor has been answered already.
        var isAnswered = false
    }

    static func start(
        _ stream: OfferedStream,
        visitor: Connection,
        agent: Connection,
        early: Early,
        isNew: Bool = true,
        resetAfter: Int? = nil
    ) {
        let relay = EngineRelay(stream, visitor: visitor, agent: agent, resetAfter: resetAfter)
        visitor.role = Side(relay, from: relay.visitor, to: relay.agent)
        agent.role = Side(relay, from: relay.agent, to: relay.visitor)
        relay.hasAnswered = early.isAnswered
        visitor.engine.add(relay, isNew: isNew)
        if early.toAgent.readableBytes > 0 { agent.write(early.toAgent) }
        if early.toVisitor.readableBytes > 0 {
            visitor.write(early.toVisitor)
            relay.hasAnswered = true
        }
        agent.flush()
        visitor.flush()
        relay.count(early.payload)
        if early.visitorEnded { relay.inputEnded(relay.visitor, relay.agent) } else { visitor.read() }
        agent.read()
    }

    private func forward(_ bytes: ByteBuffer, to half: Half) {
        half.connection.write(bytes)
        if half === visitor { hasAnswered = true }
        count(bytes.readableBytes)
    }

    private func count(_ bytes: Int) {
        guard bytes > 0, let left = untilReset else { return }
        let rest = left - bytes
        untilReset = rest
        // The visitor is reset too: its response is incomplete.
        if rest <= 0 { abort() }
    }

    private func inputEnded(_ half: Half, _ other: Half) {
        guard !half.inputEnded, !isOver else { return }
        half.inputEnded = true
        other.connection.finishOutput { [self] isSent in
            guard isSent else { return failed(other, "connection broken") }
            other.outputEnded = true
            if visitor.outputEnded, agent.outputEnded { finish() }
        }
    }

    private func finish() {
        guard !isOver else { return }
        isOver = true
        engine.remove(self)
        visitor.connection.close()
        agent.connection.close()
    }

    private func abort() {
        guard !isOver else { return }
        isOver = true
        engine.remove(self)
        visitor.connection.abort()
        agent.connection.abort()
    }

    private func failed(_ half: Half, _ reason: String) {
        guard !isOver else { return }
        if half === visitor, half.inputEnded, hasAnswered { return visitorLeft() }
        if half === agent, !hasAnswered {
            stream.log(
                EngineError(code: .serviceUnavailable, message: "The connection to the service failed: \(reason).")
            )
        }
        abort()
    }

    /// A visitor that has sent everything and closed its socket resets the connection when it gets more bytes. That is no
    /// error of the service: its connection is not reset but closed in order, and its further bytes are discarded.
    private func visitorLeft() {
        guard !isOver else { return }
        isOver = true
        engine.remove(self)
        visitor.connection.abort()
        agent.connection.lingeringClose()
    }

    private func closed(_ half: Half, _ other: Half) {
        guard !isOver else { return }
        // With the output closed, NIO closes the whole channel at the end of the input, without an event. A broken
        // connection was reported as an error before.
        if half.outputEnded { return inputEnded(half, other) }
        // Both directions of this half were done; the other one may still have bytes on their way out.
        if half.inputEnded, other.inputEnded { return }
        failed(half, "connection closed")
    }

    /// The role of one half's connection.
    private final class Side: ConnectionRole {
        private let relay: EngineRelay
        private let half: Half
        private let other: Half

        init(_ relay: EngineRelay, from half: Half, to other: Half) {
            self.relay = relay
            self.half = half
            self.other = other
        }

        func received(_ bytes: ByteBuffer) { relay.forward(bytes, to: other) }

        func readCompleted() {
            other.connection.flush()
            if other.connection.isWritable, !half.inputEnded { half.connection.read() }
        }

        func becameWritable() {
            if !other.inputEnded { other.connection.read() }
        }

        func inputClosed() { relay.inputEnded(half, other) }

        func failed(_ error: any Error) {
            if half.inputEnded, half.outputEnded { return }
            relay.failed(half, ConnectionFailure.text(error))
        }

        func closed() { relay.closed(half, other) }
    }
}

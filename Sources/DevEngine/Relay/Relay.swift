import NIOCore

/// Bytes between a visitor and the connection its agent brought.
///
/// Each half reads only while the other one is writable, passes the end of its input on as a half-close, and resets
/// the other when it breaks. A relay knows nothing of tunnels and control channels and outlives both (PROTOCOL.md
/// §13).
final class Relay {
    private let visitor: Half
    private let agent: Half
    private let engine: Engine
    private var untilReset: Int?
    private var isOver = false

    /// One of the two connections, and how far its ends have come.
    private final class Half {
        let connection: Connection
        /// The peer will send no more.
        var inputEnded = false
        /// We will send no more, and all of it is on its way.
        var outputEnded = false

        init(_ connection: Connection) { self.connection = connection }
    }

    private init(visitor: Connection, agent: Connection, resetAfter: Int?) {
        self.visitor = Half(visitor)
        self.agent = Half(agent)
        engine = visitor.engine
        untilReset = resetAfter
    }

    static func start(
        visitor: Connection,
        agent: Connection,
        toAgent: ByteBuffer,
        toVisitor: ByteBuffer,
        visitorEnded: Bool,
        resetAfter: Int?
    ) {
        let relay = Relay(visitor: visitor, agent: agent, resetAfter: resetAfter)
        visitor.role = Side(relay, from: relay.visitor, to: relay.agent)
        agent.role = Side(relay, from: relay.agent, to: relay.visitor)
        visitor.engine.add(relay)
        if toAgent.readableBytes > 0 { agent.write(toAgent) }
        if toVisitor.readableBytes > 0 { visitor.write(toVisitor) }
        agent.flush()
        visitor.flush()
        if visitorEnded { relay.inputEnded(relay.visitor, relay.agent) } else { visitor.read() }
        agent.read()
    }

    private func moved(_ bytes: ByteBuffer, to half: Half) {
        half.connection.write(bytes)
        guard let left = untilReset else { return }
        let rest = left - bytes.readableBytes
        untilReset = rest
        // The visitor is told the same way: what it got is not all there was.
        if rest <= 0 { abort() }
    }

    private func inputEnded(_ half: Half, _ other: Half) {
        guard !half.inputEnded else { return }
        half.inputEnded = true
        other.connection.finishOutput { [self] isOnItsWay in
            guard isOnItsWay else { return abort() }
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

    private func closed(_ half: Half, _ other: Half) {
        guard !isOver else { return }
        // When our direction is closed already, NIO closes the whole channel on the peer's end of input, and says
        // nothing else. A broken connection was reported as an error before this.
        if half.outputEnded { return inputEnded(half, other) }
        // Both directions of this half were done; the other one may still have bytes on their way out.
        if half.inputEnded, other.inputEnded { return }
        abort()
    }

    /// The role of one half's connection.
    private final class Side: ConnectionRole {
        private let relay: Relay
        private let half: Half
        private let other: Half

        init(_ relay: Relay, from half: Half, to other: Half) {
            self.relay = relay
            self.half = half
            self.other = other
        }

        func received(_ bytes: ByteBuffer) { relay.moved(bytes, to: other) }

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
            relay.abort()
        }

        func closed() { relay.closed(half, other) }
    }
}

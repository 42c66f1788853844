import NIOCore
import RstreamModel

/// What is carried on a connection that an agent brought.
protocol CarriedStream: AnyObject {}

/// Bytes between a visitor and the connection its agent brought.
///
/// Each half reads only while the other one is writable, passes the end of its input on as a half-close, and resets
/// the other when it breaks. A relay asks nothing of tunnels and control channels and outlives both (PROTOCOL.md §13).
final class EngineRelay: CarriedStream {
    private let visitor: Half
    private let agent: Half
    private let engine: Engine
    private let stream: OfferedStream
    private var untilReset: Int?
    /// Whether the visitor was sent anything.
    private var hasAnswered = false
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

    private init(_ stream: OfferedStream, visitor: Connection, agent: Connection, resetAfter: Int?) {
        self.stream = stream
        self.visitor = Half(visitor)
        self.agent = Half(agent)
        engine = agent.engine
        untilReset = resetAfter
    }

    /// What both sides said before there was a relay.
    struct Early {
        var toAgent: ByteBuffer
        var toVisitor: ByteBuffer
        /// Bytes of theirs in it; the rest is the engine's own answer to the agent.
        var payload = 0
        var visitorEnded = false
        /// Whether the visitor has an answer already.
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

    private func moved(_ bytes: ByteBuffer, to half: Half) {
        half.connection.write(bytes)
        if half === visitor { hasAnswered = true }
        count(bytes.readableBytes)
    }

    private func count(_ bytes: Int) {
        guard bytes > 0, let left = untilReset else { return }
        let rest = left - bytes
        untilReset = rest
        // The visitor is told the same way: what it got is not all there was.
        if rest <= 0 { abort() }
    }

    private func inputEnded(_ half: Half, _ other: Half) {
        guard !half.inputEnded, !isOver else { return }
        half.inputEnded = true
        other.connection.finishOutput { [self] isOnItsWay in
            guard isOnItsWay else { return broke(other, "connection broken") }
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

    private func broke(_ half: Half, _ trouble: String) {
        guard !isOver else { return }
        if half === visitor, half.inputEnded, hasAnswered { return visitorLeft() }
        if half === agent, !hasAnswered {
            stream.log(EngineError(code: .serviceUnavailable, message: "The way to the service broke: \(trouble)."))
        }
        abort()
    }

    /// A visitor that said all it had to and left answers every further byte with a reset. The service has done nothing
    /// wrong and is not reset for it: what it still says goes nowhere, and its connection ends in order.
    private func visitorLeft() {
        guard !isOver else { return }
        isOver = true
        engine.remove(self)
        visitor.connection.abort()
        agent.connection.dismiss()
    }

    private func closed(_ half: Half, _ other: Half) {
        guard !isOver else { return }
        // When our direction is closed already, NIO closes the whole channel on the peer's end of input, and says
        // nothing else. A broken connection was reported as an error before this.
        if half.outputEnded { return inputEnded(half, other) }
        // Both directions of this half were done; the other one may still have bytes on their way out.
        if half.inputEnded, other.inputEnded { return }
        broke(half, "connection closed")
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
            relay.broke(half, ConnectionFailure.words(error))
        }

        func closed() { relay.closed(half, other) }
    }
}

import NIOCore

/// What a connection is for, at this moment. A connection has one role at a time and may be given another, which is
/// how a visitor's connection becomes one half of a relay without handlers being moved under running bytes.
///
/// Nothing is read unless a role asks for it with ``Connection/read()``.
protocol ConnectionRole: AnyObject {
    /// Bytes arrived.
    func received(_ bytes: ByteBuffer)
    /// Everything of one read was handed over; the moment to flush and to ask for more.
    func readCompleted()
    /// The peer will send no more; writing is still possible.
    func inputClosed()
    /// What was written before has drained.
    func becameWritable()
    /// The connection is broken: reset, or cut off in the middle of TLS. ``closed()`` follows.
    func failed(_ error: any Error)
    /// The connection is gone.
    func closed()
}

extension ConnectionRole {
    func becameWritable() {}
}

/// The role of a connection nobody waits for any more: what still arrives is thrown away.
///
/// The output is closed in order and the input drained for a moment, because closing a socket with unread bytes in it
/// resets it, and the peer would lose the answer it was just sent.
final class Farewell: ConnectionRole {
    private static let patience = TimeAmount.seconds(2)
    private let connection: Connection

    init(_ connection: Connection) {
        self.connection = connection
        connection.finishOutput()
        connection.read()
        connection.engine.after(Self.patience) { [connection] in connection.abort() }
    }

    func received(_ bytes: ByteBuffer) {}

    func readCompleted() { connection.read() }

    func inputClosed() { connection.close() }

    func failed(_ error: any Error) { connection.abort() }

    func closed() {}
}

/// The role of a connection that is left to itself: nothing is read, written or answered (fault `proxy-stall`).
final class Stalled: ConnectionRole {
    private let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    func received(_ bytes: ByteBuffer) {}
    func readCompleted() {}
    func inputClosed() { connection.close() }
    func failed(_ error: any Error) { connection.abort() }
    func closed() {}
}

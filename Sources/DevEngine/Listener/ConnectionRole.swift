// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore

/// What a connection is used for now. A connection has one role at a time and may change it: so a visitor's connection
/// becomes one half of a relay without moving handlers while bytes arrive.
///
/// Nothing is read unless a role asks for it with ``Connection/read()``.
protocol ConnectionRole: AnyObject {
    /// Bytes arrived.
    func received(_ bytes: ByteBuffer)
    /// All bytes of one read were passed on; the role flushes, and may read again.
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

/// The role of a connection that is being closed: the output is closed, and input is read and discarded for a moment.
///
/// Closing a socket with unread input resets it, and the peer would lose the answer that was just sent.
final class LingeringClose: ConnectionRole {
    private let connection: Connection

    init(_ connection: Connection) {
        self.connection = connection
        connection.finishOutput()
        connection.read()
        let engine = connection.engine
        engine.after(engine.configuration.timeouts.goodbye) { [weak connection] in connection?.abort() }
    }

    func received(_ bytes: ByteBuffer) {}

    func readCompleted() { connection.read() }

    func inputClosed() { connection.close() }

    func failed(_ error: any Error) { connection.abort() }

    func closed() {}
}

/// The role of a connection on which nothing is read, written or answered (fault `proxy-stall`).
final class StalledConnection: ConnectionRole {
    private let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    func received(_ bytes: ByteBuffer) {}
    func readCompleted() {}
    func inputClosed() { connection.close() }
    func failed(_ error: any Error) { connection.abort() }
    func closed() {}
}

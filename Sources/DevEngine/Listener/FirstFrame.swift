// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamWire

/// The role of an agent's or dialer's connection until its first frame shows its purpose (PROTOCOL.md §1).
final class FirstFrame: ConnectionRole {
    private let connection: Connection
    private let isRedirect: Bool
    private var reader = FrameReader()
    private var deadline: Scheduled<Void>?

    private init(_ connection: Connection, isRedirect: Bool) {
        self.connection = connection
        self.isRedirect = isRedirect
    }

    static func begin(_ connection: Connection, isRedirect: Bool) {
        let role = FirstFrame(connection, isRedirect: isRedirect)
        connection.role = role
        let engine = connection.engine
        role.deadline = engine.after(engine.configuration.timeouts.firstFrame) { [weak connection] in
            connection?.close()
        }
        connection.read()
    }

    func received(_ bytes: ByteBuffer) {
        var bytes = bytes
        reader.append(&bytes)
        do throws(FrameError) {
            guard let message = try reader.next() else { return }
            deadline?.cancel()
            dispatch(message)
        } catch {
            deadline?.cancel()
            connection.engine.log("first frame refused", ["reason": "\(error)", "source": connection.sourceText])
            connection.close()
        }
    }

    private func dispatch(_ message: Message) {
        switch message {
        case .proxyRequest(let request):
            OfferedStream.agentArrived(connection, request, early: reader.takeRemaining())
        case .openControlChannelRequest(let request) where !isRedirect:
            AgentSession.open(connection, request, reader: reader)
        case .streamRequest(let request) where !isRedirect:
            PrivateDial.begin(connection, request, early: reader.takeRemaining())
        default:
            connection.engine.log("first frame refused", ["kind": message.kind, "source": connection.sourceText])
            connection.close()
        }
    }

    func readCompleted() {
        if connection.role === self { connection.read() }
    }

    // A port probe; not worth a log line.
    func inputClosed() { connection.close() }

    func failed(_ error: any Error) { connection.abort() }

    func closed() { deadline?.cancel() }
}

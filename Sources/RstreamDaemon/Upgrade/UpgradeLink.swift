// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import Synchronization

/// One end of the connection between a daemon and the program that takes over from it.
///
/// Sends in the order of calls and receives, each on a thread of its own: neither end delays the other's event loops. The
/// events end with ``Event/ended``. Immutable but for a counter.
final class UpgradeLink: Sendable {
    enum Event: Sendable {
        /// The descriptors belong to the receiver.
        case message(UpgradeMessage, [CInt])
        /// Nothing that is understood; more may follow.
        case failure(UpgradeFailure)
        case ended
    }

    private let socket: RecordSocket
    private let sending = BlockingThreads(most: 1)
    private let receiving = BlockingThreads(most: 1)
    private let waiting = Atomic(0)

    init(_ socket: RecordSocket) { self.socket = socket }

    /// For systemd, which keeps a copy.
    var descriptor: CInt { socket.descriptor }

    /// Whether nothing waits to be sent.
    var isIdle: Bool { waiting.load(ordering: .relaxed) == 0 }

    /// Calls `take` with each event, on a thread that may block, until the end.
    func receive(_ take: @escaping @Sendable (Event) -> Void) {
        receiving.submit { [socket] in
            while let record = try? socket.receive() {
                do throws(UpgradeFailure) {
                    take(.message(try UpgradeMessage(record: record.bytes), record.descriptors))
                } catch {
                    for descriptor in record.descriptors { close(descriptor) }
                    take(.failure(error))
                }
            }
            take(.ended)
        }
    }

    /// Sends a message with copies of `descriptors`, which are closed here afterwards. A failure shows as the end of what
    /// is received.
    func send(_ message: UpgradeMessage, _ descriptors: [CInt] = []) {
        waiting.add(1, ordering: .relaxed)
        sending.submit { [self] in
            let isSent = (try? socket.send(try message.record, descriptors)) != nil
            if !isSent { socket.end() }
            for descriptor in descriptors { close(descriptor) }
            waiting.subtract(1, ordering: .relaxed)
        }
    }

    /// Waits until everything so far is sent.
    func flush() async { await sending.run {} }

    /// Ends the connection once everything so far is sent.
    func hangUp() { sending.submit { [socket] in socket.end() } }

    /// Ends the connection now.
    func end() { socket.end() }
}

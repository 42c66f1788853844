// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import CLinux
internal import Glibc

/// One end of a connection between two processes that carries records, each whole and with open descriptors if need be
/// (`SOCK_SEQPACKET`, `SCM_RIGHTS`).
///
/// Sending and receiving may block; ``end()`` ends both from any thread. The descriptor is closed with the last
/// reference, so that no call uses a number that means another file by then.
package final class RecordSocket: Sendable {
    /// Bytes of a record.
    package static let longest = 64 * 1_024
    /// Descriptors of a record.
    package static let mostDescriptors = Int(RSTREAM_MOST_DESCRIPTORS)

    /// What arrives in one piece. The descriptors belong to the receiver.
    package struct Record: Sendable {
        package let bytes: [UInt8]
        package let descriptors: [CInt]
    }

    package let descriptor: CInt

    /// Takes over a descriptor; nil when it is not a socket of this kind.
    package init?(taking descriptor: CInt) {
        var (type, length): (CInt, socklen_t) = (0, socklen_t(MemoryLayout<CInt>.size))
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0,
            type == CInt(SOCK_SEQPACKET.rawValue), fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0
        else {
            return nil
        }
        self.descriptor = descriptor
    }

    private init(owned descriptor: CInt) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Two connected ends.
    package static func makePair() throws(SystemError) -> (RecordSocket, RecordSocket) {
        var ends: [CInt] = [-1, -1]
        guard unsafe rstream_open_record_pair(&ends) == 0 else { throw SystemError("socketpair", errno) }
        return (RecordSocket(owned: ends[0]), RecordSocket(owned: ends[1]))
    }

    /// Sends a record with copies of descriptors, and waits while the other end does not read.
    package func send(_ bytes: [UInt8], _ descriptors: [CInt] = []) throws(SystemError) {
        MayBlock.now("sendmsg")
        let sent = unsafe rstream_send_record(descriptor, bytes, bytes.count, descriptors, CInt(descriptors.count))
        guard sent == bytes.count else { throw SystemError("sendmsg", sent < 0 ? errno : EMSGSIZE) }
    }

    /// Waits for a record; nil at the end.
    package func receive() throws(SystemError) -> Record? {
        MayBlock.now("recvmsg")
        var bytes = [UInt8](repeating: 0, count: Self.longest)
        var descriptors = [CInt](repeating: -1, count: Self.mostDescriptors)
        var count: CInt = 0
        let received = unsafe rstream_receive_record(descriptor, &bytes, bytes.count, &descriptors, &count)
        guard received >= 0 else { throw SystemError("recvmsg", errno) }
        guard received > 0 else { return nil }
        return Record(bytes: Array(bytes[..<received]), descriptors: Array(descriptors[..<Int(count)]))
    }

    /// Whether the other end is closed.
    package var isEnded: Bool {
        var asked = pollfd(fd: descriptor, events: 0, revents: 0)
        return unsafe poll(&asked, 1, 0) > 0 && asked.revents & Int16(POLLHUP) != 0
    }

    /// Ends the connection in both directions: calls that wait return.
    package func end() { shutdown(descriptor, CInt(SHUT_RDWR)) }
}

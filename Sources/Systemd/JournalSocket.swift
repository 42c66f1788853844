// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

// Its headers come with sockets of their own, which hide those of glibc from a file that does not import them.
internal import CSystemd
internal import Glibc

/// Where journald takes entries.
///
/// libsystemd's `sd_journal_sendv` reports success when there is no journal, so that the line could not be written
/// elsewhere.
package struct JournalSocket: Sendable {
    /// journald's socket; a unit with `LogNamespace=` finds its own journal there.
    package static let standardPath = "/run/systemd/journal/socket"

    /// Negative when the kernel gave none. It lives as long as the process, as standard error does.
    private let descriptor: Int32
    private let path: [UInt8]

    /// An unconnected socket: journald may be restarted.
    package init(path: String = standardPath) {
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        self.path = Array(path.utf8)
    }

    /// Sends an entry, and waits while journald's queue is full. False when there is no journal, or when it is larger
    /// than the kernel's limit for one datagram, about 200 KiB.
    package func send(_ entry: JournalEntry) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // The last byte ends the path.
        guard descriptor >= 0, path.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                while true {
                    let length = socklen_t(MemoryLayout<sockaddr_un>.size)
                    let sent = unsafe sendto(
                        descriptor,
                        entry.bytes,
                        entry.bytes.count,
                        Int32(MSG_NOSIGNAL),
                        address,
                        length
                    )
                    if sent < 0, errno == EINTR { continue }
                    return sent == entry.bytes.count
                }
            }
        }
    }

    /// Gives the descriptor back; nothing can be sent after it.
    package func close() {
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
    }
}

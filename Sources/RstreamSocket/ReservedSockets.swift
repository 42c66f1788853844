// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
package import NIOCore
internal import Synchronization

/// Listening sockets of this process that no tunnel may lead to, by whatever name a tunnel calls them: the daemon's own
/// admin socket controls it, and the permissions of that socket's file do not keep the daemon itself out.
///
/// A socket in the file system is known by its file, so another path, a second name or a link makes no difference; one
/// in the abstract name space by its name. Guarded by a mutex.
package final class ReservedSockets: Sendable {
    fileprivate enum Entry: Hashable {
        case file(FileStatus.Identity)
        case abstract([UInt8])
    }

    /// Keeps sockets reserved for as long as it is there.
    package final class Reservation: Sendable {
        private let sockets: ReservedSockets
        private let entry: Entry

        fileprivate init(_ sockets: ReservedSockets, _ entry: Entry) {
            (self.sockets, self.entry) = (sockets, entry)
            sockets.entries.withLock { $0[entry, default: 0] += 1 }
        }

        deinit {
            sockets.entries.withLock { entries in
                if let count = entries[entry] { entries[entry] = count > 1 ? count - 1 : nil }
            }
        }
    }

    /// How many reservations each has.
    private let entries = Lock<[Entry: Int]>([:])

    package init() {}

    /// Reserves a socket that is about to be published.
    package func reserve(_ file: SocketFile) -> Reservation {
        Reservation(self, .file(file.identity))
    }

    /// Reserves the socket that has this file.
    package func reserve(_ file: FileStatus.Identity) -> Reservation {
        Reservation(self, .file(file))
    }

    /// Reserves what has this path now, if that is a socket.
    package func reserve(path: String) -> Reservation? {
        MayBlock.now("looking at a socket's file")
        guard let status = FileStatus(path), status.kind == .socket else { return nil }
        return Reservation(self, .file(status.identity))
    }

    /// Reserves a bound socket by the name that the kernel knows; nil when it has none, or none any more.
    package func reserve(bound socket: NIOBSDSocket.Handle) -> Reservation? {
        guard let name = UnixSocket.name(of: socket) else { return nil }
        guard name.first == 0 else { return reserve(path: String(decoding: name, as: UTF8.self)) }
        return Reservation(self, .abstract(Array(name.dropFirst())))
    }

    func contains(_ file: FileStatus.Identity) -> Bool {
        entries.withLock { $0[.file(file)] != nil }
    }

    func contains(abstract name: String) -> Bool {
        entries.withLock { $0[.abstract(Array(name.utf8))] != nil }
    }
}

extension ReservedSockets: Hashable {
    package static func == (left: ReservedSockets, right: ReservedSockets) -> Bool { left === right }

    package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

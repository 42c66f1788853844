// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import RstreamModel

/// Whose Unix sockets may be upstreams (contract §3.3).
///
/// The daemon may connect to sockets that the author of a tunnel file may not; without this rule a tunnel file would be
/// a way around file permissions. A socket in the file system belongs to the owner of its file, an abstract one to the
/// user whose process listens.
package struct UnixSocketRule: Hashable, Sendable {
    private let owners: Set<UInt32>
    private let directories: Set<ByteKey>
    /// Sockets that are never dialed.
    let reserved: ReservedSockets?

    /// Permits sockets of `owners`, and every socket directly in one of `directories`, given as absolute paths; but
    /// none of those that are `reserved`.
    package init(owners: Set<UInt32>, directories: [String], reserved: ReservedSockets? = nil) {
        self.owners = owners
        self.reserved = reserved
        self.directories = Set(
            directories.map { path in
                let isMarked = path.utf8.count > 1 && path.endsWithBytes(of: "/")
                return ByteKey(isMarked ? String(decoding: path.utf8.dropLast(), as: UTF8.self) : path)
            }
        )
    }

    /// Permits sockets of root, of this process's user and of the members of `group`, if there is such a group. Looking
    /// them up may block.
    package init(group: String, directories: [String], reserved: ReservedSockets? = nil) {
        let owners = Accounts.members(ofGroup: group).union([0, geteuid()])
        self.init(owners: owners, directories: directories, reserved: reserved)
    }

    func permits(owner: UInt32) -> Bool {
        owners.contains(owner)
    }

    /// Whether whatever socket is at `path` is permitted, because its directory is listed.
    func lists(_ path: String) -> Bool {
        guard let slash = path.lastIndex(ofByte: "/"),
            !path.split(byte: "/").contains(where: { $0.sameBytes(as: "..") })
        else { return false }
        return directories.contains(ByteKey(slash == path.startIndex ? "/" : String(path[..<slash])))
    }
}

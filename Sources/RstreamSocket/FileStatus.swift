// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc

/// What the kernel says of a file: which one it is, of what kind, whose, and who may do what with it.
package struct FileStatus: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case regular
        case directory
        case link
        case socket
        case other
    }

    /// Which file it is, whatever names it has. Another file may get the same one when the last name and the last
    /// descriptor of this one are gone.
    package struct Identity: Hashable, Sendable {
        package let device: UInt
        package let node: UInt

        package init(device: UInt, node: UInt) { (self.device, self.node) = (device, node) }
    }

    package let identity: Identity
    package let kind: Kind
    package let owner: UInt32
    /// Who may read, write and execute or search it.
    package let permissions: UInt32

    /// Nil when the kernel does not tell.
    package init?(of descriptor: CInt) {
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }

    /// What the name stands for from `directory` on, by default from the working directory; a link is not followed. Nil
    /// when that cannot be known, or is nothing.
    package init?(_ name: String, in directory: CInt? = nil) {
        var status = stat()
        guard fstatat(directory ?? AT_FDCWD, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        self.init(status)
    }

    private init(_ status: stat) {
        identity = Identity(device: UInt(status.st_dev), node: UInt(status.st_ino))
        owner = status.st_uid
        permissions = status.st_mode & 0o777
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .directory
            case S_IFLNK: .link
            case S_IFSOCK: .socket
            default: .other
            }
    }

    /// Whether a user who is neither its owner nor root may change it.
    package var isWritableByOthers: Bool { permissions & 0o022 != 0 }
}

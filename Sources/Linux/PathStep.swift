// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// A folder or link on the way to a file, or the file itself. Its owner and mode say who could have changed what was
/// read.
package struct PathStep: Hashable, Sendable {
    /// What was passed.
    package enum Kind: Hashable, Sendable {
        case folder
        case link
        case file
    }

    /// What it is.
    package let kind: Kind
    /// Where it is, for people; folders that links led to are under their own names.
    package let path: String
    /// The user it belongs to.
    package let owner: UInt32
    /// The group it belongs to.
    package let group: UInt32
    /// Its permission bits.
    package let mode: UInt32

    /// What was found at `path`.
    package init(_ kind: Kind, path: String, owner: UInt32, group: UInt32, mode: UInt32) {
        self.kind = kind
        self.path = path
        self.owner = owner
        self.group = group
        self.mode = mode
    }

    /// Whether only the owner of an entry may rename or remove it, as in `/tmp`.
    package var isSticky: Bool { kind == .folder && mode & 0o1000 != 0 }

    /// Whether a user of these groups may read a file, or go through a folder.
    package func admits(user: UInt32, groups: Set<UInt32>) -> Bool {
        guard kind != .link, user != 0 else { return true }
        let wanted: UInt32 = kind == .folder ? 0o1 : 0o4
        let shift: UInt32 = user == owner ? 6 : groups.contains(group) ? 3 : 0
        return mode >> shift & wanted != 0
    }
}

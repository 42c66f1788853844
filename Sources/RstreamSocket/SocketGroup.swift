// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux

/// The group of this host that a socket's file is to be given to.
package enum SocketGroup: Hashable, Sendable {
    /// This process may give its sockets to it.
    case usable(UInt32)
    /// This process is not in it. Only a file's owner may change its group, and only to a group that the owner is in.
    case foreign
    /// No group has that name.
    case unknown

    /// Looks a group up, which a directory service may know: for ``BlockingThreads/accounts``.
    package init(named name: String) {
        guard let group = Accounts.group(name) else {
            self = .unknown
            return
        }
        self = geteuid() == 0 || ProcessUser.current.groups.contains(group) ? .usable(group) : .foreign
    }

    /// What the socket is given to; nil where it keeps the group that it has.
    package var id: UInt32? {
        switch self {
        case .usable(let group): group
        case .foreign, .unknown: nil
        }
    }
}

package import Glibc
internal import Linux

/// A group that a socket in the file system is to be given to, as this host has it.
package enum SocketGroup: Hashable, Sendable {
    /// This process may give its sockets to it.
    case usable(gid_t)
    /// This process is not in it; a file's owner may give it to a group that the owner is in, and nobody else may.
    case foreign
    /// There is none of that name.
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
    package var id: gid_t? {
        switch self {
        case .usable(let group): group
        case .foreign, .unknown: nil
        }
    }
}

internal import Glibc

extension PathStep {
    /// Why a file keeps no secret.
    package enum Exposure: Hashable, Sendable {
        /// Others than its owner and a group of this process may read or write it.
        case others
        /// The same, and nobody can mend it there: the file system is mounted to be read only, as Kubernetes mounts
        /// secrets.
        case readOnlyMount
    }

    /// Why this file keeps no secret; nil where it does. Its owner alone may read and write it; where that is root, one of
    /// `groups` may read it too, so that root can hand a secret to a service without giving it away.
    package func exposure(groups: Set<UInt32>, isReadOnlyMount: Bool) -> Exposure? {
        if mode & 0o077 == 0 { return nil }
        if owner == 0, mode & 0o037 == 0, groups.contains(group) { return nil }
        return isReadOnlyMount ? .readOnlyMount : .others
    }

    /// The same for a file as it lies on this host, and for this process.
    package func exposure() -> Exposure? {
        var mount = statvfs()
        let isReadOnly = statvfs(path, &mount) == 0 && mount.f_flag & UInt(ST_RDONLY) != 0
        return exposure(groups: Self.ownGroups, isReadOnlyMount: isReadOnly)
    }

    private static var ownGroups: Set<UInt32> {
        let count = getgroups(0, nil)
        var groups = [gid_t](repeating: 0, count: max(Int(count), 0))
        let found = groups.withUnsafeMutableBufferPointer { getgroups(count, $0.baseAddress) }
        return Set(groups.prefix(max(Int(found), 0))).union([getegid()])
    }
}

extension PathStep.Exposure {
    /// What to do about a file at `path`.
    package func fix(_ path: String) -> String {
        switch self {
        case .others: "chmod 600 \(path)"
        case .readOnlyMount:
            "where it is mounted read-only, in Kubernetes, set defaultMode: 0400 at the secret's volume"
        }
    }
}

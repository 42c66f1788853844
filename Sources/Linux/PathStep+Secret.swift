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

    /// The same for a file as it lies on this host, and for this process. What root checks is for the daemon to read.
    package func exposure() -> Exposure? {
        var mount = statvfs()
        let isReadOnly = unsafe statvfs(path, &mount) == 0 && mount.f_flag & UInt(ST_RDONLY) != 0
        let exposure = exposure(groups: ProcessUser.ownGroups, isReadOnlyMount: isReadOnly)
        guard exposure != nil, geteuid() == 0 else { return exposure }
        return self.exposure(groups: IntendedReader.process.groups, isReadOnlyMount: isReadOnly)
    }
}

extension PathStep.Exposure {
    /// What to do about a file at `path` that `reader` has to read and that belongs to `owner`: one that it does not own is
    /// of no use to it once nobody else may read it.
    package func fix(_ path: String, owner: UInt32, reader: IntendedReader) -> String {
        switch self {
        case .others where owner == reader.user: "chmod 600 \(path)"
        case .others: "\(reader.taking(path)), or hand it over with systemd's LoadCredential="
        case .readOnlyMount:
            "where it is mounted read-only, in Kubernetes, set defaultMode: 0400 at the secret's volume"
        }
    }
}

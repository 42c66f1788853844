// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import RstreamModel

extension PathStep {
    /// Why a file does not protect a secret.
    package enum Exposure: Hashable, Sendable {
        /// Others than its owner and a group of this process may read or write it.
        case others
        /// The same, on a file system that is mounted read-only, as Kubernetes mounts secrets: its mode cannot be
        /// changed.
        case readOnlyMount
    }

    /// Why this file does not protect a secret; nil when it does. Its owner alone may read and write it; where that is
    /// root, one of `groups` may read it too, so that root can hand a secret to a service without giving it away.
    package func exposure(groups: Set<UInt32>, isReadOnlyMount: Bool) -> Exposure? {
        if mode & 0o077 == 0 { return nil }
        if owner == 0, mode & 0o037 == 0, groups.contains(group) { return nil }
        return isReadOnlyMount ? .readOnlyMount : .others
    }

    /// The same on this host and for this process. Root checks for the daemon, which has to read the file.
    package func exposure() -> Exposure? {
        var mount = statvfs()
        let isReadOnly = unsafe statvfs(path, &mount) == 0 && mount.f_flag & UInt(ST_RDONLY) != 0
        let exposure = exposure(groups: ProcessUser.ownGroups, isReadOnlyMount: isReadOnly)
        guard exposure != nil, geteuid() == 0 else { return exposure }
        return self.exposure(groups: IntendedReader.process.groups, isReadOnlyMount: isReadOnly)
    }
}

extension PathStep.Exposure {
    /// How to fix a file at `path` that `reader` has to read and that `owner` owns. A reader that does not own the file
    /// could not read it any more once only its owner may.
    package func fix(_ path: String, owner: UInt32, reader: IntendedReader) -> String {
        switch self {
        case .others where owner == reader.user: "chmod 600 \(path.shellWord)"
        case .others: "\(reader.taking(path)), or hand it over with systemd's LoadCredential="
        case .readOnlyMount:
            "where it is mounted read-only, in Kubernetes, set defaultMode: 0400 at the secret's volume"
        }
    }
}

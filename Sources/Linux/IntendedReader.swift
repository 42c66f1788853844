// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import RstreamModel

/// The user who has to read a file, for advice about one that this user cannot read.
///
/// Root can read everything and checks for the daemon: if this host has the user of the packaged unit, that user has to
/// read the file.
package struct IntendedReader: Sendable {
    /// The user that the packaged unit runs the daemon as.
    package static let daemonUser = "rstream"

    /// Its number.
    package let user: UInt32
    /// What a command calls it.
    package let name: String
    /// The groups that it is in.
    package let groups: Set<UInt32>
    /// Whether it is a service of systemd, which may have its own `/tmp` and home folders.
    private let isService: Bool
    /// Whether another user looks at files for the daemon's user.
    private let isBystander: Bool

    /// A made-up reader, for tests.
    package init(
        user: UInt32,
        name: String,
        groups: Set<UInt32> = [],
        isService: Bool = false,
        isBystander: Bool = false
    ) {
        (self.user, self.name, self.groups) = (user, name, groups)
        (self.isService, self.isBystander) = (isService, isBystander)
    }

    /// The user who has to read this process's files.
    package static var process: IntendedReader {
        let (user, isService) = unsafe (geteuid(), getenv("INVOCATION_ID") != nil)
        let daemon = ProcessUser(named: daemonUser)
        if user == 0, let daemon {
            return IntendedReader(user: daemon.user, name: daemonUser, groups: daemon.groups, isService: isService)
        }
        return IntendedReader(
            user: user,
            name: Accounts.host.nameOfUser(user) ?? String(user),
            groups: ProcessUser.ownGroups,
            isService: isService,
            // Root that took the rights of a daemon's user checks for that daemon.
            isBystander: getuid() != 0 && !isService && daemon.map { $0.user != user } == true
        )
    }

    /// The command that gives a secret to this reader alone.
    package func taking(_ path: String) -> String { "chown \(name) \(path.shellWord) && chmod 600 \(path.shellWord)" }

    /// How to fix a file that could not be read, by the kernel's reason, an `errno`.
    package func remedy(for path: String, _ code: CInt, isSecret: Bool) -> String {
        if let folder = ownFolder(of: path) {
            return "move it, for example to /etc/rstream: a service may have its own \(folder) "
                + "(PrivateTmp= and ProtectHome= of its unit)"
        }
        guard code == EACCES || code == EPERM else {
            return "check the path, and that \(name) may read it"
        }
        if let others = remedy(ofOthers: path) { return others }
        guard isSecret else { return "let \(name) read it and search its folders: chmod a+r \(path.shellWord)" }
        return "make \(name) its owner (\(taking(path))), or pass it with systemd's LoadCredential="
    }

    /// How to fix a part of the configuration that this reader may not read.
    package func remedy(forConfiguration path: String) -> String {
        if let others = remedy(ofOthers: path) { return others }
        guard name.sameBytes(as: Self.daemonUser) else { return "let \(name) read it and search its folders" }
        let word = path.shellWord
        return "let \(name) read it and search its folders: chgrp \(name) \(word) && chmod 640 \(word)"
    }

    /// The advice when the packaged daemon's files need no change.
    private func remedy(ofOthers path: String) -> String? {
        guard isBystander, path.startsWithBytes(of: "/etc/rstream/") else { return nil }
        return "use sudo: only \(Self.daemonUser) has to read it"
    }

    /// The folder of a path that a service may have for itself.
    private func ownFolder(of path: String) -> String? {
        guard isService else { return nil }
        return ["/tmp", "/var/tmp", "/home", "/root", "/run/user"].first { path.startsWithBytes(of: $0 + "/") }
    }
}

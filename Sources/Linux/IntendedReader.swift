internal import Glibc
internal import RstreamModel

/// Who has to read a file, for what is said about one that is of no use to them as it is.
///
/// Root reads everything, and what root checks is for the daemon: where this host has the user of the packaged unit, it is
/// that one who has to read.
package struct IntendedReader: Sendable {
    /// The user that the packaged unit runs the daemon as.
    package static let daemonUser = "rstream"

    /// Its number.
    package let user: UInt32
    /// What a command calls it.
    package let name: String
    /// The groups that it is in.
    package let groups: Set<UInt32>
    /// Whether it is a service of systemd, which may see other folders than everybody else.
    private let isService: Bool
    /// Whether it looks at what is for the daemon's user, whom this host has.
    private let isBystander: Bool

    /// A reader that is made up, for tests.
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

    /// Who reads the files of this process.
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
            // Root that has taken a daemon's place judges for that daemon, whoever it runs as.
            isBystander: getuid() != 0 && !isService && daemon.map { $0.user != user } == true
        )
    }

    /// The command that gives a secret to this reader alone.
    package func taking(_ path: String) -> String { "chown \(name) \(path) && chmod 600 \(path)" }

    /// What to do about a file that could not be read, for the kernel's reason, an `errno`.
    package func remedy(for path: String, _ code: CInt, isSecret: Bool) -> String {
        if let folder = ownFolder(of: path) {
            return "put it elsewhere, like /etc/rstream: a service sees another \(folder) than everybody else "
                + "(PrivateTmp= and ProtectHome= of its unit)"
        }
        guard code == EACCES || code == EPERM else {
            return "check the path, and that \(name) may read it"
        }
        if let others = remedy(ofOthers: path) { return others }
        guard isSecret else { return "let \(name) read it, and go through its folders: chmod a+r \(path)" }
        return "give it to \(name), who has to read it (\(taking(path))), or to systemd (LoadCredential=)"
    }

    /// What to do about a part of the configuration that this reader may not read.
    package func remedy(forConfiguration path: String) -> String {
        if let others = remedy(ofOthers: path) { return others }
        guard name.sameBytes(as: Self.daemonUser) else { return "let \(name) read it, and go through its folders" }
        return "let \(name) read it, and go through its folders: chgrp \(name) \(path) && chmod 640 \(path)"
    }

    /// What to do where the packaged daemon's files are right as they are.
    private func remedy(ofOthers path: String) -> String? {
        guard isBystander, path.startsWithBytes(of: "/etc/rstream/") else { return nil }
        return "use sudo: \(Self.daemonUser) has to read it, and this user need not"
    }

    /// The folder of a path that a service may have for itself.
    private func ownFolder(of path: String) -> String? {
        guard isService else { return nil }
        return ["/tmp", "/var/tmp", "/home", "/root", "/run/user"].first { path.startsWithBytes(of: $0 + "/") }
    }
}

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

    /// A reader that is made up, for tests.
    package init(user: UInt32, name: String, groups: Set<UInt32> = [], isService: Bool = false) {
        (self.user, self.name, self.groups, self.isService) = (user, name, groups, isService)
    }

    /// Who reads the files of this process.
    package static var process: IntendedReader {
        let (user, isService) = (geteuid(), getenv("INVOCATION_ID") != nil)
        if user == 0, let daemon = ProcessUser(named: daemonUser) {
            return IntendedReader(user: daemon.user, name: daemonUser, groups: daemon.groups, isService: isService)
        }
        let name = Accounts.host.nameOfUser(user) ?? String(user)
        return IntendedReader(user: user, name: name, groups: ProcessUser.ownGroups, isService: isService)
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
        guard isSecret else { return "let \(name) read it, and go through its folders: chmod a+r \(path)" }
        return "give it to \(name), who has to read it (\(taking(path))), or to systemd (LoadCredential=)"
    }

    /// The folder of a path that a service may have for itself.
    private func ownFolder(of path: String) -> String? {
        guard isService else { return nil }
        return ["/tmp", "/var/tmp", "/home", "/root", "/run/user"].first { path.startsWithBytes(of: $0 + "/") }
    }
}

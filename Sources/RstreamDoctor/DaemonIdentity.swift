internal import Glibc
package import Linux
package import RstreamAdmin
internal import RstreamConfig

/// The user whose rights count where files are judged: what root can read says nothing about the daemon.
package enum DaemonIdentity {
    /// The user of the daemon that answers, or else the one that the packaged unit would run it as with its own file.
    package static func find(file: String, daemon: AdminClient) async -> ProcessUser? {
        if let status = try? await daemon.call(.status, as: DaemonStatus.self) {
            return HostExamination.contents(of: "/proc/\(status.daemon.pid)/status").flatMap(ProcessUser.init(status:))
        }
        guard file == "/etc/rstream/rstreamd.yaml" else { return nil }
        return await BlockingThreads.accounts.run { ProcessUser(named: IntendedReader.daemonUser) }
    }

    /// Works with its rights from now on; only root can. What is to be said about that.
    package static func take(_ user: ProcessUser) async -> Finding? {
        let own = ProcessUser.current
        guard own.user == 0, user != own else { return nil }
        let name = await BlockingThreads.accounts.run { Accounts.host.nameOfUser(user.user) } ?? "\(user.user)"
        do throws(SystemError) {
            try user.become()
            return Finding("user", .ok, "files are judged as \(name), whom the daemon runs as")
        } catch {
            return Finding("user", .warn, "files are judged as root, not as \(name), whom the daemon runs as: \(error)")
        }
    }
}

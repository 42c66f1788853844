internal import Linux
internal import RstreamAdmin
internal import RstreamConfig

/// The user whose rights count where files are judged.
enum DaemonIdentity {
    /// Works with the rights of the daemon that answers from now on, or else of the one that the packaged unit would run
    /// with this file. What is to be said about that; nil where nothing has changed.
    static func take(file: String, daemon: AdminClient) async -> Finding? {
        let own = ProcessUser.current
        // Nobody but root can, so nobody else needs to know.
        let status = own.user == 0 ? try? await daemon.call(.status, as: DaemonStatus.self) : nil
        let running = status.flatMap { HostExamination.contents(of: "/proc/\($0.daemon.pid)/status") }
            .flatMap { ProcessUser(status: $0) }
        let isUnitsFile = DaemonConfiguration.isUsualFile(file)
        let taken = await BlockingThreads.accounts.run {
            CheckIdentity(of: own, isUnitsFile: isUnitsFile, running: running).take()
        }
        return taken.map { Finding("user", $0.failure == nil ? .ok : .warn, $0.description, fix: $0.fix) }
    }
}

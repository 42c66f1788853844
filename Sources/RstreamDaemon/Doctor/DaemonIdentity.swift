// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import RstreamAdmin
internal import RstreamConfig

/// The user with whose rights files are checked.
enum DaemonIdentity {
    /// Takes the rights of the daemon that answers, or else of the user that the packaged unit runs with this file. The
    /// finding says so; nil where nothing changed.
    static func take(file: String, daemon: AdminClient) async -> Finding? {
        let own = ProcessUser.current
        // Only root can change users.
        let status = own.user == 0 ? try? await daemon.call(.status, as: DaemonStatus.self) : nil
        let running = status.flatMap { KernelFile.text(at: "/proc/\($0.daemon.pid)/status") }
            .flatMap { ProcessUser(status: $0) }
        let isUnitsFile = DaemonConfiguration.isUsualFile(file)
        let taken = await BlockingThreads.accounts.run {
            CheckIdentity(of: own, isUnitsFile: isUnitsFile, running: running).switchUser()
        }
        return taken.map { Finding("user", $0.failure == nil ? .ok : .warn, $0.description, fix: $0.fix) }
    }
}

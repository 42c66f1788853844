// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import RstreamAdmin
internal import RstreamConfig
internal import RstreamCore

/// One run of the doctor, as `rstreamd doctor` makes it for `rstreamctl doctor`: with the daemon's rights where that is
/// possible, and with an archive for a bug report where one is wanted.
package struct DoctorRun: Sendable {
    /// How a run ended.
    package enum Outcome: Hashable, Sendable {
        case healthy
        /// A check failed.
        case unhealthy
        /// The archive could not be written, for this `errno`.
        case noArchive(CInt)
    }

    private let file: String
    private let socket: String
    private let environment: [String: String]
    private let depth: Depth

    /// Whether the daemon is to send streams through its engines.
    package enum Depth: Hashable, Sendable {
        case usual
        /// For every tunnel that is online, or for this one.
        case deep(tunnel: String?)
    }

    /// A run for the configuration at `file`, an absolute path, and the daemon whose admin socket is `socket`.
    package init(file: String, socket: String, environment: [String: String], depth: Depth = .usual) {
        (self.file, self.socket, self.environment, self.depth) = (file, socket, environment, depth)
    }

    /// Examines everything, and calls `tell` with the JSON of each finding as soon as it is there. The archive goes to
    /// `bundle`; nil for none.
    package func run(bundle: String?, tell: @escaping ([UInt8]) -> Void) async -> Outcome {
        var findings: [Finding] = []
        let report: (Finding) -> Void = { finding in
            findings.append(finding)
            if let json = try? AdminJSON.encode(finding) { tell(json) }
        }
        let own = ProcessUser.current
        if let finding = await takeDaemonRights(client(answersWithin: .seconds(1))) {
            report(finding)
        }
        // Long enough for a slow daemon; one that hangs is a finding.
        let daemon = client(answersWithin: .seconds(5))
        var canary: CanaryExamination?
        if case .deep(let tunnel) = depth {
            let patient = client(answersWithin: CanaryStateMachine.timeout + .seconds(5))
            canary = CanaryExamination(patient, tunnel: tunnel)
        }
        let doctor = Doctor(file: file, environment: environment, daemon: daemon, canary: canary)
        let isHealthy = await doctor.examine(report)
        if let bundle {
            let archive = Bundle(file: file, environment: environment, daemon: daemon)
            // The journal and the archive's folder are root's.
            try? own.become()
            do throws(Bundle.WriteFailure) {
                try await archive.write(findings, to: bundle)
            } catch {
                return .noArchive(error.code)
            }
        }
        return isHealthy ? .healthy : .unhealthy
    }

    private func client(answersWithin limit: Duration) -> AdminClient {
        var timeouts = AdminClient.Timeouts()
        timeouts.answer = limit
        return AdminClient(socket: socket, timeouts: timeouts)
    }

    /// Takes the rights of the daemon that answers, or else of the user that the packaged unit runs with this file. The
    /// finding says so; nil where nothing changed.
    private func takeDaemonRights(_ daemon: AdminClient) async -> Finding? {
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

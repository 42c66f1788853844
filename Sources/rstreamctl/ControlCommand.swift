internal import ArgumentParser
internal import Linux
internal import NIOPosix
internal import RstreamConfig
internal import RstreamControl
internal import RstreamDoctor

/// A command: what it does, and how a failure becomes a message and an exit status.
protocol ControlCommand: AsyncParsableCommand {
    var options: GlobalOptions { get }

    /// Does it. Throws ``Failure`` for what went wrong.
    func act(_ command: CommandContext) async throws -> ExitStatus
}

/// What a command works with.
struct CommandContext {
    let calls: DaemonCalls
    let console: Console
    /// Whether the API's own JSON is wanted.
    let isJSON: Bool
}

extension ControlCommand {
    func run() async throws {
        // `check` and `doctor` read secrets. Whether it can be had is the daemon's to tell.
        SecretPages.use()
        try? CoreDump.leaveOutMemory()
        try? CoreDump.set(isPermitted: false)
        // One thread is enough for one connection, and is there sooner than one for each processor.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let command = CommandContext(
            calls: DaemonCalls(socket: options.socketPath, group: group),
            console: Console(environment: ProcessEnvironment.variables),
            isJSON: options.format == .json
        )
        let status: ExitStatus
        do {
            status = try await act(command)
        } catch let failure as Failure {
            // Somebody else may read what this program cannot.
            if command.isJSON, let answer = failure.answer { try? command.console.write(document: answer) }
            command.console.complain(await explain(failure))
            status = failure.status
        } catch let error where !Self.isForParser(error) {
            command.console.complain(.unforeseen)
            status = .failed
        }
        // The process ends here, and the thread with it.
        if status != .done { throw ExitCode(status.rawValue) }
    }

    /// A daemon that is not where everybody looks for it is systemd's to tell about.
    private func explain(_ failure: Failure) async -> Failure {
        guard failure.isAbsence, options.socketPath == AdminSettings.defaultSocket,
            let unit = await UnitState.current()
        else { return failure }
        return failure.explained(by: unit)
    }

    private static func isForParser(_ error: any Error) -> Bool {
        error is ExitCode || error is ValidationError || error is CleanExit
    }
}

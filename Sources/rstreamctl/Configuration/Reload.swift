internal import ArgumentParser
internal import Glibc
internal import RstreamAdmin
internal import RstreamControl

struct Reload: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Have the daemon read its configuration again.",
        discussion: """
            Waits for the outcome and shows what changed. A configuration with an error changes nothing: what is wrong \
            is shown, and the command ends with 1.
            """
    )

    @Flag(help: "Only show what a reload would change.")
    var dryRun = false

    @Option(
        help: ArgumentHelp(
            "The daemon's process, which gets SIGHUP when it has no admin socket.",
            discussion: "Nothing waits for the outcome then; the daemon's log tells it.",
            valueName: "pid"
        )
    )
    var pid: Int32?

    @OptionGroup var options: GlobalOptions

    func validate() throws {
        guard let pid else { return }
        // Zero and less are groups of processes.
        guard pid > 0 else { throw ValidationError("--pid wants the number of a process") }
        guard !dryRun else { throw ValidationError("--dry-run cannot be asked for by a signal, which --pid is about") }
    }

    func act(_ command: CommandContext) async throws -> ExitStatus {
        do {
            return try await ask(command)
        } catch let failure as Failure where failure.isAbsence {
            guard let pid else { throw failure }
            return try signal(pid, command)
        }
    }

    private func ask(_ command: CommandContext) async throws -> ExitStatus {
        let answer = try await command.calls.reload(dryRun: dryRun)
        let isRefused = answer.value.outcome == .refused
        for diagnostic in answer.value.diagnostics {
            for line in diagnostic.text.split(separator: "\n") { command.console.complain(Line(String(line))) }
        }
        if command.isJSON {
            try command.console.write(document: answer.json)
        } else if !isRefused {
            try command.console.write(ReloadView(answer.value).lines)
        }
        guard isRefused else { return .done }
        throw Failure(.failed, "the daemon has refused the configuration, everything goes on as before")
    }

    private func signal(_ pid: Int32, _ command: CommandContext) throws -> ExitStatus {
        let what = "nobody listens at \(command.calls.socket)"
        guard kill(pid, SIGHUP) == 0 else {
            let code = errno
            throw Failure(
                code == EPERM ? .notPermitted : .notReachable,
                "\(what), and process \(pid) cannot be signalled: \(String(cString: strerror(code)))"
            )
        }
        command.console.complain(Line("\(what): process \(pid) was sent SIGHUP, the daemon's log tells the outcome"))
        return .done
    }
}

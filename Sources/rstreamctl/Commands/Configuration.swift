// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ArgumentParser
internal import Glibc
internal import Linux
internal import RstreamAdmin
internal import RstreamDaemonModel

struct Check: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a configuration without a daemon.",
        discussion: """
            Runs rstreamd --check. Ends with 78 when there is an error, and with 77 when a file may not be read. Warnings \
            are shown, and are no error. Files have to belong to root, to the user who checks, or to the user rstream, if \
            there is one. Root checks \(DaemonPaths.configuration) with the rights of that user, whom the unit runs the \
            daemon as; which user another file is for is not known here.
            """
    )

    @Argument(help: ArgumentHelp("The daemon's own file.", valueName: "file"), completion: .file())
    var file = DaemonPaths.configuration

    @OptionGroup var options: GlobalOptions

    func validate() throws {
        if file.isEmpty { throw ValidationError("the name of the file is empty") }
    }

    func act(_ command: CommandContext) async throws -> ExitStatus {
        let program = try DaemonProgram(environment: ProcessEnvironment.variables)
        let (console, isJSON) = (command.console, command.isJSON)
        let arguments = ["--check", "--config=\(file)"] + (isJSON ? ["--output=json"] : [])
        let result = try await program.run(arguments) { line in
            if !isJSON { try? console.write([Line(line)]) }
        } errors: { line in
            console.complain(Line(line))
        }
        if isJSON { try console.write(document: Array(result.output.joined(separator: "\n").utf8)) }
        if result.status == .notPermitted, getuid() != 0 {
            console.complain(
                Line("fix: sudo rstreamctl check: files that only root and the daemon can read are as they should be")
            )
        }
        return result.status
    }
}

struct Reload: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make the daemon read its configuration again.",
        discussion: """
            Waits for the outcome and shows what changed. A configuration with an error changes nothing: what is wrong \
            is shown, and the command ends with 1.
            """
    )

    @Flag(help: "Only show what a reload would change.")
    var dryRun = false

    @Option(
        help: ArgumentHelp(
            "The daemon's process, which is sent SIGHUP when it has no admin socket.",
            discussion: "The command does not wait for the outcome then; it is in the daemon's log.",
            valueName: "pid"
        )
    )
    var pid: Int32?

    @OptionGroup var options: GlobalOptions

    func validate() throws {
        guard let pid else { return }
        // Zero and less are groups of processes.
        guard pid > 0 else { throw ValidationError("--pid takes the number of a process") }
        guard !dryRun else {
            throw ValidationError("--dry-run and --pid do not go together: a signal cannot ask for a dry run")
        }
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
        let what = "no daemon listens at \(command.calls.socket)"
        guard kill(pid, SIGHUP) == 0 else {
            let code = errno
            throw Failure(
                code == EPERM ? .notPermitted : .notReachable,
                "\(what), and process \(pid) cannot be signalled: \(SystemError.reason(code))"
            )
        }
        command.console.complain(Line("\(what): process \(pid) was sent SIGHUP, the outcome is in the daemon's log"))
        return .done
    }
}

struct Config: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the running configuration, secrets as ***."
    )

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        let json = try await command.calls.bytes(.config)
        if command.isJSON {
            try command.console.write(document: json)
        } else {
            try command.console.write(IndentedJSON(json).lines.map { Line($0) })
        }
        return .done
    }
}

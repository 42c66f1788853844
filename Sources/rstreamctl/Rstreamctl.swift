// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ArgumentParser
internal import Linux
internal import RstreamModel

/// The command line of `rstreamctl` (contract §7), with a file for each noun. What they
/// ask of the daemon stands in `Calls`, how answers are shown in `Views` and `Live`.
struct Rstreamctl: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rstreamctl",
        abstract: "Shows and changes what a running rstreamd does.",
        discussion: """
            Asks the daemon over its admin socket. Results go to standard output, everything else to standard error. \
            Ends with 0 when it is done, 1 when the daemon refused or failed, 3 when status or wait found something not \
            as wanted, 64 for a wrong command line, 69 when no daemon answers, 77 when the socket or a file may not be \
            opened, 78 when check or import found an error.
            """,
        version: rstreamVersion,
        groupedSubcommands: [
            CommandGroup(
                name: "Daemon",
                subcommands: [
                    Status.self, Top.self, Wait.self, Events.self, LogLevel.self, Metrics.self, Upgrade.self,
                ]
            ),
            CommandGroup(name: "Tunnels", subcommands: [Tunnels.self, Enable.self, Disable.self, Drain.self]),
            CommandGroup(name: "By hand", subcommands: [Publish.self, Unpublish.self, Save.self, Dial.self]),
            CommandGroup(name: "Streams", subcommands: [Streams.self, Requests.self, Kill.self]),
            CommandGroup(name: "Sessions", subcommands: [Reconnect.self]),
            CommandGroup(name: "Configuration", subcommands: [Check.self, Reload.self, Config.self, Import.self]),
            CommandGroup(name: "Help", subcommands: [Doctor.self]),
            CommandGroup(name: "Shell", subcommands: [Completions.self, Help.self]),
        ]
    )

    @OptionGroup var options: GlobalOptions

    static var commandNames: [String] { configuration.subcommands.map { $0._commandName } }

    /// The command of the command line. The parser's message for an unknown command only says that it does not expect
    /// the word.
    static func command() throws -> any ParsableCommand {
        let words = Words(Array(CommandLine.arguments.dropFirst()))
        if let command = words.command, !commandNames.contains(command) {
            let console = Console(environment: ProcessEnvironment.variables)
            console.complain(Failure(.usage, Words.unknown(command, among: commandNames)))
            throw ExitCode(ExitStatus.usage.rawValue)
        }
        return try parseAsRoot(words.arguments)
    }

    /// A command line without a command is a mistake.
    func run() async throws {
        let console = Console(environment: ProcessEnvironment.variables)
        console.complain(Failure(.usage, "a command is missing", Self.helpMessage()))
        throw ExitCode(ExitStatus.usage.rawValue)
    }
}

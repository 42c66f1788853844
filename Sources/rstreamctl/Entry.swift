// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ArgumentParser
internal import Dispatch
internal import Glibc
internal import Linux

/// Where the program begins: on the first thread, which answers questions about the program itself whatever the machine
/// lacks.
@main
enum Entry {
    static func main() {
        // A shell asks for completions, which may need the daemon.
        let completes = CommandLine.arguments.dropFirst().first == "---completion"
        let command: (any AsyncParsableCommand)?
        do {
            command = completes ? nil : try asked()
        } catch {
            Rstreamctl.exit(withError: error)
        }
        if let lack = ProcessRequirements.findMissingProc() {
            Console(environment: ProcessEnvironment.variables).complain(Line("rstreamctl: \(lack)"))
            exit(ExitStatus.machine.rawValue)
        }
        Task {
            do {
                if let command { try await run(command) } else { await Rstreamctl.main() }
                exit(EXIT_SUCCESS)
            } catch {
                Rstreamctl.exit(withError: error)
            }
        }
        dispatchMain()
    }

    /// The command to run. Help, which waits for nothing, is shown here.
    private static func asked() throws -> any AsyncParsableCommand {
        var command = try Rstreamctl.command()
        if let command = command as? any AsyncParsableCommand { return command }
        try command.run()
        throw ExitCode.success
    }

    private static func run(_ command: sending any AsyncParsableCommand) async throws {
        var command = command
        try await command.run()
    }
}

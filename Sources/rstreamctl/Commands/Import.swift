// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ArgumentParser
internal import Linux
internal import RstreamDaemonModel

struct Import: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Turn another program's configuration into a tunnel file.",
        discussion: """
            Reads files of frp's client, ngrok's agent, cloudflared and the official command line tool, and prints a tunnel \
            file, in which comments say what has no counterpart. No secret is copied. Ends with 1 when nothing could be \
            converted, with 77 when the file may not be read, and with 78 when it has a mistake. rstreamd import does the \
            work.
            """
    )

    @Argument(help: ArgumentHelp("The other program's file.", valueName: "file"), completion: .file())
    var file: String

    @Option(
        help: ArgumentHelp(
            "The program that it is for, if its keys do not tell: \(programs).",
            valueName: "program"
        )
    )
    var from: ImportedProgram?

    private static let programs = ImportedProgram.allCases.map(\.rawValue).joined(separator: ", ")

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        let program = try DaemonProgram(environment: ProcessEnvironment.variables)
        let console = command.console
        // A name that begins with a dash is no option.
        let arguments = ["import"] + (from.map { ["--from=\($0.rawValue)"] } ?? []) + ["--", file]
        let result = try await program.run(arguments) { _ in
        } errors: { line in
            console.complain(Line(line))
        }
        // As it is: a line may be longer than people read.
        try console.write(document: Array(result.output.map { $0 + "\n" }.joined().utf8))
        return result.status
    }
}

extension ImportedProgram: ExpressibleByArgument {}

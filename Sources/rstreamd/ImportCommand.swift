// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ArgumentParser
internal import Linux
internal import RstreamConfig
internal import RstreamDaemon
internal import RstreamDaemonModel
internal import RstreamModel

/// `rstreamd import`, which `rstreamctl import` runs: the daemon's program has what reads configurations.
///
/// It is no subcommand of the parser's, as ``DoctorCommand``.
struct ImportCommand: AsyncParsableCommand {
    /// The first word of a command line that asks for it.
    static let word = "import"

    static let configuration = CommandConfiguration(
        commandName: "rstreamd \(word)",
        abstract: "Turns another program's configuration into a tunnel file, on standard output.",
        discussion: """
            Reads files of frp's client, ngrok's agent, cloudflared and the official command line tool. Comments say what \
            has no counterpart; no secret is copied. Ends with 0, with 1 when nothing could be converted, with 77 when the \
            file may not be read, and with 78 when it has a mistake.
            """,
        version: rstreamVersion
    )

    @Argument(help: "The file.", completion: .file())
    var file: String

    @Option(help: ArgumentHelp("The program that it is for, if its keys do not tell.", valueName: "program"))
    var from: ImportedProgram?

    func run() async throws {
        Rstreamd.signals?.restoreDefaults()
        // The file may hold secrets.
        SecretPages.use()
        try? CoreDump.leaveOutMemory()
        try? CoreDump.set(isPermitted: false)
        let conversion = await BlockingThreads.configuration.run { [file, from] in
            ConfigurationImport(file, from: from)
        }
        if let output = conversion.output { try StandardOutput.write(Array(output.utf8)) }
        StandardError.write(conversion.messages + "\n")
        if conversion.exitStatus != 0 { throw ExitCode(conversion.exitStatus) }
    }
}

extension ImportedProgram: ExpressibleByArgument {}

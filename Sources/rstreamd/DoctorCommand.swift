// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ArgumentParser
internal import Glibc
internal import Linux
internal import RstreamConfig
internal import RstreamDaemon
internal import RstreamDaemonModel
internal import RstreamModel

/// `rstreamd doctor`, which `rstreamctl doctor` runs and shows: the daemon's program has what it takes to go to an
/// engine.
///
/// It is no subcommand of the parser's: ``Rstreamd`` would take `--config` for itself.
struct DoctorCommand: AsyncParsableCommand {
    /// The first word of a command line that asks for it.
    static let word = "doctor"

    static let configuration = CommandConfiguration(
        commandName: "rstreamd \(word)",
        abstract: "Finds out what stands between the configuration and a visitor's page.",
        discussion: """
            For programs: each finding is a JSON object on a line of standard output. rstreamctl doctor runs this and shows \
            it to people. Ends with 0 when nothing failed, with 1 when something did, and with 77 when the archive may not \
            be written.
            """,
        version: rstreamVersion
    )

    @Option(help: "The daemon's own file.", completion: .file())
    var config = DaemonPaths.configuration

    @Option(help: "The daemon's admin socket.", completion: .file())
    var socket = DaemonPaths.adminSocket

    @Option(help: "Also write an archive (tar) for a bug report to this new file.", completion: .file())
    var bundle: String?

    @Flag(help: "Also let the daemon send a stream of its own through its engines and back.")
    var deep = false

    @Option(help: "With --deep: only for this tunnel.")
    var tunnel: String?

    func validate() throws {
        if tunnel != nil, !deep { throw ValidationError("--tunnel needs --deep") }
    }

    func run() async throws {
        Rstreamd.signals?.restoreDefaults()
        // Before the first secret is read.
        SecretPages.use()
        try? CoreDump.leaveOutMemory()
        try? CoreDump.set(isPermitted: false)
        // The daemon's user may not be let into the folder that this process works in.
        let run = DoctorRun(
            file: Path.absolute(config),
            socket: socket,
            environment: ProcessEnvironment.variables,
            depth: deep ? .deep(tunnel: tunnel) : .usual
        )
        switch await run.run(bundle: bundle, tell: Self.write) {
        case .healthy: break
        case .unhealthy: throw ExitCode(1)
        case .noArchive(let code):
            StandardError.write("rstreamd: \(bundle ?? ""): \(SystemError.reason(code))\n")
            throw ExitCode(code == EACCES || code == EPERM ? 77 : 1)
        }
        if let bundle { StandardError.write("\(bundle) written: look at it before you send it to anyone\n") }
    }

    /// Writes a line to standard output at once. Without a reader there is nothing left to do.
    private static func write(_ json: [UInt8]) {
        do throws(ExitCode) {
            try StandardOutput.write(json + [UInt8(ascii: "\n")])
        } catch {
            Glibc.exit(error.rawValue)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ArgumentParser
internal import Glibc
internal import Linux
internal import RstreamAdmin
internal import RstreamDaemonModel

struct Doctor: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find out what stands between the configuration and a visitor's page.",
        discussion: """
            Looks, in the order in which they are needed, at the configuration, credentials, proxy, DNS, TCP, TLS with its \
            certificates, ALPN, the engine's answer, the daemon and its tunnels, upstreams, limits and the clock. Each line \
            says ok, warn, fail or skip, and what to do. Works without a daemon; it then tries the addresses and sockets \
            that the daemon would listen on. Run it as the daemon's user or as root: others may not read what the daemon \
            reads. Ends with 1 when something failed. rstreamd doctor does the work.

            With --deep the daemon also sends a stream of its own through the engine and back to itself, as it does at \
            intervals with canary in rstreamd.yaml. It reaches no upstream.
            """
    )

    @Flag(help: "Also let the daemon send a stream through the engine and back, for each online tunnel.")
    var deep = false

    @Option(help: ArgumentHelp("With --deep: only for this tunnel.", valueName: "name"), completion: Names.tunnels)
    var tunnel: String?

    @Option(
        help: ArgumentHelp(
            "Also write one archive (tar) for a bug report, with every secret gone.",
            valueName: "file"
        ),
        completion: .file()
    )
    var bundle: String?

    @Option(help: ArgumentHelp("The daemon's own file.", valueName: "file"), completion: .file())
    var config = DaemonPaths.configuration

    @OptionGroup var options: GlobalOptions

    func validate() throws {
        if tunnel != nil, !deep { throw ValidationError("--tunnel needs --deep") }
        let named: [(option: String, value: String?)] = [
            ("--config", config), ("--bundle", bundle), ("--tunnel", tunnel),
        ]
        if let empty = named.first(where: { $0.value?.isEmpty == true }) {
            throw ValidationError("\(empty.option) is empty")
        }
    }

    func act(_ command: CommandContext) async throws -> ExitStatus {
        if let bundle, access(bundle, F_OK) == 0 {
            throw Failure(.failed, "\(bundle): there is a file already", "fix: name another one, or remove it")
        }
        let program = try DaemonProgram(environment: ProcessEnvironment.variables)
        var arguments = ["doctor", "--config=\(config)", "--socket=\(options.socketPath)"]
        if let bundle { arguments.append("--bundle=\(bundle)") }
        if deep { arguments.append("--deep") }
        if let tunnel { arguments.append("--tunnel=\(tunnel)") }
        let (console, isJSON) = (command.console, command.isJSON)
        let result = try await program.run(arguments) { line in
            // A result that cannot be written is a failure below.
            if !isJSON, let finding = Self.finding(line) { try? console.write(DoctorView(finding).lines) }
        } errors: { line in
            console.complain(Line(line))
        }
        let findings = result.output.compactMap(Self.finding)
        guard findings.count == result.output.count, !findings.isEmpty else {
            // Its messages say why, unless it is of another version.
            if result.output.isEmpty, result.status != .done { return result.status }
            throw Failure(.failed, "what rstreamd doctor found cannot be read: is it of another version?")
        }
        if isJSON {
            try console.write(document: try AdminJSON.encode(findings))
        } else {
            try console.write([DoctorView.summary(findings)])
        }
        return result.status
    }

    private static func finding(_ line: String) -> Finding? {
        try? AdminJSON.decode(Finding.self, from: line.utf8)
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ArgumentParser
internal import Glibc
internal import Linux
internal import RstreamConfig
internal import RstreamDaemon
internal import RstreamDaemonModel
internal import RstreamModel
internal import Systemd

/// `rstreamd publish`: a tunnel for as long as the command runs, without files and without a daemon beside it.
///
/// It is no subcommand of the parser's, as ``DoctorCommand``.
struct PublishCommand: AsyncParsableCommand {
    /// The first word of a command line that asks for it.
    static let word = "publish"

    static let configuration = CommandConfiguration(
        commandName: "rstreamd \(word)",
        abstract: "Opens one tunnel for as long as the command runs, without configuration files.",
        discussion: """
            Prints the tunnel's address, then a line for each visitor. Ctrl-C closes the tunnel. Where a daemon runs, \
            rstreamctl publish asks it for the same.
            """,
        version: rstreamVersion
    )

    @Argument(help: ArgumentHelp(PublishWords.target, valueName: "target"))
    var target: String

    @Option(help: ArgumentHelp("The engine.", valueName: "host:port"))
    var engine: String

    @Option(help: ArgumentHelp("A file with the token for the engine.", valueName: "file"), completion: .file())
    var tokenFile: String?

    @Flag(help: "Use no token: the engine takes none.")
    var noToken = false

    @Option(
        help: ArgumentHelp(
            "The certificates that the engine's is checked by, instead of the system's.",
            valueName: "file"
        ),
        completion: .file()
    )
    var caFile: String?

    @Option(help: "The tunnel's name.")
    var name = "publish"

    @Option(name: .customLong("protocol"), help: ArgumentHelp(PublishWords.kind))
    var kind: PublishWords.Kind?

    @Option(help: ArgumentHelp(PublishWords.hostname))
    var hostname: String?

    @Flag(name: .customLong("private"), help: ArgumentHelp(PublishWords.isPrivate))
    var isPrivate = false

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp(PublishWords.lasts, valueName: "duration"),
        transform: Self.duration
    )
    var lasts: Duration?

    @Option(help: "Log this level and above.")
    var logLevel = LogSettings.Level.error

    private static func duration(_ text: String) throws -> Duration {
        guard let duration = PublishWords.duration(text) else { throw ValidationError(PublishWords.noDuration) }
        return duration
    }

    func validate() throws {
        if noToken, tokenFile != nil { throw ValidationError("--token-file and --no-token do not go together") }
        if let conflict = PublishWords.conflict(isPrivate: isPrivate, hostname: hostname) {
            throw ValidationError(conflict)
        }
    }

    func run() async throws {
        // Not before all options are known: one of these may be misspelled.
        guard noToken || tokenFile != nil else { throw ValidationError("give either --token-file or --no-token") }
        let environment = await Self.withState(ProcessEnvironment.variables)
        let published = PublishedTunnel(tunnel, context: context)
        // The log has them at other levels.
        let tellsWarnings = logLevel == .error || logLevel == .critical
        let load: Daemon.Load = { () throws(ConfigurationError) in
            let loaded = try published.load(environment: environment)
            for warning in loaded.warnings where tellsWarnings {
                Self.tell(.problem(warning.message, fix: warning.hint))
            }
            return loaded
        }
        let daemon = try Rstreamd.parse(["--config", PublishedTunnel.place, "--log-level", logLevel.rawValue])
        try await daemon.run(load, environment) { [lasts] daemon in
            await withDiscardingTaskGroup { group in
                if let lasts {
                    group.addTask {
                        guard (try? await Task.sleep(for: lasts)) != nil else { return }
                        daemon.stop()
                    }
                }
                await daemon.announce(Self.tell)
                group.cancelAll()
            }
        }
    }

    private var tunnel: Tree.Table {
        var spec = [Tree.Pair(key: "publish", value: Tree(.word(isPrivate ? "false" : "true")))]
        if let kind = PublishWords.Kind.wanted(kind, isPrivate: isPrivate) {
            spec.append(Tree.Pair(key: "protocol", value: Tree(.word(kind.rawValue))))
        }
        if let hostname { spec.append(Tree.Pair(key: "host", value: Tree(.text(hostname)))) }
        return Tree.Table([
            Tree.Pair(key: "name", value: Tree(.text(name))),
            Tree.Pair(key: "forward", value: Tree(.text(target))),
            Tree.Pair(key: "tunnel", value: Tree(.table(Tree.Table(spec)))),
        ])
    }

    private var context: Tree.Table {
        var pairs = [Tree.Pair(key: "engine", value: Tree(.text(engine)))]
        if let tokenFile {
            pairs.append(Tree.Pair(key: "tokenFile", value: Tree(.text(Path.absolute(tokenFile)))))
        } else {
            pairs.append(Tree.Pair(key: "noToken", value: Tree(.word("true"))))
        }
        if let caFile {
            let tls = Tree.Table([Tree.Pair(key: "caFile", value: Tree(.text(Path.absolute(caFile))))])
            let transport = Tree.Table([Tree.Pair(key: "tls", value: Tree(.table(tls)))])
            pairs.append(Tree.Pair(key: "transport", value: Tree(.table(transport))))
        }
        return Tree.Table(pairs)
    }

    /// The environment with a folder for generated host names, so that a tunnel has the same address the next time.
    private static func withState(_ environment: [String: String]) async -> [String: String] {
        guard environment["STATE_DIRECTORY"] == nil else { return environment }
        let named = environment["XDG_STATE_HOME"].flatMap { $0.hasPrefix("/") ? [$0, "\($0)/rstreamd"] : nil }
        let home = environment["HOME"].map { ["\($0)/.local", "\($0)/.local/state", "\($0)/.local/state/rstreamd"] }
        guard let folders = named ?? home, let last = folders.last else { return environment }
        // Its files say if that failed.
        await BlockingThreads.files.run { for folder in folders { mkdir(folder, 0o700) } }
        return environment.merging(["STATE_DIRECTORY": last]) { $1 }
    }

    @Sendable
    private static func tell(_ announcement: Daemon.Announcement) {
        switch announcement {
        case .online(let tunnel, let address):
            let text = address.flatMap { $0.isEmpty ? nil : $0 } ?? "private tunnel \(tunnel)"
            write(text, to: STDOUT_FILENO)
        case .visitor(let source): write("visitor \(source ?? "of an unknown address")", to: STDOUT_FILENO)
        case .problem(let what, let fix):
            write("rstreamd: \(what)", to: STDERR_FILENO)
            if let fix { write("fix: \(fix)", to: STDERR_FILENO) }
        }
    }

    private static func write(_ line: String, to descriptor: Int32) {
        try? DescriptorIO.write(line.printable + "\n", to: descriptor)
    }
}

extension PublishWords.Kind: ExpressibleByArgument {}

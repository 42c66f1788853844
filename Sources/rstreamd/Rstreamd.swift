// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ArgumentParser
internal import Glibc
internal import Linux
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import RstreamConfig
internal import RstreamDaemon
internal import RstreamDaemonModel
internal import RstreamModel
internal import ServiceLifecycle
internal import Systemd

/// The command line of the daemon (contract §2): reads the configuration, builds the graph of services, runs it.
struct Rstreamd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rstreamd",
        abstract: "Opens rstream tunnels and relays their streams to local services.",
        discussion: """
            Tunnels are declared in the daemon's file and the files it includes. The daemon never ends because of what \
            the network or the engine does. It stops on SIGTERM or SIGINT once its streams have ended or the drain \
            timeout has passed; a second signal stops it at once.
            """,
        version: rstreamVersion
    )

    @Option(help: "The daemon's own file.", completion: .file())
    var config = DaemonPaths.configuration

    @Flag(
        help: ArgumentHelp(
            "Check the configuration, print what is wrong with it, and exit.",
            discussion: """
                Root checks \(DaemonPaths.configuration) with the rights of the user \(IntendedReader.daemonUser), if there \
                is one: the unit runs the daemon as that user.
                """
        )
    )
    var check = false

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp(
            "How --check reports: for people, or also as JSON on standard output.",
            valueName: "format"
        )
    )
    var output = CheckFormat.text

    enum CheckFormat: String, ExpressibleByArgument, CaseIterable {
        case text
        case json
    }

    @Flag(
        help: ArgumentHelp(
            "Print the JSON Schema of a file, and exit.",
            discussion: "Editors and validators read it. It is what --check goes by, as far as a schema can say it."
        )
    )
    var schema = false

    /// Read by ``askedSchema()``: here a word behind a misspelled option would be complained of instead of the option,
    /// and the second word instead of the first.
    @Argument(
        help: ArgumentHelp(
            "With --schema: daemon for the daemon's own file, which is the default, or tunnels.",
            valueName: "file"
        )
    )
    var words: [String] = []

    @Option(help: "Log this level and above, instead of log.level.")
    var logLevel: LogSettings.Level?

    @Option(help: "Log in this format, instead of log.format.")
    var logFormat: LogSettings.Format?

    /// Taken before anything else, by ``Entry``; nil where that failed, and then they do what they do by default.
    static let signals = try? SignalInbox.take()

    /// How this program was started. Taken by ``Entry`` too: later there may be another program at its path.
    static let program = ProgramStart.current(CommandLine.arguments)

    func validate() throws {
        guard !config.isEmpty else { throw ValidationError("--config is empty") }
        guard check || output == .text else { throw ValidationError("--output is for --check") }
        guard !schema || !check else { throw ValidationError("--schema and --check exclude each other") }
    }

    /// The text that ``schema`` asks for; nil when it does not.
    func askedSchema() throws -> String? {
        guard let word = words.first else { return schema ? ConfigurationSchema.daemon.text : nil }
        guard schema else { throw ValidationError(Self.surplus(word)) }
        guard words.count == 1, let named = ConfigurationSchema(rawValue: word) else {
            throw ValidationError("--schema is followed by daemon or tunnels, not \"\(words.last?.printable ?? "")\"")
        }
        return named.text
    }

    /// What is wrong with a word that is neither an option nor the first one of a command line.
    private static func surplus(_ word: String) -> String {
        let commands = [DoctorCommand.word, ImportCommand.word, PublishCommand.word]
        // The path of a file is no command, even if it has the name of one.
        let isPath = word.utf8.contains { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: ".") }
        guard !isPath, let command = NearestWord.find(word, among: commands) else {
            return "\"\(word.printable)\" is one word too many: the configuration is named by --config"
        }
        return command.sameBytes(as: word)
            ? "\(command) has to be the first word: rstreamd \(command) ..."
            : "unknown command \"\(word.printable)\", did you mean \"\(command)\"?"
    }

    func run() async throws {
        if check { Self.signals?.restoreDefaults() }
        // Before any thread is started: it takes variables away. The first name is that of the unit that is shipped, the
        // second what systemd makes up where a unit gives none.
        let inherited = InheritedSockets.take(named: ["admin", "rstreamd-admin.socket"])
        let predecessor = Succession.takeSocket() ?? inherited.takeOver.flatMap { RecordSocket(taking: $0) }
        // Before any thread is started, and before the first secret is read.
        SecretPages.use()
        let dumping = Self.keepMemoryOutOfDumps()
        // Two threads: as many tasks have work at a time at most, and one that waits holds none.
        try await withTaskExecutorPreference(TaskThreads(count: 2)) {
            try await begin(inherited: inherited, predecessor: predecessor, dumping: dumping)
        }
    }

    /// On the threads of ``TaskThreads``, as everything that it starts.
    @concurrent
    private func begin(
        inherited: InheritedSockets,
        predecessor: RecordSocket?,
        dumping: SystemError?
    ) async throws {
        let environment = ProcessEnvironment.variables
        if check { return try await checkFiles(environment) }
        let loader = ConfigurationLoader(environment: environment)
        // Status and log name the file, and are read from other working directories.
        let file = Path.absolute(config)
        let load: Daemon.Load = { () throws(ConfigurationError) in try loader.load(file) }
        let succession: Succession?
        do throws(UpgradeFailure) {
            if inherited.takeOver != nil {
                // Another program that systemd starts, because this one has failed, gets a connection of its own.
                await ServiceNotifier().forget(.takeOver)
            }
            if let predecessor {
                succession = try await Succession(predecessor, isRestart: inherited.takeOver != nil)
            } else {
                succession = nil
            }
        } catch {
            // The predecessor logs it. systemd starts this program again, if it was the one to start it.
            throw ExitCode(70)
        }
        try await begin(load, environment, inherited: inherited, succession: succession, dumping: dumping)
    }

    private func checkFiles(_ environment: [String: String]) async throws {
        let check = await BlockingThreads.configuration.run { [config] in
            ConfigurationCheck(config, environment: environment)
        }
        if !check.complaints.isEmpty { Self.complain(check.complaints) }
        switch output {
        case .json:
            do throws(ExitCode) {
                try StandardOutput.write(check.json + [UInt8(ascii: "\n")])
            } catch {
                throw check.exitStatus == 0 ? error : ExitCode(check.exitStatus)
            }
        case .text: if let verdict = check.verdict { print(verdict) }
        }
        guard check.exitStatus == 0 else { throw ExitCode(check.exitStatus) }
    }

    /// What runs beside the daemon, and ends with it.
    typealias Companion = @Sendable (Daemon) async -> Void

    /// Runs the daemon with a configuration that comes from no file.
    func run(
        _ load: @escaping Daemon.Load,
        _ environment: [String: String],
        beside companion: @escaping Companion
    ) async throws {
        SecretPages.use()
        let dumping = Self.keepMemoryOutOfDumps()
        let inherited = InheritedSockets.take(named: [])
        try await withTaskExecutorPreference(TaskThreads(count: 2)) {
            try await begin(
                load,
                environment,
                inherited: inherited,
                succession: nil,
                dumping: dumping,
                beside: companion
            )
        }
    }

    @concurrent
    private func begin(
        _ load: @escaping Daemon.Load,
        _ environment: [String: String],
        inherited: InheritedSockets,
        succession: Succession?,
        dumping: SystemError?,
        beside companion: Companion? = nil
    ) async throws {
        let loaded: LoadedConfiguration
        do throws(ConfigurationError) {
            loaded = try await BlockingThreads.configuration.tryRun(load)
        } catch {
            if let succession {
                await succession.refuse("the configuration has errors", error.diagnostics)
            }
            // What the predecessor is told goes to the operator who has asked it for the upgrade.
            if succession?.isRestart != false { Self.complain("\(error)") }
            throw ExitCode(error.exitStatus)
        }
        try await serve(
            loaded,
            load,
            environment,
            inherited: inherited,
            succession: succession,
            dumping: dumping,
            beside: companion
        )
    }

    private func serve(
        _ loaded: LoadedConfiguration,
        _ load: @escaping Daemon.Load,
        _ environment: [String: String],
        inherited: InheritedSockets,
        succession: Succession?,
        dumping: SystemError?,
        beside companion: Companion? = nil
    ) async throws {
        let configuration = loaded.configuration
        if configuration.debug.coreDumps { try? CoreDump.set(isPermitted: true) }
        let format = LogFormatSwitch(configuration.log.format, commandLine: logFormat, environment: environment)
        let sink = LogSink(format)
        // A reader of the log that has stopped reading must not keep the process.
        defer { sink.close(within: .seconds(1)) }
        let level = LogLevelSwitch(configuration.log.level, commandLine: logLevel)
        let logger = Logger(label: "rstreamd") { _ in SinkLogHandler(sink, level: level) }
        if let dumping {
            logger.warning("core dumps may contain secrets", metadata: ["error": "\(dumping)"])
        }
        for warning in loaded.warnings { logger.log(warning, at: .warning) }
        for refusal in inherited.refusals {
            logger.warning("inherited socket ignored", metadata: ["reason": "\(refusal)"])
        }
        let eventLoopGroup = MultiThreadedEventLoopGroup.singleton
        let given = environment["STATE_DIRECTORY"]?.split(separator: ":").first.map(String.init)
        let state = await BlockingThreads.files.run {
            let path = given ?? "/var/lib/rstreamd"
            // systemd makes the directory of a service; started by hand, the daemon has to. Its files say if that failed.
            if given == nil { mkdir(path, 0o750) }
            return StateDirectory(path, isForeign: succession != nil, logger: logger)
        }
        let daemon = Daemon(
            configuration,
            load: load,
            state: state,
            eventLoopGroup: eventLoopGroup,
            logger: logger,
            level: level,
            format: format,
            sink: sink,
            defaultSocket: environment["RUNTIME_DIRECTORY"].map { "\($0.prefix { $0 != ":" })/admin.sock" },
            program: Self.program,
            standIn: StandIn.find(),
            succession: succession
        )
        do throws(RstreamError) {
            try await daemon.open(inherited: inherited.sockets)
        } catch {
            if let succession {
                await succession.refuse(error.what)
            }
            if succession?.isRestart != false { Self.complain("\(config): error: \(error)") }
            throw ExitCode(77)
        }
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = []
        #if DEBUG
        services.append(.init(service: Stall(eventLoopGroup: eventLoopGroup, daemon: daemon)))
        #endif
        // The last, because graceful shutdown goes from the last to the first.
        services.append(.init(service: daemon, successTerminationBehavior: .gracefullyShutdownGroup))
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services,
                logger: Logger(label: "rstreamd.services") { _ in SwiftLogNoOpLogHandler() }
            )
        )
        do {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                if let inbox = Self.signals {
                    let actions = Signals.Actions(
                        reload: { daemon.reload(.signal) },
                        upgrade: { daemon.requestUpgrade() },
                        leave: { await daemon.leaveForRestart() },
                        stop: { daemon.stop() },
                        stopNow: { daemon.stopNow() }
                    )
                    let signals = Signals(inbox, logger: logger)
                    // Until the daemon has ended.
                    tasks.addTask { try await signals.run(on: eventLoopGroup.any(), actions) }
                }
                if let companion {
                    tasks.addTask { await companion(daemon) }
                }
                try await group.run()
                tasks.cancelAll()
            }
        } catch {
            // No known error ends up here. Its type helps to find the cause; its text is a library's and may confuse.
            logger.critical(
                "internal error",
                metadata: [
                    "error": "unexpected error of type \(type(of: error))",
                    "fix": "report it, with the lines above and rstreamctl doctor --bundle",
                ]
            )
            throw ExitCode(70)
        }
        if daemon.needsAnotherStart { throw ExitCode(70) }
    }

    /// There are no core dumps, and where `debug.coreDumps` asks for them they hold no memory. Returns what was in the way.
    private static func keepMemoryOutOfDumps() -> SystemError? {
        do throws(SystemError) {
            try CoreDump.leaveOutMemory()
            try CoreDump.set(isPermitted: false)
            return nil
        } catch {
            return error
        }
    }

    private static func complain(_ text: String) {
        StandardError.write(text + "\n")
    }
}

extension LogSettings.Level: ExpressibleByArgument {}
extension LogSettings.Format: ExpressibleByArgument {}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import Dispatch
import Linux
import Logging
import NIOCore
import NIOPosix
import RstreamConfig
import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport
import ServiceLifecycle

@testable import Rstream
@testable import RstreamDaemon

extension RequestBoundsHandler.Timeouts {
    /// Long enough for any well-behaved client.
    static let long = Self(request: .minutes(10), reply: .minutes(10), events: .minutes(10))
}

/// A daemon that runs in a service group, as in the executable, with long timeouts.
struct RunningDaemon: Sendable {
    let daemon: Daemon
    let log: LogCapture
    /// The files that a reload reads.
    let files: Observed<Files>
    /// The admin socket, if it was started by ``withAdmin(_:_:)``.
    let admin: AdminSocket
    private let services: ServiceGroup
    private let task: Task<Void, any Error>

    /// The result of reading the files.
    enum Files: Sendable {
        case good(DaemonConfiguration)
        case bad(ConfigurationError)
        /// Reading them takes until the gate opens.
        case slow(Gate)
    }

    /// Blocks the thread that reads files.
    struct Gate: Sendable {
        let isReached = Observed(false)
        private let semaphore = DispatchSemaphore(value: 0)

        func open() { semaphore.signal() }

        fileprivate func pass() {
            isReached.change { $0 = true }
            semaphore.wait()
        }
    }

    /// Runs a daemon until `body` returns; then it is stopped, and must end. An attempt to reach an engine, or to find out
    /// where it is, may take as long as `connect`.
    static func with(
        _ configuration: DaemonConfiguration,
        connect: Duration = testTimeout,
        answer: Duration = testTimeout,
        opensAdminListeners: Bool = false,
        defaultSocket: String? = nil,
        isStoppedFirst: Bool = false,
        _ body: (RunningDaemon) async throws -> Void
    ) async throws {
        try await TemporaryFolder.with { folder in
            let running = try await start(
                configuration,
                connect: connect,
                answer: answer,
                opensAdminListeners: opensAdminListeners,
                defaultSocket: defaultSocket,
                isStoppedFirst: isStoppedFirst,
                state: folder
            )
            do {
                try await body(running)
            } catch {
                running.daemon.stopNow()
                try? await running.stop()
                throw error
            }
            running.daemon.stopNow()
            try await running.stop()
        }
    }

    /// Runs a daemon with an admin socket; `usualName` is the name of its default path in the same folder.
    static func withAdmin(
        _ configuration: DaemonConfiguration,
        usualName: String? = nil,
        connect: Duration = testTimeout,
        _ body: (RunningDaemon) async throws -> Void
    ) async throws {
        try await TemporaryFolder.with { folder in
            var configuration = configuration
            configuration.admin.socket = folder.path(of: "admin.sock")
            configuration.admin.group = "nobody-has-this-group"
            let usual = usualName.map { folder.path(of: $0) }
            try await with(
                configuration,
                connect: connect,
                opensAdminListeners: true,
                defaultSocket: usual,
                body
            )
        }
    }

    /// As in the executable: a debug build ends when a task of the daemon makes a call that may block.
    static let threads = TaskThreads(count: 2)

    private static func start(
        _ configuration: DaemonConfiguration,
        connect: Duration,
        answer: Duration,
        opensAdminListeners: Bool,
        defaultSocket: String?,
        isStoppedFirst: Bool,
        state: TemporaryFolder
    ) async throws -> RunningDaemon {
        let log = LogCapture()
        let files = Observed(Files.good(configuration))
        let load: Daemon.Load = { () throws(ConfigurationError) in
            switch files.value {
            case .good(let configuration): return LoadedConfiguration(configuration: configuration, warnings: [])
            case .bad(let error): throw error
            case .slow(let gate):
                gate.pass()
                return LoadedConfiguration(configuration: configuration, warnings: [])
            }
        }
        var timeouts = RequestBoundsHandler.Timeouts.long
        timeouts.stop = longestStall
        // As in the executable: this may go on where another daemon's task just ended, on a thread that must not block.
        let (path, logger) = (state.path, log.logger)
        let directory = await BlockingThreads.files.run { StateDirectory(path, logger: logger) }
        let daemon = Daemon(
            configuration,
            load: load,
            state: directory,
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: log.logger,
            defaultSocket: defaultSocket,
            timeouts: timeouts
        ) {
            $0.heartbeatInterval = .seconds(1)
            // Tests count connections; those about warm ones ask for them.
            if $0.transport.prewarm == TransportOptions.Prewarm() { $0.transport.prewarm = nil }
            $0.timeouts = .init(connect: connect, answer: answer, streamDial: testTimeout, close: longestStall)
            $0.timeouts.nameServer = .init(datagrams: [connect], streams: [connect])
        }
        if opensAdminListeners { try await withTaskExecutorPreference(threads) { try await daemon.open() } }
        let services = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: daemon, successTerminationBehavior: .gracefullyShutdownGroup)],
                logger: Logger(label: "services") { _ in SwiftLogNoOpLogHandler() }
            )
        )
        if isStoppedFirst { daemon.stop() }
        // Waited for by `stop`, which every path of `with` calls.
        let task = Task(executorPreference: threads) { try await services.run() }
        let admin = AdminSocket(path: configuration.admin.socket)
        return RunningDaemon(daemon: daemon, log: log, files: files, admin: admin, services: services, task: task)
    }

    /// Reloads what `change` makes of the configuration, and returns the log line with the outcome.
    @discardableResult
    func reload(_ change: (inout DaemonConfiguration) -> Void = { _ in }) async throws -> LogCapture.Line {
        files.change { files in
            guard case .good(var configuration) = files else { return }
            change(&configuration)
            files = .good(configuration)
        }
        return try await reloadOnce()
    }

    /// Reloads the current files.
    @discardableResult
    func reloadOnce() async throws -> LogCapture.Line {
        let isOutcome = { @Sendable (line: LogCapture.Line) in
            ["configuration reloaded", "configuration unchanged", "reload refused"].contains(line.message)
        }
        let before = log.lines.value.count(where: isOutcome)
        daemon.reload(.signal)
        let lines = try await log.lines.wait(for: "the outcome of a reload") { $0.count(where: isOutcome) > before }
        return lines.filter(isOutcome)[before]
    }

    /// Requests a stop by the group of services, without waiting for it. SIGTERM asks the daemon itself.
    func beginStop() async {
        // A group that is shut down before it runs throws instead of running.
        _ = try? await log.wait(for: "started")
        await services.triggerGracefulShutdown()
    }

    /// Requests a stop and waits for it.
    func stop() async throws {
        await beginStop()
        try await waitForEnd()
    }

    /// Cancels its task without a request to stop.
    func cancel() { task.cancel() }

    func waitForEnd() async throws {
        try await within("the daemon's end") { [task] in try await task.value }
    }

    /// Waits until tunnels have come online so many times since the start.
    @discardableResult
    func waitForTunnels(_ count: Int = 1) async throws -> [LogCapture.Line] {
        try await log.wait(for: Self.tunnelOnline, count: count)
    }

    static let tunnelOnline = "tunnel online"
    static let outage = "session down, retrying"
    static let recovery = "session restored"
    static let tunnelFailed = "tunnel down, retrying"

    var warnings: [LogCapture.Line] { log.lines(at: .warning) }
}

extension TestEngine {
    /// This engine as a context of the daemon.
    func context(credential: ConfiguredCredential = .token(token)) -> ContextDefinition {
        ContextDefinition(
            name: "main",
            engine: .address(address),
            credential: credential,
            transport: TransportOptions(tls: TransportOptions.TLS(caFile: caFile))
        )
    }

    /// A configuration whose tunnels all go to `port`.
    func configuration(
        _ specs: [TunnelSpec],
        to port: Int,
        context: ContextDefinition? = nil,
        drain: Duration = .seconds(600),
        rejected: Duration = .milliseconds(50)
    ) -> DaemonConfiguration {
        DaemonConfiguration(
            tunnels: specs.map {
                TunnelDefinition(
                    name: $0.name ?? "",
                    upstream: .tcp(host: "127.0.0.1", service: "\(port)"),
                    spec: $0,
                    context: context ?? self.context()
                )
            },
            drain: DrainSettings(timeout: drain),
            reconnect: ReconnectSettings(
                // Six waits must outlast an engine that is slow to free a port; then the address would be given up.
                minimum: .milliseconds(20),
                maximum: .seconds(1),
                rejected: rejected
            )
        )
    }
}

extension TunnelSpec {
    static func tcp(_ name: String) -> Self { TunnelSpec(name: name, protocol: .tcp) }
    static func http(_ name: String) -> Self { TunnelSpec(name: name, protocol: .http) }
}

extension LogCapture.Line {
    /// The published port in a line about a `tcp` tunnel that is online.
    var port: Int? {
        guard let address = metadata["address"], address.hasSuffix(" (tcp)"),
            let colon = address.lastIndex(of: ":")
        else { return nil }
        return Int(address[address.index(after: colon)...].prefix { $0.isNumber })
    }
}

/// Connects to a published port and expects an echo.
func expectEcho(atPort port: Int?, of host: String = "127.0.0.1") async throws {
    guard let port else { throw DeadlinePassed(what: "a published port", state: "none is known") }
    let visitor = try await TestConnection.connect(toPort: port, of: host)
    try await visitor.send("hello")
    let answer = try await visitor.receive(asLongAs: "hello")
    await visitor.close()
    guard answer == "hello" else { throw DeadlinePassed(what: "an echo", state: answer) }
}

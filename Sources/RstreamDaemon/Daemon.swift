package import Logging
package import NIOCore
internal import Rstream
package import RstreamConfig
internal import RstreamCore
internal import RstreamModel
internal import RstreamRelay
internal import ServiceLifecycle
internal import Systemd

/// The daemon: one session per engine identity, all tunnels of the configuration on them, and an orderly end.
///
/// It keeps running whatever engines and networks do. It ends when its service group shuts down gracefully: tunnels
/// are closed, streams that were accepted may last until the drain's timeout, then what is left is cut.
package final class Daemon: Service {
    private let configuration: DaemonConfiguration
    private let sessions: [EngineSession]
    private let streams: StreamTable
    private let notifier = ServiceNotifier()
    private let logger: Logger

    /// Wires a daemon for `configuration`; nothing is dialed before ``run()``.
    package convenience init(
        _ configuration: DaemonConfiguration,
        hostnames: HostnameStore,
        files: any FileAccess,
        eventLoopGroup: any EventLoopGroup,
        logger: Logger
    ) {
        self.init(configuration, hostnames: hostnames, files: files, eventLoopGroup: eventLoopGroup, logger: logger) {
            _ in
        }
    }

    /// The same with other options for its clients, for tests that cannot wait for half a minute.
    init(
        _ configuration: DaemonConfiguration,
        hostnames: HostnameStore,
        files: any FileAccess,
        eventLoopGroup: any EventLoopGroup,
        logger: Logger,
        adjust: (inout ClientOptions) -> Void
    ) {
        self.configuration = configuration
        self.logger = logger
        let capacity =
            configuration.limits.streams > 0
            ? configuration.limits.streams : FileDescriptors.streams(within: FileDescriptors.raiseLimit())
        let streams = StreamTable(capacity: capacity)
        self.streams = streams
        let board = StatusBoard(notifier: notifier)
        let policy = ReconnectPolicy(
            minimum: configuration.reconnect.minimum,
            maximum: configuration.reconnect.maximum,
            rejected: configuration.reconnect.rejected
        )
        let unixSockets = UnixSocketRule(
            group: configuration.admin.group,
            directories: configuration.limits.unixUpstreams
        )
        var random = SystemRandomNumberGenerator()
        sessions = Self.grouped(configuration.tunnels).compactMap { context, definitions in
            guard case .address(let engine) = context.engine else {
                logger.error(
                    "the engine of a managed project cannot be found by this version",
                    metadata: [LogKey.context: "\(context.name)"]
                )
                return nil
            }
            let tunnels = definitions.map { definition in
                var stableHostname: String?
                if definition.spec.takesStableHostname {
                    stableHostname = hostnames.hostname(for: definition.name, at: engine, using: &random)
                }
                var logger = logger
                logger[metadataKey: LogKey.tunnel] = "\(definition.name)"
                return SessionTunnel(
                    name: definition.name,
                    acceptor: RelayAcceptor(
                        Upstream(
                            address: definition.upstream,
                            connectTimeout: definition.options.connectTimeout,
                            unixSockets: unixSockets
                        ),
                        table: streams,
                        logger: logger
                    ),
                    machine: TunnelStateMachine(
                        wanted: definition.spec.properties,
                        stableHostname: stableHostname,
                        policy: policy
                    )
                )
            }
            var options = ClientOptions(context, engine: engine, limits: configuration.limits, files: files)
            adjust(&options)
            return EngineSession(
                context,
                client: Client(options, eventLoopGroup: eventLoopGroup, logger: logger),
                tunnels: tunnels,
                policy: policy,
                board: board,
                logger: logger
            )
        }
    }

    /// Serves until the service group shuts down gracefully.
    package func run() async {
        notifier.ready()
        notifier.status(sessions.isEmpty ? "no tunnels configured" : "connecting")
        logger.info(
            "started",
            metadata: [
                "version": "\(rstreamVersion)", "tunnels": "\(configuration.tunnels.filter(\.isEnabled).count)",
            ]
        )
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.trimHeap() }
            await serve()
            group.cancelAll()
        }
        logger.info("stopped")
    }

    private func serve() async {
        await withDiscardingTaskGroup { group in
            for session in sessions { group.addTask { await session.run() } }
            try? await gracefulShutdown()
            await stop()
        }
    }

    private func trimHeap() async {
        var trimmer = HeapTrimmer()
        while (try? await Task.sleep(for: HeapTrimmer.interval)) != nil {
            let peak = streams.takePeak()
            if trimmer.shouldTrim(peak: peak, active: streams.activeCount) { HeapTrimmer.trim() }
        }
    }

    /// Cuts every stream and ends every session at once.
    package func stopNow() {
        streams.cut()
        for session in sessions { session.stop() }
    }

    private func stop() async {
        notifier.stopping()
        let timeout = configuration.drain.timeout
        logger.info(
            "stopping, streams may end",
            metadata: [LogKey.streams: "\(streams.activeCount)", "timeout": "\(timeout.inSeconds)"]
        )
        for session in sessions { session.drain() }
        await withTaskGroup(of: Void.self) { group in
            let streams = streams
            group.addTask { await streams.drain() }
            group.addTask { [logger] in
                // Cancelled when nothing is left to cut, or with the daemon itself, which then waits for nobody.
                try? await Task.sleep(for: timeout)
                let left = streams.activeCount
                if left > 0 { logger.warning("cutting streams", metadata: [LogKey.streams: "\(left)"]) }
                streams.cut()
            }
            // Cutting ends the drain, so the drain is what is waited for.
            await group.next()
            group.cancelAll()
        }
        for session in sessions { session.finish() }
    }

    /// Enabled tunnels by the session they share, in the order of the configuration.
    private static func grouped(
        _ tunnels: [TunnelDefinition]
    ) -> [(context: ContextDefinition, tunnels: [TunnelDefinition])] {
        var groups: [(context: ContextDefinition, tunnels: [TunnelDefinition])] = []
        for tunnel in tunnels where tunnel.isEnabled {
            if let index = groups.firstIndex(where: { $0.context.identity == tunnel.context.identity }) {
                groups[index].tunnels.append(tunnel)
            } else {
                groups.append((tunnel.context, [tunnel]))
            }
        }
        return groups
    }
}

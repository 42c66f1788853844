// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamDaemonModel
package import RstreamModel

/// The daemon's whole configuration: its own file and the tunnel files that it includes, checked and resolved.
///
/// This module turns text into these values and does nothing else. ``ConfigurationLoader`` reads the files through a
/// ``FileAccess`` that tests replace, `YAML` gives it trees with positions, and every complaint is a ``Diagnostic``
/// with file, line and column. What the values mean at run time (connecting, opening tunnels, reading secrets) is left
/// to the daemon. Two configurations that ask for the same things, wherever those stand, have the same ``content``.
package struct DaemonConfiguration: Hashable, Sendable {
    /// Whether a path names the packaged unit's file.
    package static func isUsualFile(_ path: String) -> Bool {
        Path.absolute(path).sameBytes(as: DaemonPaths.configuration)
    }

    /// Every file that was read, the daemon's own first.
    @Bytewise package var files: [String]
    /// What those files were when they were read.
    package var stamps = FileStamps()
    /// The patterns among `include`, as paths: what fits one is read too.
    @Bytewise package var includes: [String]
    /// Every context that has a name, sorted by it; also those that no tunnel uses.
    package var contexts: [ContextDefinition]
    /// The context of tunnels that name none; nil when there is none. Tunnels of the files have it already, those that
    /// are opened by hand get it later.
    package var fallback: ContextDefinition?
    /// Every tunnel, also the disabled ones, in the order of files and lines; then those that were opened by hand.
    package var tunnels: [TunnelDefinition]
    /// Every listener, in the order of files and lines.
    package var listeners: [ListenerDefinition]
    /// Path of the client configuration that `external` contexts are taken from (CONFIG.md §3).
    @Bytewise package var clientConfig: String?
    /// Whether a changed file is reason enough to reload.
    package var watch: Bool
    /// What a reload does to the streams of a changed or removed tunnel: `reload.changed`. Every tunnel has it already
    /// in its ``TunnelDefinition/disposition``, unless it says otherwise.
    package var reload: StreamDisposition
    /// The socket for operators.
    package var admin: AdminSettings
    /// Where metrics are served besides the admin socket: `metrics.listen`; nil for nowhere.
    package var metrics: ListenAddress?
    /// Where browsers see what the daemon does.
    package var page: PageSettings
    /// What is logged, and how.
    package var log: LogSettings
    /// How long streams may last when the daemon stops.
    package var drain: DrainSettings
    /// What a take-over by another program does.
    package var upgrade: UpgradeSettings
    /// How long to wait before dialing again.
    package var reconnect: ReconnectSettings
    /// Whether streams of the daemon's own examine the way through the engine.
    package var canary: CanarySettings
    /// How much the daemon takes on at once.
    package var limits: LimitSettings
    /// Settings for debugging the daemon.
    package var debug: DebugSettings

    /// Everything at its default, and no tunnels, unless given.
    package init(
        files: [String] = [],
        includes: [String] = [],
        contexts: [ContextDefinition] = [],
        tunnels: [TunnelDefinition] = [],
        listeners: [ListenerDefinition] = [],
        clientConfig: String? = nil,
        watch: Bool = false,
        reload: StreamDisposition = .drain,
        admin: AdminSettings = AdminSettings(),
        metrics: ListenAddress? = nil,
        page: PageSettings = PageSettings(),
        log: LogSettings = LogSettings(),
        drain: DrainSettings = DrainSettings(),
        upgrade: UpgradeSettings = UpgradeSettings(),
        reconnect: ReconnectSettings = ReconnectSettings(),
        canary: CanarySettings = CanarySettings(),
        limits: LimitSettings = LimitSettings(),
        debug: DebugSettings = DebugSettings()
    ) {
        self.files = files
        self.includes = includes
        self.contexts = contexts
        self.tunnels = tunnels
        self.listeners = listeners
        self.clientConfig = clientConfig
        self.watch = watch
        self.reload = reload
        self.admin = admin
        self.metrics = metrics
        self.page = page
        self.log = log
        self.drain = drain
        self.upgrade = upgrade
        self.reconnect = reconnect
        self.canary = canary
        self.limits = limits
        self.debug = debug
    }
}

/// The `debug` key.
package struct DebugSettings: Hashable, Sendable {
    /// Whether the kernel may write core dumps and debuggers of the daemon's user may look into it.
    package var coreDumps: Bool

    /// The defaults of the contract unless given.
    package init(coreDumps: Bool = false) {
        self.coreDumps = coreDumps
    }
}

/// The `page` key.
package struct PageSettings: Hashable, Sendable {
    /// Where the page is served besides the admin socket; nil for nowhere.
    package var listen: ListenAddress?
    /// Names by which browsers reach it, beside those that every port of this host has.
    @Bytewise package var hosts: [String]

    /// The defaults of the contract unless given.
    package init(listen: ListenAddress? = nil, hosts: [String] = []) {
        self.listen = listen
        self.hosts = hosts
    }
}

/// The `log` key.
package struct LogSettings: Hashable, Sendable {
    /// How much is said, the least important first. The words are those of the logging library.
    package enum Level: String, Hashable, Sendable, CaseIterable {
        case trace
        case debug
        case info
        case notice
        case warning
        case error
        case critical
    }

    /// Where lines go and what they look like.
    package enum Format: String, Hashable, Sendable, CaseIterable {
        /// The journal under systemd, text on a terminal, JSON otherwise.
        case auto
        case journal
        case json
        case text
    }

    /// The least important level that is written.
    package var level: Level
    /// Where lines go and what they look like.
    package var format: Format
    /// Whether the end of every stream is a line at `info`, and not at `debug`.
    package var streams: Bool

    /// The defaults of the contract unless given.
    package init(level: Level = .info, format: Format = .auto, streams: Bool = false) {
        self.level = level
        self.format = format
        self.streams = streams
    }

    /// Whether lines of streams are asked for that the level leaves out.
    package var leavesStreamsOut: Bool {
        switch level {
        case .trace, .debug, .info: false
        case .notice, .warning, .error, .critical: streams
        }
    }
}

/// The `drain` key.
package struct DrainSettings: Hashable, Sendable {
    /// How long accepted streams may last once the daemon was asked to stop; zero cuts them at once.
    package var timeout: Duration

    /// The default of the contract unless given.
    package init(timeout: Duration = .seconds(30)) {
        self.timeout = timeout
    }
}

/// The `upgrade` key.
package struct UpgradeSettings: Hashable, Sendable {
    /// How long streams may last in a process that another one has taken over from; zero cuts them at once.
    package var drain: Duration

    /// The default of the contract unless given.
    package init(drain: Duration = .seconds(3_600)) {
        self.drain = drain
    }
}

/// The `reconnect` key.
package struct ReconnectSettings: Hashable, Sendable {
    /// The first wait of a backoff; more than zero.
    package var minimum: Duration
    /// The longest wait of a backoff; not less than ``minimum``.
    package var maximum: Duration
    /// The wait after a rejection that an immediate retry would not change; more than zero.
    package var rejected: Duration

    /// The defaults of the contract unless given.
    package init(
        minimum: Duration = .seconds(1),
        maximum: Duration = .seconds(30),
        rejected: Duration = .seconds(300)
    ) {
        self.minimum = minimum
        self.maximum = maximum
        self.rejected = rejected
    }
}

/// The `canary` key.
package struct CanarySettings: Hashable, Sendable {
    /// The range of ``interval``.
    static let intervalRange: ClosedRange<Duration> = .seconds(5) ... .seconds(86_400)

    /// From one canary of a session to the next; nil for none at all.
    package var interval: Duration?

    /// The default of the contract unless given.
    package init(interval: Duration? = nil) {
        self.interval = interval
    }
}

/// The `limits` key.
package struct LimitSettings: Hashable, Sendable {
    /// Streams at once in the whole process; zero derives it from the file-descriptor limit.
    package var streams: Int
    /// Streams that may wait to be taken up; at least one.
    package var pendingStreams: Int
    /// Streams that may be in their handshakes at once; at least one.
    package var openingStreams: Int
    /// Paths of directories whose Unix sockets may be upstreams, regardless of their owner.
    @Bytewise package var unixUpstreams: [String]
    /// Names of users who may own tunnel files beside root and the daemon's user.
    @Bytewise package var tunnelOwners: [String]

    /// More than the kernel gives a process descriptors for, whatever it is told.
    static let most = 1_048_576

    /// The defaults of the contract unless given.
    package init(
        streams: Int = 0,
        pendingStreams: Int = 256,
        openingStreams: Int = 64,
        unixUpstreams: [String] = [],
        tunnelOwners: [String] = []
    ) {
        self.streams = streams
        self.pendingStreams = pendingStreams
        self.openingStreams = openingStreams
        self.unixUpstreams = unixUpstreams
        self.tunnelOwners = tunnelOwners
    }
}

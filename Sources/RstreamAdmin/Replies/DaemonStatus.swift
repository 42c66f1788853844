// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// `GET /v1/status`: everything at once.
package struct DaemonStatus: Codable, Hashable, Sendable {
    package var daemon: DaemonFacts
    package var sessions: [SessionStatus]
    package var tunnels: [TunnelStatus]
    package var listeners: [ListenerStatus]
    /// All streams of the daemon.
    package var streams: StreamCounts

    package init(
        daemon: DaemonFacts,
        sessions: [SessionStatus],
        tunnels: [TunnelStatus],
        listeners: [ListenerStatus],
        streams: StreamCounts
    ) {
        self.daemon = daemon
        self.sessions = sessions
        self.tunnels = tunnels
        self.listeners = listeners
        self.streams = streams
    }

    /// How many tunnels are wanted, and how many of those are online. Disabled and removed ones are not wanted, even
    /// while their streams go on.
    package var wantedTunnels: (online: Int, total: Int) {
        let wanted = tunnels.filter { ![.disabled, .draining, .closed].contains($0.state) }
        return (wanted.count { $0.state == .online }, wanted.count)
    }

    /// Whether every enabled tunnel is online and every listener serves; decides the exit status of `rstreamctl
    /// status`.
    package var isAsWanted: Bool {
        tunnels.allSatisfy { $0.state.isAsWanted } && listeners.allSatisfy(\.isAsWanted)
    }
}

/// The process itself.
package struct DaemonFacts: Codable, Hashable, Sendable {
    package struct State: OpenEnum {
        package static let running = Self(rawValue: "running")
        package static let reloading = Self(rawValue: "reloading")
        package static let stopping = Self(rawValue: "stopping")
        package static let allCases: [Self] = [.running, .reloading, .stopping]

        package let rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }
    }

    package var version: String
    @Count package var pid: Int
    package var state: State
    package var startedAt: UTCTime
    /// Every file of the running configuration, the daemon's own first.
    package var configFiles: [String]
    /// Null before the first reload.
    @OrNull package var lastReload: LastReload?

    package init(
        version: String,
        pid: Int,
        state: State,
        startedAt: UTCTime,
        configFiles: [String],
        lastReload: LastReload?
    ) {
        self.version = version
        self.pid = pid
        self.state = state
        self.startedAt = startedAt
        self.configFiles = configFiles
        _lastReload = OrNull(wrappedValue: lastReload)
    }
}

/// The outcome of the last reload, whatever caused it.
package struct LastReload: Codable, Hashable, Sendable {
    package var at: UTCTime
    package var outcome: ReloadReply.Outcome
    /// One line for a person.
    package var message: String

    package init(at: UTCTime, outcome: ReloadReply.Outcome, message: String) {
        self.at = at
        self.outcome = outcome
        self.message = message
    }
}

/// `GET /v1/health/live` and `/v1/health/ready`: 200 when ``isHealthy``, 503 otherwise.
package struct Health: Codable, Hashable, Sendable {
    /// `ok` or `unavailable`.
    package var status: String
    /// What is wrong, a sentence each; empty when nothing is.
    package var reasons: [String]

    package init(reasons: [String]) {
        status = reasons.isEmpty ? "ok" : "unavailable"
        self.reasons = reasons
    }

    package var isHealthy: Bool { reasons.isEmpty }
}

/// `GET` and `PUT /v1/log`: the least important level that is logged.
package struct LogLevelDocument: Codable, Hashable, Sendable {
    /// The levels, the least important first; the words are those of the logging library.
    package enum Level: String, Hashable, Sendable, CaseIterable {
        case trace
        case debug
        case info
        case notice
        case warning
        case error
        case critical
    }

    package static var levels: [String] { Level.allCases.map(\.rawValue) }

    package var level: String

    package init(level: String) { self.level = level }
}

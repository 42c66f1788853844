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

    /// How many tunnels wait for the end of another tunnel that has their name.
    package var standbyTunnels: Int { tunnels.count { $0.state == .standby } }

    /// Whether every enabled tunnel is online or on standby and every listener serves; decides the exit status of
    /// `rstreamctl status`.
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
    /// Processes that were taken over from and still have streams, the latest first.
    package var previous: [PreviousDaemon]

    package init(
        version: String,
        pid: Int,
        state: State,
        startedAt: UTCTime,
        configFiles: [String],
        lastReload: LastReload?,
        previous: [PreviousDaemon] = []
    ) {
        self.version = version
        self.pid = pid
        self.state = state
        self.startedAt = startedAt
        self.configFiles = configFiles
        _lastReload = OrNull(wrappedValue: lastReload)
        self.previous = previous
    }
}

extension DaemonFacts {
    /// A daemon of another version may not send the previous processes.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            version: try container.decode(String.self, forKey: .version),
            pid: try container.decode(Count.self, forKey: .pid).wrappedValue,
            state: try container.decode(State.self, forKey: .state),
            startedAt: try container.decode(UTCTime.self, forKey: .startedAt),
            configFiles: try container.decode([String].self, forKey: .configFiles),
            lastReload: try container.decodeIfPresent(LastReload.self, forKey: .lastReload),
            previous: try container.decodeIfPresent([PreviousDaemon].self, forKey: .previous) ?? []
        )
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

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// One tunnel of the configuration, or one that has left it and still has streams (contract §4).
package struct TunnelStatus: Codable, Hashable, Sendable {
    package struct State: OpenEnum {
        /// By the configuration, or by an operator: see ``TunnelStatus/disabledUntil``.
        package static let disabled = Self(rawValue: "disabled")
        /// Waits for its session, for its next attempt, or for a healthy upstream.
        package static let pending = Self(rawValue: "pending")
        package static let opening = Self(rawValue: "opening")
        package static let online = Self(rawValue: "online")
        /// Another tunnel holds its name or port, perhaps one of another host; it takes over when they are free.
        package static let standby = Self(rawValue: "standby")
        /// The engine rejected it, and an immediate retry would not help.
        package static let rejected = Self(rawValue: "rejected")
        /// Takes no new streams; open ones may end.
        package static let draining = Self(rawValue: "draining")
        package static let closed = Self(rawValue: "closed")
        package static let allCases: [Self] = [
            .disabled, .pending, .opening, .online, .standby, .rejected, .draining, .closed,
        ]

        package let rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }

        /// Whether it needs no attention. An unknown state does.
        package var isAsWanted: Bool { [.disabled, .online, .standby, .draining, .closed].contains(self) }

        /// Whether it is served, here or by the tunnel that holds its name or port.
        package var isServed: Bool { self == .online || self == .standby }
    }

    /// What ends an operator's `disable` or `drain`.
    package struct DisabledUntil: OpenEnum {
        /// The next reload, or a restart: the files decide then.
        package static let reload = Self(rawValue: "reload")
        /// Only an `enable`, across reloads and restarts.
        package static let enabled = Self(rawValue: "enabled")
        package static let allCases: [Self] = [.reload, .enabled]

        package let rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }
    }

    package var name: String
    package var context: String
    package var state: State
    /// What ends an operator's `disable` or `drain`; null where no operator has closed it.
    @OrNull package var disabledUntil: DisabledUntil?
    /// The engine's name for it; null unless it is open.
    @OrNull package var id: String?
    /// Where its streams go: `host:port` or `unix:…`; several with a comma between them.
    package var forward: String
    /// The same, each with its state.
    package var upstreams: [UpstreamStatus]
    /// Where visitors reach it; null unless it is open.
    @OrNull package var forwardingAddress: String?
    /// What the engine granted, or what is requested until then.
    package var properties: PropertiesReport
    /// When it entered its state.
    package var since: UTCTime
    /// When it is requested again; null unless it waits for that, with its session online.
    @OrNull package var nextAttemptAt: UTCTime?
    package var streams: StreamCounts
    package var bytes: ByteCounts
    /// Its draining streams; null when there are none.
    @OrNull package var drain: DrainStatus?
    /// Why it is not online, why its upstream cannot be reached, or why visitors are refused; null when nothing is
    /// wrong.
    @OrNull package var lastError: ErrorReport?
    /// Who has opened it by hand; null for a tunnel of the files.
    @OrNull package var byHand: ByHand?
    /// Warnings about the entry that it was opened with, only in the answer to that call and where there are some.
    package var diagnostics: [DiagnosticReport]?

    package init(
        name: String,
        context: String,
        state: State,
        disabledUntil: DisabledUntil? = nil,
        id: String? = nil,
        forward: String,
        upstreams: [UpstreamStatus] = [],
        forwardingAddress: String? = nil,
        properties: PropertiesReport,
        since: UTCTime,
        nextAttemptAt: UTCTime? = nil,
        streams: StreamCounts = StreamCounts(),
        bytes: ByteCounts = ByteCounts(),
        drain: DrainStatus? = nil,
        lastError: ErrorReport? = nil,
        byHand: ByHand? = nil
    ) {
        self.name = name
        self.context = context
        self.state = state
        _disabledUntil = OrNull(wrappedValue: disabledUntil)
        _id = OrNull(wrappedValue: id)
        self.forward = forward
        self.upstreams = upstreams
        _forwardingAddress = OrNull(wrappedValue: forwardingAddress)
        self.properties = properties
        self.since = since
        _nextAttemptAt = OrNull(wrappedValue: nextAttemptAt)
        self.streams = streams
        self.bytes = bytes
        _drain = OrNull(wrappedValue: drain)
        _lastError = OrNull(wrappedValue: lastError)
        _byHand = OrNull(wrappedValue: byHand)
    }
}

/// Who has opened a tunnel by hand, and how long it lasts.
package struct ByHand: Codable, Hashable, Sendable {
    /// The number of the user.
    @Count package var uid: Int
    /// The process that has opened it, or claimed it after a take-over.
    @Count package var pid: Int
    /// Whether it stays when the connection that opened it ends.
    package var detached: Bool
    /// When its time is over; null when it has no end of its own.
    @OrNull package var endsAt: UTCTime?

    package init(uid: Int, pid: Int, detached: Bool, endsAt: UTCTime? = nil) {
        self.uid = uid
        self.pid = pid
        self.detached = detached
        _endsAt = OrNull(wrappedValue: endsAt)
    }
}

/// Streams that may end until they are cut.
package struct DrainStatus: Codable, Hashable, Sendable {
    /// How many have not ended yet.
    @Count package var streams: Int
    package var cutAt: UTCTime

    package init(streams: Int, cutAt: UTCTime) {
        self.streams = streams
        self.cutAt = cutAt
    }
}

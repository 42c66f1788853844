// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// One tunnel of the configuration, or one that has left it and still has streams (contract §4).
package struct TunnelStatus: Codable, Hashable, Sendable {
    package struct State: OpenEnum {
        /// By the configuration, or by an operator until the next reload.
        package static let disabled = Self(rawValue: "disabled")
        /// Waits for its session, or for its next attempt.
        package static let pending = Self(rawValue: "pending")
        package static let opening = Self(rawValue: "opening")
        package static let online = Self(rawValue: "online")
        /// The engine rejected it, and an immediate retry would not help.
        package static let rejected = Self(rawValue: "rejected")
        /// Takes no new streams; open ones may end.
        package static let draining = Self(rawValue: "draining")
        package static let closed = Self(rawValue: "closed")
        package static let allCases: [Self] = [.disabled, .pending, .opening, .online, .rejected, .draining, .closed]

        package let rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }

        /// Whether it needs no attention. An unknown state does.
        package var isAsWanted: Bool { [.disabled, .online, .draining, .closed].contains(self) }
    }

    package var name: String
    package var context: String
    package var state: State
    /// The engine's name for it; null unless it is open.
    @OrNull package var id: String?
    /// Where its streams go: `host:port` or `unix:…`.
    package var forward: String
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

    package init(
        name: String,
        context: String,
        state: State,
        id: String? = nil,
        forward: String,
        forwardingAddress: String? = nil,
        properties: PropertiesReport,
        since: UTCTime,
        nextAttemptAt: UTCTime? = nil,
        streams: StreamCounts = StreamCounts(),
        bytes: ByteCounts = ByteCounts(),
        drain: DrainStatus? = nil,
        lastError: ErrorReport? = nil
    ) {
        self.name = name
        self.context = context
        self.state = state
        _id = OrNull(wrappedValue: id)
        self.forward = forward
        _forwardingAddress = OrNull(wrappedValue: forwardingAddress)
        self.properties = properties
        self.since = since
        _nextAttemptAt = OrNull(wrappedValue: nextAttemptAt)
        self.streams = streams
        self.bytes = bytes
        _drain = OrNull(wrappedValue: drain)
        _lastError = OrNull(wrappedValue: lastError)
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

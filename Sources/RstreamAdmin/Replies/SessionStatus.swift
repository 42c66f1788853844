// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// One session: an engine, a credential and a transport that tunnels share (contract §4).
package struct SessionStatus: Codable, Hashable, Sendable {
    package struct State: OpenEnum {
        package static let connecting = Self(rawValue: "connecting")
        package static let online = Self(rawValue: "online")
        /// Backoff; ``SessionStatus/nextAttemptAt`` says when.
        package static let waiting = Self(rawValue: "waiting")
        /// The engine rejected it, and an immediate retry would not help.
        package static let rejected = Self(rawValue: "rejected")
        package static let closed = Self(rawValue: "closed")
        package static let allCases: [Self] = [.connecting, .online, .waiting, .rejected, .closed]

        package let rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }
    }

    /// How certificates are checked on the way to the engine, see `TransportOptions.Verification`.
    package struct Verification: OpenEnum {
        package static let full = Self(rawValue: "full")
        package static let engineOnly = Self(rawValue: "engineOnly")
        package static let none = Self(rawValue: "none")
        package static let allCases: [Self] = [.full, .engineOnly, .none]

        package let rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }
    }

    /// Unique in this process.
    package var id: String
    package var context: String
    /// `host:port`, or the project that is looked up.
    package var engine: String
    package var state: State
    /// The engine's id for this client; null unless online.
    @OrNull package var clientId: String?
    /// When it entered its state.
    package var since: UTCTime
    /// Attempts since traffic last flowed.
    @Count package var attempt: Int
    /// Null unless `waiting` or `rejected`.
    @OrNull package var nextAttemptAt: UTCTime?
    /// Null when nothing failed since it was last online.
    @OrNull package var lastError: ErrorReport?
    /// The round trip of the last heartbeat; null before the first.
    @OrNull package var heartbeatRttSeconds: Double?
    /// When the token ends; null when that is not known.
    @OrNull package var tokenExpiresAt: UTCTime?
    /// When the client certificate ends; null when there is none.
    @OrNull package var certificateExpiresAt: UTCTime?
    /// Whose certificates are checked.
    package var verification: Verification
    /// Its warm connections.
    package var prewarm: PrewarmStatus
    /// Its canary; null where none is configured.
    @OrNull package var canary: CanaryStatus?

    package init(
        id: String,
        context: String,
        engine: String,
        state: State,
        clientId: String? = nil,
        since: UTCTime,
        attempt: Int = 0,
        nextAttemptAt: UTCTime? = nil,
        lastError: ErrorReport? = nil,
        heartbeatRttSeconds: Double? = nil,
        tokenExpiresAt: UTCTime? = nil,
        certificateExpiresAt: UTCTime? = nil,
        verification: TransportOptions.Verification = .full,
        prewarm: PrewarmStatus = PrewarmStatus(),
        canary: CanaryStatus? = nil
    ) {
        self.id = id
        self.context = context
        self.engine = engine
        self.state = state
        _clientId = OrNull(wrappedValue: clientId)
        self.since = since
        self.attempt = attempt
        _nextAttemptAt = OrNull(wrappedValue: nextAttemptAt)
        _lastError = OrNull(wrappedValue: lastError)
        _heartbeatRttSeconds = OrNull(wrappedValue: heartbeatRttSeconds)
        _tokenExpiresAt = OrNull(wrappedValue: tokenExpiresAt)
        _certificateExpiresAt = OrNull(wrappedValue: certificateExpiresAt)
        self.verification = Verification(rawValue: verification.rawValue)
        self.prewarm = prewarm
        _canary = OrNull(wrappedValue: canary)
    }
}

extension KeyedDecodingContainer {
    /// A daemon that does not send it always checks everything.
    package func decode(
        _: SessionStatus.Verification.Type,
        forKey key: Key
    ) throws -> SessionStatus.Verification {
        try decodeIfPresent(SessionStatus.Verification.self, forKey: key) ?? .full
    }
}

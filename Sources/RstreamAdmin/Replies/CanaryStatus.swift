// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// Streams that the daemon sends through the engine and back to itself, of one session since it came online.
package struct CanaryStatus: Codable, Hashable, Sendable {
    package struct State: OpenEnum {
        /// Nothing is known yet.
        package static let waiting = Self(rawValue: "waiting")
        package static let passing = Self(rawValue: "passing")
        /// An operator should know.
        package static let failing = Self(rawValue: "failing")
        package static let allCases: [Self] = [.waiting, .passing, .failing]

        package let rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }
    }

    package var state: State
    /// When the last attempt ended; null before the first.
    @OrNull package var at: UTCTime?
    /// How long the last attempt took that passed; null before that.
    @OrNull package var durationSeconds: Double?
    /// Failures since the last attempt that passed.
    @Count package var failures: Int
    /// Why the last attempt failed; null when it did not.
    @OrNull package var lastError: ErrorReport?

    package init(
        state: State = .waiting,
        at: UTCTime? = nil,
        durationSeconds: Double? = nil,
        failures: Int = 0,
        lastError: ErrorReport? = nil
    ) {
        self.state = state
        _at = OrNull(wrappedValue: at)
        _durationSeconds = OrNull(wrappedValue: durationSeconds)
        _failures = Count(wrappedValue: failures)
        _lastError = OrNull(wrappedValue: lastError)
    }
}

/// What one attempt of a session's canary has found, for `POST /v1/sessions/{context}/canary`.
package struct CanaryReport: Codable, Hashable, Sendable {
    /// `passed`, `offline`, or the reason of a failure.
    package struct Outcome: OpenEnum {
        package static let passed = Self(rawValue: "passed")
        package static let refused = Self(rawValue: "refused")
        package static let unavailable = Self(rawValue: "unavailable")
        package static let unreachable = Self(rawValue: "unreachable")
        package static let timeout = Self(rawValue: "timeout")
        package static let lost = Self(rawValue: "lost")
        package static let altered = Self(rawValue: "altered")
        /// It was not tried, because the session is not online.
        package static let offline = Self(rawValue: "offline")
        package static let allCases: [Self] = [
            .passed, .refused, .unavailable, .unreachable, .timeout, .lost, .altered, .offline,
        ]

        package let rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }
    }

    /// The session's id.
    package var session: String
    /// The context that the session is named after.
    package var context: String
    package var outcome: Outcome
    /// How long it took to come back; null when it did not.
    @OrNull package var durationSeconds: Double?
    /// Why it failed; null when it did not, or was not tried.
    @OrNull package var lastError: ErrorReport?

    package init(
        session: String,
        context: String,
        outcome: Outcome,
        durationSeconds: Double? = nil,
        lastError: ErrorReport? = nil
    ) {
        self.session = session
        self.context = context
        self.outcome = outcome
        _durationSeconds = OrNull(wrappedValue: durationSeconds)
        _lastError = OrNull(wrappedValue: lastError)
    }
}

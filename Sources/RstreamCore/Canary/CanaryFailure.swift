// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// Why an attempt of the canary failed: a word for metrics, and an error for people.
package struct CanaryFailure: Error, Hashable, Sendable {
    package enum Reason: String, Hashable, Sendable, CaseIterable {
        /// The engine does not permit it, or the credential cannot be used: waiting does not help.
        case refused
        /// The engine answered with an error that may pass.
        case unavailable
        /// No connection to the engine was made.
        case unreachable
        /// The time of the attempt was over.
        case timeout
        /// The stream or the tunnel ended before anything came back.
        case lost
        /// Something else came back than the daemon had sent.
        case altered
    }

    package let reason: Reason
    package let error: RstreamError

    /// The attempt ended with this error of the library.
    package init(_ cause: RstreamError) {
        let reason = Reason(cause)
        self.init(
            reason,
            code: cause.code,
            origin: cause.origin,
            retry: cause.retry,
            what: cause.what,
            // An engine's refusal has a fix for the tunnels of the configuration.
            fix: cause.code == .engine ? reason.fix : cause.fix ?? reason.fix,
            engineCode: cause.engineCode
        )
    }

    private init(
        _ reason: Reason,
        code: RstreamError.Code,
        origin: RstreamError.Origin = .engine,
        retry: RstreamError.Retry = .afterBackoff,
        what: String,
        fix: String,
        engineCode: EngineErrorCode? = nil
    ) {
        self.reason = reason
        error = RstreamError(
            code: code,
            origin: origin,
            retry: retry,
            what: "the canary did not come back: \(what)",
            fix: fix,
            engineCode: engineCode
        )
    }

    /// The attempt took longer than it may.
    package static func timedOut(after limit: Duration) -> Self {
        Self(
            .timeout,
            code: .operationTimeout,
            what: "nothing arrived through the engine within \(limit.secondsText)",
            fix: Reason.timeout.fix
        )
    }

    /// The stream ended too early.
    package static let lost = Self(
        .lost,
        code: .streamClosed,
        what: "the stream ended before its bytes had arrived",
        fix: Reason.lost.fix
    )

    /// What came back is not what was sent.
    package static let altered = Self(
        .altered,
        code: .protocolViolation,
        what: "other bytes came back than were sent",
        fix: Reason.altered.fix
    )
}

extension CanaryFailure.Reason {
    fileprivate init(_ cause: RstreamError) {
        self =
            switch cause.code {
            // It has forgotten a tunnel or a stream of its own.
            case .engine where [.tunnelNotFound, .invalidStream].contains(cause.engineCode): .lost
            case .engine: cause.retry == .afterBackoff ? .unavailable : .refused
            case .authRequired, .authConflict, .mtlsIncomplete, .tokenExpired, .certificateExpired: .refused
            case .operationTimeout: .timeout
            case .streamClosed, .tunnelClosed, .controlClosed, .controlLiveness, .protocolViolation: .lost
            default: .unreachable
            }
    }

    fileprivate var fix: String {
        switch self {
        case .refused: "permit the credential to open and to dial private tunnels, or remove canary from rstreamd.yaml"
        case .unavailable, .timeout, .lost:
            "visitors may not be served either: see the state of the engine, and of proxies on the way to it"
        case .unreachable: "see with rstreamctl doctor what is between this host and the engine"
        case .altered: "visitors may not be served either: see what the engine relays, and to whom"
        }
    }
}

/// How an attempt of the canary ended.
package enum CanaryOutcome: Hashable, Sendable {
    /// It came back, after this time.
    case passed(Duration)
    case failed(CanaryFailure)

    /// As metrics count it.
    package var result: String {
        switch self {
        case .passed: Self.passedResult
        case .failed(let failure): failure.reason.rawValue
        }
    }

    /// Every ``result``.
    package static var results: [String] { [passedResult] + CanaryFailure.Reason.allCases.map(\.rawValue) }

    private static let passedResult = "passed"
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamWire

/// How both sides agreed to detect that the other one is gone (PROTOCOL.md §3).
package enum Liveness: Hashable, Sendable {
    /// The client requested no heartbeats.
    case disabled
    /// The engine does not support liveness: heartbeats are sent, and no answer is expected.
    case legacy(interval: Duration)
    /// Silence for longer than `timeout` means that the engine is gone.
    case negotiated(interval: Duration, timeout: Duration)

    /// How often heartbeats are sent; nil for never.
    package var interval: Duration? {
        switch self {
        case .disabled: nil
        case .legacy(let interval), .negotiated(let interval, _): interval
        }
    }

    /// The heartbeat intervals that a client may request.
    package static let intervals: ClosedRange<Duration> = .seconds(1) ... .seconds(300)
    /// The longest timeout that an engine may answer with.
    package static let longestTimeout: Duration = .seconds(900)

    /// The interval as it is sent; nil unless it is in range and a whole number of milliseconds.
    package static func milliseconds(of interval: Duration) -> UInt32? {
        guard intervals.contains(interval) else { return nil }
        let (seconds, attoseconds) = interval.components
        let perMillisecond: Int64 = 1_000_000_000_000_000
        guard attoseconds % perMillisecond == 0 else { return nil }
        return UInt32(seconds * 1_000 + attoseconds / perMillisecond)
    }

    /// Judges the engine's answer to a request for heartbeats every `requested` milliseconds; nil for none.
    package static func negotiate(
        requested: UInt32?,
        answered: WireLiveness?
    ) -> Result<Liveness, ProtocolViolation> {
        switch (requested, answered) {
        case (nil, nil): return .success(.disabled)
        case (nil, .some): return .failure(.livenessNotRequested)
        case (let requested?, nil): return .success(.legacy(interval: .milliseconds(Int64(requested))))
        case (let requested?, let answered?):
            guard answered.intervalMilliseconds == requested else {
                return .failure(
                    .livenessInterval(requested: requested, answered: answered.intervalMilliseconds)
                )
            }
            let timeout = Duration.milliseconds(Int64(answered.timeoutMilliseconds))
            let interval = Duration.milliseconds(Int64(requested))
            guard (interval...longestTimeout).contains(timeout) else {
                return .failure(.livenessTimeout(milliseconds: answered.timeoutMilliseconds))
            }
            return .success(.negotiated(interval: interval, timeout: timeout))
        }
    }
}

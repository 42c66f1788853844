// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamWire

/// Counts heartbeats and their acknowledgements, and judges whether the engine still answers (PROTOCOL.md §4).
///
/// The shell runs the timers and calls the machine when one fires. Instants are of the continuous clock, so that the
/// time that the host is suspended counts as silence.
package struct HeartbeatStateMachine: Hashable, Sendable {
    package let liveness: Liveness
    private var sent: UInt64 = 0
    private var acknowledged: UInt64 = 0
    private var lastInbound: ContinuousClock.Instant
    /// When the last heartbeat was handed to the connection.
    private var lastSent: ContinuousClock.Instant?
    /// The round trip of the last heartbeat, if it was acknowledged before another one was sent. Stays nil in the
    /// legacy protocol, which has no acknowledgements.
    package private(set) var roundTrip: Duration?
    /// When the heartbeat that is still being written was handed to the connection.
    private var writingSince: ContinuousClock.Instant?

    package init(liveness: Liveness, openedAt: ContinuousClock.Instant) {
        self.liveness = liveness
        lastInbound = openedAt
    }

    package enum Due: Hashable, Sendable {
        case send(Heartbeat)
        /// The last one is still being written.
        case skip
        /// The last one was not written in time.
        case stalled
    }

    package enum Verdict: Hashable, Sendable {
        case alive(checkAgainAfter: Duration)
        case dead(silentFor: Duration)
    }

    /// The longest that writing one heartbeat may take.
    package var writeBound: Duration {
        switch liveness {
        case .disabled: .seconds(900)
        case .legacy(let interval): min(max(interval * 3, .seconds(60)), .seconds(900))
        case .negotiated(_, let timeout): timeout
        }
    }

    /// The heartbeat timer fired: at once after open, then every interval.
    package mutating func due(at now: ContinuousClock.Instant) -> Due {
        if let writingSince {
            return writingSince.duration(to: now) >= writeBound ? .stalled : .skip
        }
        writingSince = now
        lastSent = now
        if case .legacy = liveness { return .send(Heartbeat()) }
        // Zero means "no number", so the one after the largest is one.
        if sent == .max {
            sent = 0
            acknowledged = 0
        }
        sent += 1
        return .send(Heartbeat(sequence: sent))
    }

    /// The heartbeat was written to the network.
    package mutating func written() {
        writingSince = nil
    }

    /// Any frame arrived: the engine is alive.
    package mutating func frameReceived(at now: ContinuousClock.Instant) {
        lastInbound = now
    }

    /// Judges a heartbeat of the engine. Returns what is wrong with it.
    package mutating func received(_ heartbeat: Heartbeat) -> ProtocolViolation? {
        switch liveness {
        case .disabled: return .heartbeatNotExpected
        case .legacy: return heartbeat == Heartbeat() ? nil : .heartbeatNotExpected
        case .negotiated:
            guard heartbeat.sequence == 0 else { return .heartbeatSequence(heartbeat.sequence) }
            guard heartbeat.acknowledgement > acknowledged, heartbeat.acknowledgement <= sent else {
                return .heartbeatAcknowledgement(heartbeat.acknowledgement, last: acknowledged, sent: sent)
            }
            acknowledged = heartbeat.acknowledgement
            roundTrip = acknowledged == sent ? lastSent?.duration(to: lastInbound) : nil
            return nil
        }
    }

    /// The liveness timer fired; nil where silence means nothing.
    package func judge(at now: ContinuousClock.Instant) -> Verdict? {
        guard case .negotiated(_, let timeout) = liveness else { return nil }
        let silence = lastInbound.duration(to: now)
        return silence >= timeout ? .dead(silentFor: silence) : .alive(checkAgainAfter: timeout - silence)
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamDaemonModel
package import RstreamModel

/// The state of a stream (contract §4). A closed one is in no snapshot.
package enum StreamState: String, Hashable, Sendable, CaseIterable {
    /// Its halves are being made.
    case opening
    /// Its upstream could not be reached and is dialed again within `holdTimeout`.
    case holding
    /// Bytes are carried.
    case relaying
    /// A reload or a stop has changed or removed its tunnel or listener; it may run to its own end.
    case draining
}

/// One stream at one moment.
package struct StreamSnapshot: Hashable, Sendable {
    /// Unique in this process; the argument of ``StreamTable/cut(_:)``.
    package let id: UInt64
    package let origin: StreamOrigin
    package let state: StreamState
    package let openedAt: UTCTime
    /// Bytes that came from the engine.
    package let received: Int
    /// Bytes that came from the local side.
    package let sent: Int
}

/// The totals of a tunnel's or listener's streams.
package struct StreamTotals: Hashable, Sendable {
    /// Open now, those that are still being dialed included.
    package var active = 0
    /// Those that have ended, by outcome.
    package var ended: [StreamOutcome: Int] = [:]
    /// Those that were refused, by reason.
    package var refused: [RefusalReason: Int] = [:]
    /// Bytes that came from the engine, those of open streams included.
    package var received = 0
    /// Bytes that came from the local side, those of open streams included.
    package var sent = 0
    /// From the request for a stream until bytes are carried.
    package var opening = Histogram()
    /// Dials of the upstream that succeeded.
    package var connecting = Histogram()

    /// All that were ever requested.
    package var total: Int { active + ended.values.reduce(0, +) }

    /// Those among them that were not served: refused, not connected to their service, or broken by it.
    package var failed = 0

    package init() {}

    /// Adds what was counted elsewhere, except for streams that are open there.
    package mutating func add(_ other: StreamTotals) {
        ended.merge(other.ended) { $0 &+ $1 }
        refused.merge(other.refused) { $0 &+ $1 }
        received &+= other.received
        sent &+= other.sent
        failed &+= other.failed
        opening.add(other.opening)
        connecting.add(other.connecting)
    }
}

package import RstreamDaemonModel
package import RstreamModel

/// How far a stream has come (contract §4). A closed one is in no snapshot.
package enum StreamState: String, Hashable, Sendable, CaseIterable {
    /// The halves are being dialed.
    case opening
    /// Its upstream refuses or is missing; the stream waits for it.
    case holding
    /// Bytes are carried.
    case relaying
    /// Left over from what a reload or a stop has ended; it may run to its own end.
    case draining
}

/// One stream as it was at one moment.
package struct StreamSnapshot: Hashable, Sendable {
    /// Unique in this process, and what ``StreamTable/cut(_:)`` wants.
    package let id: UInt64
    /// What the engine calls the stream, if it said: the `stream_id` of the log.
    package let engineID: String?
    /// Who connected, if that is known.
    package let source: IPAddress?
    package let state: StreamState
    package let openedAt: UTCTime
    /// Bytes that came from the engine.
    package let received: Int
    /// Bytes that came from the local side.
    package let sent: Int
}

/// What the streams of a tunnel or a listener add up to.
package struct StreamTotals: Hashable, Sendable {
    /// Open now, those that are still being dialed included.
    package var active = 0
    /// Those that have ended, by what became of them.
    package var ended: [StreamOutcome: Int] = [:]
    /// Bytes that came from the engine, those of open streams included.
    package var received = 0
    /// Bytes that came from the local side, those of open streams included.
    package var sent = 0
    /// From the moment that a stream is offered until bytes are carried.
    package var opening = Histogram()
    /// Dials of the upstream that succeeded.
    package var connecting = Histogram()

    /// All that were ever asked for.
    package var total: Int { active + ended.values.reduce(0, +) }

    /// Those among them that were not served: refused, their other side not to be reached, or broken off by it.
    package var failed = 0

    package init() {}
}

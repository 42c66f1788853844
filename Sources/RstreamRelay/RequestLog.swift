// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import DequeModule
internal import Linux
internal import RstreamModel
internal import Synchronization

/// What the requests that wait for their responses take of memory, of all streams of the daemon.
package final class RequestMemory: Sendable {
    /// Beyond it, streams are no longer inspected.
    package static let most = 8 * 1_024 * 1_024

    private let taken = Atomic(0)

    package init() {}

    /// The most that all requests of so many inspected tunnels take: those that are kept, and those that wait. That is
    /// what `limits.streams` leaves to them, and what the documents say.
    package static func mostOfAll(inspected tunnels: Int) -> Int {
        tunnels > 0 ? most + min(tunnels * RequestRing.mostMemory, RequestRing.mostMemoryOfAll) : 0
    }

    var room: Int { Self.most - taken.load(ordering: .relaxed) }

    func change(by difference: Int) {
        if difference != 0 { taken.wrappingAdd(difference, ordering: .relaxed) }
    }
}

/// The latest requests of one tunnel, while it is inspected (`inspect`, contract §3.3). They are in memory only.
///
/// Guarded by one mutex, taken when requests end and for each query; whether there is an inspection is atomic.
package final class RequestLog: Sendable {
    private let ring = Lock(RequestRing())
    /// Counts each beginning and each end of the inspection: odd while the tunnel is inspected.
    private let turns = Atomic(0)
    let memory: RequestMemory

    package init(memory: RequestMemory = RequestMemory()) {
        self.memory = memory
    }

    /// Whether streams that begin now are inspected.
    package var isOn: Bool { !turns.load(ordering: .relaxed).isMultiple(of: 2) }

    /// From now on streams that begin are inspected, and requests may take `room` bytes of memory; nil ends that, and
    /// forgets all requests. By the daemon's request loop only.
    package func inspect(room: Int?) {
        ring.withLock { ring in
            ring.limit(to: room ?? 0)
            if isOn != (room != nil) { turns.add(1, ordering: .relaxed) }
        }
    }

    /// The requests that ended last, the oldest first, and how many there were in all.
    package var latest: (requests: [LoggedRequest], total: Int) {
        ring.withLock { (Array($0.requests), $0.total) }
    }

    /// The requests of all these tunnels that ended last, at most so many and the last one first, each with the index of
    /// its log; and how many are kept in all.
    package static func newest(
        _ most: Int,
        of logs: [RequestLog]
    ) -> (requests: [(log: Int, request: LoggedRequest)], kept: Int) {
        // What is kept is not copied: a tunnel whose requests change meanwhile copies its own.
        let rings = logs.map { log in log.ring.withLock { $0.requests } }
        let newest = NewestRequests(of: rings).prefix(most).map { (log: $0.ring, request: $0.request) }
        return (newest, rings.reduce(0) { $0 + $1.count })
    }

    /// The inspection of a stream that begins; nil where its tunnel is not inspected.
    func inspection(of stream: UInt64, _ source: IPAddress?) -> StreamInspection? {
        let turn = turns.load(ordering: .relaxed)
        return turn.isMultiple(of: 2) ? nil : StreamInspection(of: stream, source, in: turn, of: self)
    }

    /// Whether the inspection that began with this turn goes on.
    func isOn(since turn: Int) -> Bool { turns.load(ordering: .relaxed) == turn }

    func add(_ requests: [InspectedRequest], of stream: UInt64, _ source: IPAddress?, since turn: Int) {
        let now = UTCTime.now
        ring.withLock { ring in
            guard isOn(since: turn) else { return }
            for request in requests { ring.append(request, of: stream, source, endedAt: now) }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import DequeModule
internal import Linux
internal import RstreamModel
internal import Synchronization

/// What the requests that wait for their responses, and for clients that capture them, take of memory, of all streams of
/// the daemon.
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

    /// The same for what goes with bodies: half of all is left to inspections without them.
    var roomForBodies: Int { max(0, room - Self.most / 2) }

    func change(by difference: Int) {
        if difference != 0 { taken.wrappingAdd(difference, ordering: .relaxed) }
    }
}

/// The latest requests of one tunnel, while it is inspected (`inspect`, contract §3.3). They are in memory only.
///
/// Guarded by one mutex, taken when requests end and for each query; whether there is an inspection, and whether a client
/// captures its requests, is atomic.
package final class RequestLog: Sendable {
    private struct State {
        var ring = RequestRing()
        var captures: [RequestCapture] = []
    }

    private let state = Lock(State())
    /// Whether there is a capture.
    private let isCaptured = Atomic(false)
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
        state.withLock { state in
            state.ring.limit(to: room ?? 0)
            if isOn != (room != nil) { turns.add(1, ordering: .relaxed) }
            if room == nil { endCaptures(of: &state) { _ in true } }
        }
    }

    /// From now on until ``end(_:)``, or until the inspection ends, the capture gets every request that ends, and bodies
    /// are kept of those that begin. Nil where the tunnel is not inspected.
    package func capture() -> RequestCapture? {
        state.withLock { state in
            guard isOn else { return nil }
            let capture = RequestCapture(memory: memory)
            state.captures.append(capture)
            isCaptured.store(true, ordering: .relaxed)
            return capture
        }
    }

    /// Ends a capture. It may have ended before.
    package func end(_ capture: RequestCapture) {
        state.withLock { endCaptures(of: &$0) { $0 === capture } }
    }

    private func endCaptures(of state: inout State, where isMeant: (RequestCapture) -> Bool) {
        for capture in state.captures where isMeant(capture) { capture.end() }
        state.captures.removeAll(where: isMeant)
        isCaptured.store(!state.captures.isEmpty, ordering: .relaxed)
    }

    /// The requests that ended last, the oldest first, and how many there were in all.
    package var latest: (requests: [LoggedRequest], total: Int) {
        state.withLock { (Array($0.ring.requests), $0.ring.total) }
    }

    /// The requests of all these tunnels that ended last, at most so many and the last one first, each with the index of
    /// its log; and how many are kept in all.
    package static func newest(
        _ most: Int,
        of logs: [RequestLog]
    ) -> (requests: [(log: Int, request: LoggedRequest)], kept: Int) {
        // What is kept is not copied: a tunnel whose requests change meanwhile copies its own.
        let rings = logs.map { log in log.state.withLock { $0.ring.requests } }
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

    /// What bodies of requests that begin now may take of memory; nil where no client asks for them.
    var roomForBodies: Int? { isCaptured.load(ordering: .relaxed) ? memory.roomForBodies : nil }

    func add(_ requests: [InspectedRequest], of stream: UInt64, _ source: IPAddress?, since turn: Int) {
        let now = UTCTime.now
        state.withLock { state in
            guard isOn(since: turn) else { return }
            for request in requests {
                let logged = state.ring.append(request, of: stream, source, endedAt: now)
                for capture in state.captures { capture.add(logged) }
            }
        }
    }
}

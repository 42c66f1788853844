// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import DequeModule

/// The requests of several tunnels, the one that ended last first. Of those that ended at the same time, those of an
/// earlier tunnel come first.
///
/// The requests of each tunnel are in their order already, so a heap of the tunnels' next ones finds each in a few
/// steps. What is not asked for costs nothing.
struct NewestRequests: Sequence, IteratorProtocol {
    /// A request by its tunnel and its place among the requests of that.
    private struct Place {
        let ring: Int
        var index: Int
    }

    private let rings: [Deque<LoggedRequest>]
    /// The next one of each tunnel, as a heap: one is no older than the two behind it at twice its place.
    private var places: [Place] = []

    init(of rings: [Deque<LoggedRequest>]) {
        self.rings = rings
        for (number, ring) in rings.enumerated() where !ring.isEmpty {
            places.append(Place(ring: number, index: ring.count - 1))
        }
        for start in places.indices.reversed() { sink(from: start) }
    }

    mutating func next() -> (ring: Int, request: LoggedRequest)? {
        guard let place = places.first, let last = places.last else { return nil }
        if place.index > 0 {
            places[0].index -= 1
        } else {
            places[0] = last
            places.removeLast()
        }
        sink(from: 0)
        return (place.ring, request(at: place))
    }

    private func request(at place: Place) -> LoggedRequest { rings[place.ring][place.index] }

    private mutating func sink(from start: Int) {
        var parent = start
        while true {
            var newest = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < places.count && isNewer(child, than: newest) {
                newest = child
            }
            guard newest != parent else { return }
            places.swapAt(parent, newest)
            parent = newest
        }
    }

    private func isNewer(_ first: Int, than second: Int) -> Bool {
        let (one, other) = (request(at: places[first]).ended, request(at: places[second]).ended)
        return one == other ? places[first].ring < places[second].ring : one > other
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Calls in the order of their times, on a clock that only they move. Calls of one time come in the order in which they
/// were entered.
///
/// Times are milliseconds since the beginning.
struct Agenda {
    /// Whose call it is: a process that is suspended does nothing meanwhile, and one that has died does nothing any more.
    enum Owner: Hashable {
        case world
        case process(Int)
    }

    struct Entry {
        let time: Int
        let number: Int
        let owner: Owner
        let call: () -> Void

        func isBefore(_ other: Entry) -> Bool { (time, number) < (other.time, other.number) }
    }

    private(set) var now = 0
    private var heap: [Entry] = []
    private var last = 0

    mutating func enter(at time: Int, _ owner: Owner, _ call: @escaping () -> Void) {
        last += 1
        heap.append(Entry(time: max(time, now), number: last, owner: owner, call: call))
        var child = heap.count - 1
        while child > 0, heap[child].isBefore(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// Takes the next call, whose time it is then.
    mutating func next() -> Entry? {
        guard let first = heap.first else { return nil }
        let moved = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = moved
            var parent = 0
            while true {
                var least = parent
                for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                    if heap[child].isBefore(heap[least]) { least = child }
                }
                guard least != parent else { break }
                heap.swapAt(parent, least)
                parent = least
            }
        }
        now = first.time
        return first
    }

    mutating func clear() { heap = [] }
}

/// A call that can be taken back.
final class SimulatedTimer {
    let due: Int
    private(set) var isArmed = true

    init(due: Int) {
        self.due = due
    }

    func cancel() { isArmed = false }
}

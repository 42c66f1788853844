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
        let owner: Owner
        let call: () -> Void
    }

    /// What the heap is ordered by, without the call: three numbers move faster than what has to be retained.
    private struct Key {
        let time: Int
        let number: Int
        /// In `entries`.
        let place: Int

        func isBefore(_ other: Key) -> Bool {
            time < other.time || time == other.time && number < other.number
        }
    }

    private(set) var now = 0
    private var heap: [Key] = []
    private var entries: [Entry?] = []
    private var free: [Int] = []
    private var last = 0

    mutating func enter(at time: Int, _ owner: Owner, _ call: @escaping () -> Void) {
        last += 1
        let entry = Entry(owner: owner, call: call)
        let place: Int
        if let old = free.popLast() {
            (place, entries[old]) = (old, entry)
        } else {
            place = entries.count
            entries.append(entry)
        }
        let key = Key(time: max(time, now), number: last, place: place)
        heap.append(key)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard key.isBefore(heap[parent]) else { break }
            heap[child] = heap[parent]
            child = parent
        }
        heap[child] = key
    }

    /// Takes the next call, whose time it is then.
    mutating func next() -> Entry? {
        guard let first = heap.first, let moved = heap.popLast() else { return nil }
        if !heap.isEmpty { sink(moved) }
        now = first.time
        free.append(first.place)
        defer { entries[first.place] = nil }
        return entries[first.place]
    }

    /// Puts a key in the place of the first one, and down from there.
    private mutating func sink(_ key: Key) {
        var parent = 0
        while true {
            var least = 2 * parent + 1
            guard least < heap.count else { break }
            if least + 1 < heap.count, heap[least + 1].isBefore(heap[least]) { least += 1 }
            guard heap[least].isBefore(key) else { break }
            heap[parent] = heap[least]
            parent = least
        }
        heap[parent] = key
    }

    mutating func clear() { (heap, entries, free) = ([], [], []) }
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

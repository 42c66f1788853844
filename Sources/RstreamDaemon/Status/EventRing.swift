// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import DequeModule
internal import Linux
internal import RstreamAdmin
internal import RstreamModel
internal import Synchronization

/// The latest events, for any number of readers that read at their own pace (contract §6).
///
/// A reader is only the number of the event that it reads next, so a slow one costs nothing and delays no other; it
/// learns from ``Reading/missed`` how many events it has lost. Guarded by a mutex.
final class EventRing: Sendable {
    /// The result of one read.
    struct Reading: Sendable {
        /// Events after the reader's last one that the ring no longer has.
        var missed: Int
        /// Whether the reader's last event was another process's, so that more than ``missed`` may be missing.
        var isFromOtherProcess: Bool
        var records: [EventRecord]
        var events: [Event] { records.map(\.event) }
        /// The number to read from next.
        var next: Int
    }

    private struct State {
        /// The number of the next event.
        var next: Int
        var records: Deque<EventRecord> = []
        /// How many changes of reloads the records hold.
        var changes = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter = 0
        var isClosed = false
        var readers = 0
        /// Called after each event.
        var observer: (@Sendable () -> Void)?

        /// Appends an event, and drops the oldest ones beyond the limits.
        mutating func append(_ record: EventRecord) {
            records.append(record)
            changes += record.event.changes?.count ?? 0
            while records.count > capacity || changes > maximumChanges && records.count > 1 {
                changes -= records.removeFirst().event.changes?.count ?? 0
            }
        }
    }

    /// How many events the ring holds.
    static let capacity = 1_024
    /// How many changes of reloads the ring holds: a reload of a thousand tunnels is larger than all other events
    /// together. The latest event is kept whatever its size.
    static let maximumChanges = 16_384

    private let state: Lock<State>
    private let firstID: Int
    private let now: @Sendable () -> UTCTime

    /// Numbers begin at `firstID`, which must be greater than any number of the previous process, so that a reader that
    /// reconnects with an older one learns that it has missed events.
    init(firstID: Int, now: @escaping @Sendable () -> UTCTime) {
        state = Lock(State(next: firstID))
        self.firstID = firstID
        self.now = now
    }

    /// A million numbers for each second: no process publishes that many.
    static func firstID(at time: UTCTime) -> Int { Int(time.milliseconds / 1_000) * 1_000_000 }

    /// Publishes an event with the current time.
    func publish(_ type: String, _ fill: (inout Event) -> Void = { _ in }) {
        var event = Event(time: now(), type: type)
        fill(&event)
        publish(event)
    }

    /// Publishes an event; its number is set here.
    func publish(_ event: Event) {
        let (waiters, observer) = state.withLock { state in
            var event = event
            event.id = state.next
            state.next += 1
            state.append(EventRecord(event))
            defer { state.waiters = [:] }
            return (Array(state.waiters.values), state.observer)
        }
        for waiter in waiters { waiter.resume() }
        observer?()
    }

    /// Calls `body` after each event from now on, on any thread; nil ends that. One at a time.
    func observe(_ body: (@Sendable () -> Void)?) { state.withLock { $0.observer = body } }

    /// The number of the next event, for a reader that starts now.
    var next: Int { state.withLock { $0.next } }

    /// The `next` of a reader that wants every event in the ring.
    static let oldest = 0

    /// The events from `next` on, without waiting.
    func read(from next: Int) -> Reading {
        state.withLock { state in
            let first = state.next - state.records.count
            let isKnown = (firstID...state.next).contains(next)
            let wanted = isKnown ? next : next == Self.oldest ? first : firstID
            return Reading(
                missed: max(0, first - wanted),
                isFromOtherProcess: !isKnown && next != Self.oldest,
                records: Array(state.records.dropFirst(max(0, wanted - first))),
                next: state.next
            )
        }
    }

    /// Waits for an event of number `next` or greater. Returns false when the ring was closed or the task was cancelled
    /// before.
    func wait(for next: Int) async -> Bool {
        await suspend { $0.next > next || $0.isClosed }
        return state.withLock { $0.next > next || !$0.isClosed } && !Task.isCancelled
    }

    /// Waits until the ring is closed, or the task is cancelled.
    func waitUntilClosed() async {
        while !state.withLock(\.isClosed), !Task.isCancelled {
            await suspend { $0.isClosed }
        }
    }

    /// Waits until it is so, or something has changed, or the task is cancelled.
    private func suspend(until isMet: @Sendable (State) -> Bool) async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    // Cancelled before the waiter was added: the handler below has found none.
                    if isMet(state) || Task.isCancelled { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }

    /// Runs `body` as a reader, which ``waitUntilUnread()`` waits for.
    func withReader<Failure>(_ body: () async throws(Failure) -> Void) async throws(Failure) {
        state.withLock { $0.readers += 1 }
        defer { wakeAll { $0.readers -= 1 } }
        try await body()
    }

    /// Ends the stream of events: waiting readers return.
    func close() {
        wakeAll { $0.isClosed = true }
    }

    /// Waits until the last reader has ended after ``close()``, or until the task is cancelled.
    func waitUntilUnread() async {
        while state.withLock({ $0.readers > 0 }), !Task.isCancelled {
            await suspend { $0.readers == 0 }
        }
    }

    private func wakeAll(_ change: (inout State) -> Void) {
        let waiters = state.withLock { state in
            change(&state)
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }
}

/// An event, and its encoded text, which the first reader makes and the others share.
final class EventRecord: Sendable {
    let event: Event
    private let encoded = Lock<String?>(nil)

    init(_ event: Event) { self.event = event }

    /// The result of the first call's `encode`; all callers must pass the same encoding.
    func text(_ encode: (Event) -> String) -> String {
        encoded.withLock { encoded in
            if let encoded { return encoded }
            let text = encode(event)
            encoded = text
            return text
        }
    }
}

internal import DequeModule
internal import RstreamAdmin
internal import RstreamModel
internal import Synchronization

/// The last events, for any number of readers that each go at their own pace (contract §6).
///
/// A reader is nothing but the number of the event it wants next, so one that does not keep up costs nothing and delays
/// nobody: what was overwritten meanwhile it is told as ``Reading/missed``. Guarded by a mutex.
final class EventRing: Sendable {
    /// What a reader gets at once.
    struct Reading: Sendable {
        /// Events that came after the reader's last one and are not here any more.
        var missed: Int
        /// Whether the reader's last one was another process's, so that more than ``missed`` may be missing.
        var isFromElsewhere: Bool
        var records: [EventRecord]
        var events: [Event] { records.map(\.event) }
        /// What the reader wants next.
        var next: Int
    }

    private struct State {
        /// The number of the event that comes next.
        var next: Int
        var records: Deque<EventRecord> = []
        /// Changes of reloads that are in them.
        var changes = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter = 0
        var isClosed = false
        var readers = 0

        /// Takes an event in, and forgets the oldest where there are too many.
        mutating func append(_ record: EventRecord) {
            records.append(record)
            changes += record.event.changes?.count ?? 0
            while records.count > capacity || changes > mostChanges && records.count > 1 {
                changes -= records.removeFirst().event.changes?.count ?? 0
            }
        }
    }

    /// How many events a reader may come back for.
    static let capacity = 1_024
    /// How many changes there may be in them: a reload of a thousand tunnels weighs more than all the other events. The
    /// last event is kept, whatever it weighs.
    static let mostChanges = 16_384

    private let state: Mutex<State>
    private let firstID: Int
    private let now: @Sendable () -> UTCTime

    /// Numbers begin at `firstID`, which has to be greater than those of the process before, so that a reader that comes
    /// back with an older one is told that it missed something.
    init(firstID: Int, now: @escaping @Sendable () -> UTCTime) {
        state = Mutex(State(next: firstID))
        self.firstID = firstID
        self.now = now
    }

    /// A million events for each second are room enough for one process's life.
    static func firstID(at time: UTCTime) -> Int { Int(time.milliseconds / 1_000) * 1_000_000 }

    /// Takes an event in; its number and time are set here.
    func publish(_ type: String, _ fill: (inout Event) -> Void = { _ in }) {
        var event = Event(time: now(), type: type)
        fill(&event)
        publish(event)
    }

    /// Takes an event in that has its time; its number is set here.
    func publish(_ event: Event) {
        let waiters = state.withLock { state in
            var event = event
            event.id = state.next
            state.next += 1
            state.append(EventRecord(event))
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }

    /// The number of the event that comes next, for a reader that wants to begin now.
    var next: Int { state.withLock { $0.next } }

    /// What a reader wants who wants everything that there is.
    static let oldest = 0

    /// What there is from `next` on; nothing is waited for.
    func read(from next: Int) -> Reading {
        state.withLock { state in
            let first = state.next - state.records.count
            let isKnown = (firstID...state.next).contains(next)
            let wanted = isKnown ? next : next == Self.oldest ? first : firstID
            return Reading(
                missed: max(0, first - wanted),
                isFromElsewhere: !isKnown && next != Self.oldest,
                records: Array(state.records.dropFirst(max(0, wanted - first))),
                next: state.next
            )
        }
    }

    /// Returns when there is an event of number `next` or greater, when the ring is closed, or when the task is
    /// cancelled; false when there will be none.
    func wait(for next: Int) async -> Bool {
        await suspend { $0.next > next || $0.isClosed }
        return state.withLock { $0.next > next || !$0.isClosed } && !Task.isCancelled
    }

    private func suspend(until isMet: @Sendable (State) -> Bool) async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    // Cancelled before it waits: the handler below found nobody.
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

    /// Counts whoever runs `body` as a reader.
    func withReader<Failure>(_ body: () async throws(Failure) -> Void) async throws(Failure) {
        state.withLock { $0.readers += 1 }
        defer { wakeAll { $0.readers -= 1 } }
        try await body()
    }

    /// Nothing happens any more: readers come to their end.
    func close() {
        wakeAll { $0.isClosed = true }
    }

    /// Returns when the last reader has come to its end after ``close()``, or when the task is cancelled.
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

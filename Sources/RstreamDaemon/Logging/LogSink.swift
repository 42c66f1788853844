internal import Glibc
internal import Logging
internal import Synchronization

/// Takes log lines from whoever has one, and writes them on a thread of its own.
///
/// Who logs never waits: what the thread cannot get rid of is queued, and what the queue cannot hold is lost and
/// counted. One line says how many were lost, at the place where they are missing, once half of the queue is free.
///
/// What waits is guarded by a mutex that is never held during a write.
package final class LogSink: @unchecked Sendable {  // The semaphores are made once, and every use of them is safe.
    /// What a queue holds before lines are lost.
    package struct Capacity: Hashable, Sendable {
        package var lines: Int
        /// UTF-8 of messages and facts, and a little more for each line.
        package var bytes: Int

        package init(lines: Int = 1_024, bytes: Int = 1 << 20) {
            (self.lines, self.bytes) = (lines, bytes)
        }
    }

    private struct State {
        var waiting: [LogRecord] = []
        /// Of what waits and of what is being written.
        var lines = 0
        var bytes = 0
        /// Since the last line that says so.
        var lost = 0
        var isIdle = false
        var isClosed = false

        mutating func append(_ record: LogRecord) {
            waiting.append(record)
            lines += 1
            bytes += record.size
        }

        /// Whether the thread sleeps; whoever asks wakes it.
        mutating func wake() -> Bool {
            defer { isIdle = false }
            return isIdle
        }

        mutating func tellLosses() {
            append(LogRecord(.warning, LogSink.lostLines, ["count": "\(lost)"]))
            lost = 0
        }
    }

    static let lostLines = "log lines were lost, they were not read fast enough"

    private let capacity: Capacity
    private let write: @Sendable (LogRecord) -> Void
    private let state = Mutex(State())
    private let work = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    private let finished = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    /// Writes as `format` says from now on, until ``close(within:)``.
    package convenience init(_ format: LogFormatSwitch) {
        self.init { format.write($0) }
    }

    /// Calls `write` for one line after the other, always on the same thread, which it may block.
    init(capacity: Capacity = Capacity(), write: @escaping @Sendable (LogRecord) -> Void) {
        self.capacity = capacity
        self.write = write
        sem_init(work, 0, 0)
        sem_init(finished, 0, 0)
        // The thread holds the sink until it has ended.
        let sink = Unmanaged.passRetained(self)
        var thread = pthread_t()
        let failure = pthread_create(
            &thread,
            nil,
            { sink in
                sink.map { Unmanaged<LogSink>.fromOpaque($0).takeRetainedValue().run() }
                return nil
            },
            sink.toOpaque()
        )
        precondition(failure == 0, "a process that may not have a second thread cannot serve")
        pthread_detach(thread)
    }

    deinit {
        for semaphore in [work, finished] {
            sem_destroy(semaphore)
            semaphore.deallocate()
        }
    }

    /// Queues a line, or counts it as lost. Returns at once.
    func take(_ record: LogRecord) {
        let wakes = state.withLock { state in
            guard !state.isClosed else { return false }
            if state.lost > 0 {
                // Lines that come one by one as a slow reader takes them one by one would each need an excuse.
                guard state.lines <= capacity.lines / 2, state.bytes <= capacity.bytes / 2 else {
                    state.lost += 1
                    return false
                }
                state.tellLosses()
            }
            guard state.lines < capacity.lines, state.bytes + record.size <= capacity.bytes else {
                state.lost += 1
                return false
            }
            state.append(record)
            return state.wake()
        }
        if wakes { sem_post(work) }
    }

    /// Writes what is queued, but waits no longer than `limit` for it; takes nothing more. The last thing that a
    /// process does: it blocks the calling thread.
    package func close(within limit: Duration) {
        let (isFirst, wakes) = state.withLock { state in
            defer { state.isClosed = true }
            return (!state.isClosed, state.wake())
        }
        if wakes { sem_post(work) }
        guard isFirst else { return }
        var end = timespec()
        clock_gettime(CLOCK_REALTIME, &end)
        let (seconds, attoseconds) = limit.components
        let nanoseconds = end.tv_nsec + Int(attoseconds / 1_000_000_000)
        end.tv_sec += Int(seconds) + nanoseconds / 1_000_000_000
        end.tv_nsec = nanoseconds % 1_000_000_000
        while sem_timedwait(finished, &end) != 0, errno == EINTR {}
    }

    // MARK: The thread

    private func run() {
        // Signals are for threads that have something to do with them.
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
        while let records = next() {
            if records.isEmpty { sem_wait(work) }
            for record in records {
                write(record)
                state.withLock { state in
                    state.lines -= 1
                    state.bytes -= record.size
                }
            }
        }
        sem_post(finished)
    }

    /// What waits; empty when nothing does, nil when nothing will any more.
    private func next() -> [LogRecord]? {
        state.withLock { state in
            if state.waiting.isEmpty, state.lost > 0 { state.tellLosses() }
            if state.waiting.isEmpty, state.isClosed { return nil }
            state.isIdle = state.waiting.isEmpty
            defer { state.waiting = [] }
            return state.waiting
        }
    }
}

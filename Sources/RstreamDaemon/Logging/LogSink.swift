internal import Glibc
internal import Logging
internal import Synchronization

/// Takes log lines from whoever has one, and writes them on a thread of its own.
///
/// Who logs never waits: what the thread cannot get rid of is queued, and what the queue cannot hold is lost and
/// counted. One line says how many were lost, at the place where they are missing, once half of the queue is free.
///
/// Where no thread is to be had at all, whoever logs first writes, for all who log meanwhile: a line that comes late is
/// better than none, and than the end of the process.
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
        /// Nobody is about to look for more.
        var isIdle = false
        var isClosed = false
        var hasThread = true

        mutating func append(_ record: LogRecord) {
            waiting.append(record)
            lines += 1
            bytes += record.size
        }

        /// Whom to tell that there is something to do; whoever asks tells them.
        mutating func wake() -> Waking {
            guard isIdle else { return .nobody }
            isIdle = false
            return hasThread ? .thread : .caller
        }

        mutating func tellLosses() {
            append(LogRecord(.warning, LogSink.lostLines, ["count": .stringConvertible(lost)]))
            lost = 0
        }
    }

    private enum Waking {
        case nobody
        case thread
        /// There is no thread.
        case caller
    }

    static let lostLines = "log lines dropped"

    private let capacity: Capacity
    private let write: @Sendable (LogRecord) -> Void
    private let state = Mutex(State())
    private let work = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    private let finished = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    /// Writes as `format` says from now on, until ``close(within:)``.
    package convenience init(_ format: LogFormatSwitch) {
        self.init { format.write($0) }
    }

    /// Calls `write` for one line after the other, on the thread that `start` has started, which it may block.
    init(
        capacity: Capacity = Capacity(),
        start: (LogSink) -> Bool = { $0.startThread() },
        write: @escaping @Sendable (LogRecord) -> Void
    ) {
        self.capacity = capacity
        self.write = write
        sem_init(work, 0, 0)
        sem_init(finished, 0, 0)
        if !start(self) { state.withLock { ($0.hasThread, $0.isIdle) = (false, true) } }
    }

    deinit {
        for semaphore in [work, finished] {
            sem_destroy(semaphore)
            semaphore.deallocate()
        }
    }

    /// Queues a line, or counts it as lost. Returns at once.
    func take(_ record: LogRecord) {
        let waking = state.withLock { state in
            guard !state.isClosed else { return Waking.nobody }
            if state.lost > 0 {
                // Lines that come one by one as a slow reader takes them one by one would each need an excuse.
                guard state.lines <= capacity.lines / 2, state.bytes <= capacity.bytes / 2 else {
                    state.lost += 1
                    return .nobody
                }
                state.tellLosses()
            }
            guard state.lines < capacity.lines, state.bytes + record.size <= capacity.bytes else {
                state.lost += 1
                return .nobody
            }
            state.append(record)
            return state.wake()
        }
        wake(waking)
    }

    /// Writes what is queued, but waits no longer than `limit` for it; takes nothing more. The last thing that a
    /// process does: it blocks the calling thread.
    package func close(within limit: Duration) {
        let (isFirst, waking) = state.withLock { state in
            defer { state.isClosed = true }
            return (!state.isClosed, state.wake())
        }
        wake(waking)
        guard isFirst else { return }
        var end = timespec()
        clock_gettime(CLOCK_REALTIME, &end)
        let (seconds, attoseconds) = limit.components
        let nanoseconds = end.tv_nsec + Int(attoseconds / 1_000_000_000)
        end.tv_sec += Int(seconds) + nanoseconds / 1_000_000_000
        end.tv_nsec = nanoseconds % 1_000_000_000
        while sem_timedwait(finished, &end) != 0, errno == EINTR {}
    }

    private func wake(_ waking: Waking) {
        switch waking {
        case .nobody: break
        case .thread: sem_post(work)
        case .caller: runHere()
        }
    }

    // MARK: The thread

    /// Whether there is one from now on.
    private func startThread() -> Bool {
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
        guard failure == 0 else {
            sink.release()
            return false
        }
        pthread_detach(thread)
        return true
    }

    private func run() {
        // Signals are for threads that have something to do with them.
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
        while let records = next() {
            if records.isEmpty { sem_wait(work) }
            write(records)
        }
        sem_post(finished)
    }

    /// The same for a caller, who has something else to do when nothing waits.
    private func runHere() {
        while let records = next() {
            guard !records.isEmpty else { return }
            write(records)
        }
        sem_post(finished)
    }

    private func write(_ records: [LogRecord]) {
        for record in records {
            write(record)
            state.withLock { state in
                state.lines -= 1
                state.bytes -= record.size
            }
        }
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

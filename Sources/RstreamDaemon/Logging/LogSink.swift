// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
package import Logging
// Defines timeval and timespec, which an optimized build notices.
internal import SwiftOverlayShims
internal import Synchronization

/// Writes log lines on its own thread.
///
/// Logging never blocks: lines wait in a queue, and lines beyond its capacity are dropped and counted. Once half of the
/// queue is free, one line in their place says how many were dropped.
///
/// If the thread cannot be created, the first caller writes, also for concurrent callers: that may delay it, but loses
/// no lines and does not end the process.
///
/// The queue is guarded by a mutex that is never held during a write.
package final class LogSink: @unchecked Sendable {  // The semaphores are constant, and safe to use from any thread.
    /// The capacity of the queue.
    package struct Capacity: Hashable, Sendable {
        package var lines: Int
        /// UTF-8 bytes of messages and facts, and some overhead for each line.
        package var bytes: Int

        package init(lines: Int = 1_024, bytes: Int = 1 << 20) {
            (self.lines, self.bytes) = (lines, bytes)
        }
    }

    private struct State {
        var waiting: [LogRecord] = []
        /// Lines that wait or are being written.
        var lines = 0
        var bytes = 0
        /// Lines dropped since the start.
        var dropped = 0
        /// Those among them that a line has reported.
        var reported = 0
        /// Whether the writer waits to be woken.
        var isIdle = false
        var isClosed = false
        var hasThread = true

        mutating func append(_ record: LogRecord) {
            waiting.append(record)
            lines += 1
            bytes += record.size
        }

        /// Returns the writer that the caller has to wake.
        mutating func wake() -> Writer {
            guard isIdle else { return .none }
            isIdle = false
            return hasThread ? .thread : .caller
        }

        var hasUnreported: Bool { dropped > reported }

        mutating func reportDropped() {
            append(LogRecord(.warning, LogSink.droppedLines, ["count": .stringConvertible(dropped - reported)]))
            reported = dropped
        }
    }

    private enum Writer {
        case none
        case thread
        /// The caller itself, because there is no thread.
        case caller
    }

    static let droppedLines = "log lines dropped"

    private let capacity: Capacity
    private let write: @Sendable (LogRecord) -> Void
    private let state = Lock(State())
    private let wakeUp = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    private let finished = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    /// Writes in the format of `format` until ``close(within:)``.
    package convenience init(_ format: LogFormatSwitch) {
        self.init { format.write($0) }
    }

    /// Calls `write` for each line in order, on the thread that `start` starts, which `write` may block.
    init(
        capacity: Capacity = Capacity(),
        start: (LogSink) -> Bool = { $0.startThread() },
        write: @escaping @Sendable (LogRecord) -> Void
    ) {
        self.capacity = capacity
        self.write = write
        sem_init(wakeUp, 0, 0)
        sem_init(finished, 0, 0)
        if !start(self) { state.withLock { ($0.hasThread, $0.isIdle) = (false, true) } }
    }

    deinit {
        for semaphore in [wakeUp, finished] {
            sem_destroy(semaphore)
            semaphore.deallocate()
        }
    }

    /// Lines that were dropped since the start.
    var dropped: Int { state.withLock(\.dropped) }

    /// Queues a line, or drops and counts it. Returns at once.
    func take(_ record: LogRecord) {
        let writer = state.withLock { state in
            guard !state.isClosed else { return Writer.none }
            if state.hasUnreported {
                // Otherwise, while a slow reader frees one line at a time, every line would be followed by a report.
                guard state.lines <= capacity.lines / 2, state.bytes <= capacity.bytes / 2 else {
                    state.dropped += 1
                    return .none
                }
                state.reportDropped()
            }
            guard state.lines < capacity.lines, state.bytes + record.size <= capacity.bytes else {
                state.dropped += 1
                return .none
            }
            state.append(record)
            return state.wake()
        }
        wake(writer)
    }

    /// Takes no more lines, and waits until those in the queue are written, at most for `limit`. Blocks the calling
    /// thread, so it is for the end of the process.
    package func close(within limit: Duration) {
        let (isFirst, writer) = state.withLock { state in
            defer { state.isClosed = true }
            return (!state.isClosed, state.wake())
        }
        wake(writer)
        guard isFirst else { return }
        var end = timespec()
        clock_gettime(CLOCK_REALTIME, &end)
        let (seconds, attoseconds) = limit.components
        let nanoseconds = end.tv_nsec + Int(attoseconds / 1_000_000_000)
        end.tv_sec += Int(seconds) + nanoseconds / 1_000_000_000
        end.tv_nsec = nanoseconds % 1_000_000_000
        while sem_timedwait(finished, &end) != 0, errno == EINTR {}
    }

    private func wake(_ writer: Writer) {
        switch writer {
        case .none: break
        case .thread: sem_post(wakeUp)
        case .caller: runHere()
        }
    }

    // MARK: The thread

    /// Returns whether the thread was created.
    private func startThread() -> Bool {
        // The thread retains the sink until it ends.
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
        // Other threads handle signals.
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
        while let records = next() {
            if records.isEmpty { sem_wait(wakeUp) }
            write(records)
        }
        sem_post(finished)
    }

    /// Writes on the calling thread until the queue is empty.
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

    /// Takes the queued lines; empty if there are none, nil after ``close(within:)``.
    private func next() -> [LogRecord]? {
        state.withLock { state in
            if state.waiting.isEmpty, state.hasUnreported { state.reportDropped() }
            if state.waiting.isEmpty, state.isClosed { return nil }
            state.isIdle = state.waiting.isEmpty
            defer { state.waiting = [] }
            return state.waiting
        }
    }
}

/// A log handler that queues lines in a ``LogSink``.
package struct SinkLogHandler: LogHandler {
    package var logLevel: Logger.Level {
        get { own ?? shared.level }
        set { own = newValue }
    }
    package var metadata: Logger.Metadata = [:]
    /// A level that was set for this logger.
    private var own: Logger.Level?
    private let shared: LogLevelSwitch
    private let sink: LogSink

    package init(_ sink: LogSink, level: LogLevelSwitch) {
        self.sink = sink
        shared = level
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let facts = event.metadata.map { metadata.merging($0) { $1 } } ?? metadata
        sink.take(LogRecord(event.level, "\(event.message)", facts))
    }
}

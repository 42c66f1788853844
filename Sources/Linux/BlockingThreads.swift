// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Synchronization

/// Threads for calls that may block (``MayBlock``).
///
/// Each lane is for one kind of call and has its own bound, so that a slow name server does not delay reading files,
/// and a hanging disk does not delay reading the kernel's figures. A thread lives as long as there is work for it: an
/// unused lane costs nothing.
///
/// The queue is guarded by a mutex.
package final class BlockingThreads: Sendable {
    package typealias Work = @Sendable () -> Void

    /// Look-ups of names that were not slow so far.
    package static let names = BlockingThreads(most: 16)
    /// Look-ups of names that were slow the last time: many unanswered ones do not delay other names.
    package static let slowNames = BlockingThreads(most: 4)
    /// `/etc/hosts`, which is read before a name server is asked.
    package static let hosts = BlockingThreads(most: 1)
    /// Certificates, keys, tokens, state.
    package static let files = BlockingThreads(most: 4)
    /// Waiting for devices that hold keys.
    package static let devices = BlockingThreads(most: 4)
    /// The files of sockets that are listened on, and their folders.
    package static let sockets = BlockingThreads(most: 4)
    /// The configuration, and the files that it names.
    package static let configuration = BlockingThreads(most: 1)
    /// Users and groups, which may come from a directory service.
    package static let accounts = BlockingThreads(most: 1)
    /// The kernel's figures about this process and host, and returning memory to it.
    package static let kernel = BlockingThreads(most: 1)
    /// Messages to systemd, in order.
    package static let notices = BlockingThreads(most: 1)

    private struct State {
        var waiting: [Work] = []
        var running = 0
    }

    private let most: Int
    private let state = Lock(State())

    /// At most `most` calls block at a time; others wait for their turn. With one, they are made in order.
    package init(most: Int) {
        self.most = most
    }

    /// Queues `work` and returns at once. If no thread can be started at all, the work is done before this returns.
    package func submit(_ work: @escaping Work) {
        let starts = state.withLock { state in
            state.waiting.append(work)
            guard state.running < most else { return false }
            state.running += 1
            return true
        }
        guard starts, !startThread() else { return }
        // A thread that runs will take the work: it ends only when there is none.
        let isAlone = state.withLock { state in
            guard state.running > 1 else { return true }
            state.running -= 1
            return false
        }
        if isAlone { MayBlock.here { self.serve() } }
    }

    /// Runs `body` on a thread of this lane and returns its result.
    package func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            submit { continuation.resume(returning: body()) }
        }
    }

    /// Runs `body` on a thread of this lane and returns its result, or throws its error.
    package func tryRun<Value: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        try await run { Result { () throws(Failure) in try body() } }.get()
    }

    private func startThread() -> Bool {
        let lane = unsafe Unmanaged.passRetained(self)
        var thread = pthread_t()
        let failure = unsafe pthread_create(
            &thread,
            nil,
            { lane in
                unsafe lane.map { unsafe Unmanaged<BlockingThreads>.fromOpaque($0).takeRetainedValue().serve() }
                return nil
            },
            unsafe lane.toOpaque()
        )
        guard failure == 0 else {
            unsafe lane.release()
            return false
        }
        pthread_detach(thread)
        return true
    }

    private func serve() {
        while let work = next() { work() }
    }

    private func next() -> Work? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.running -= 1
                return nil
            }
            return state.waiting.removeFirst()
        }
    }
}

internal import Glibc
internal import Synchronization

/// Threads for calls that may block, and the only ones that may make them (``MayBlock``).
///
/// Each lane is for one kind of what is waited for and has a bound of its own, so that whoever waits for a name server
/// keeps nobody from a file, and a disk that hangs keeps nobody from the kernel's figures. A thread lives as long as
/// there is work for it: a lane that is not used costs nothing.
///
/// What waits for a thread is guarded by a mutex.
package final class BlockingThreads: Sendable {
    package typealias Work = @Sendable () -> Void

    /// Names of which nothing says that they take long.
    package static let names = BlockingThreads(most: 16)
    /// Names that took long the last time: many that nobody answers for keep no other name waiting.
    package static let slowNames = BlockingThreads(most: 4)
    /// `/etc/hosts`, which is asked before any name server.
    package static let hosts = BlockingThreads(most: 1)
    /// Certificates, keys, tokens, state.
    package static let files = BlockingThreads(most: 4)
    /// The files of sockets that are listened on, and their folders.
    package static let sockets = BlockingThreads(most: 4)
    /// The configuration, with all that it names.
    package static let configuration = BlockingThreads(most: 1)
    /// Users and groups, which a directory service may know.
    package static let accounts = BlockingThreads(most: 1)
    /// What the kernel tells about this process and host, and memory that goes back to it.
    package static let kernel = BlockingThreads(most: 1)
    /// What systemd is told, in order.
    package static let notices = BlockingThreads(most: 1)

    private struct State {
        var waiting: [Work] = []
        var running = 0
    }

    private let most: Int
    private let state = Mutex(State())

    /// At most `most` calls block at a time; others wait for their turn. With one, they are made in order.
    package init(most: Int) {
        self.most = most
    }

    /// Has `work` done soon, and returns at once. Where no thread is to be had at all, it is done before this returns.
    package func submit(_ work: @escaping Work) {
        let starts = state.withLock { state in
            state.waiting.append(work)
            guard state.running < most else { return false }
            state.running += 1
            return true
        }
        guard starts, !startThread() else { return }
        // Whoever runs finds the work there, for it ends only when there is none.
        let isAlone = state.withLock { state in
            guard state.running > 1 else { return true }
            state.running -= 1
            return false
        }
        if isAlone { MayBlock.here { self.serve() } }
    }

    /// What `body` returns.
    package func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            submit { continuation.resume(returning: body()) }
        }
    }

    /// What `body` returns or throws.
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

internal import NIOConcurrencyHelpers
internal import NIOPosix

/// Waits on a thread of its own, for the one who watches over the event loops: their timers stand still with them.
final class ThreadTimer: Sendable {
    private let pool: NIOThreadPool

    init() {
        pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
    }

    deinit {
        pool.shutdownGracefully { _ in }
    }

    /// Returns after `duration`, or throws as soon as the task is cancelled. One at a time can wait.
    func wait(for duration: Duration) async throws {
        let isCancelled = ConditionLock(value: false)
        let seconds = Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
        try await withTaskCancellationHandler {
            try await pool.runIfActive {
                guard isCancelled.lock(whenValue: true, timeoutSeconds: seconds) else { return }
                isCancelled.unlock()
                throw CancellationError()
            }
        } onCancel: {
            isCancelled.lock()
            isCancelled.unlock(withValue: true)
        }
    }
}

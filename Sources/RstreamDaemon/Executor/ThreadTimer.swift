// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOConcurrencyHelpers
internal import NIOPosix
internal import RstreamModel

/// A timer on its own thread, for the ``StallDetector``: the timers of a stalled event loop stall with it.
final class ThreadTimer: Sendable {
    private let pool: NIOThreadPool

    init() {
        pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
    }

    deinit {
        pool.shutdownGracefully { _ in }
    }

    /// Returns after `duration`, or throws as soon as the task is cancelled. One task at a time may wait.
    func wait(for duration: Duration) async throws {
        let isCancelled = ConditionLock(value: false)
        try await withTaskCancellationHandler {
            try await pool.runIfActive {
                guard isCancelled.lock(whenValue: true, timeoutSeconds: duration.inSeconds) else { return }
                isCancelled.unlock()
                throw CancellationError()
            }
        } onCancel: {
            isCancelled.lock()
            isCancelled.unlock(withValue: true)
        }
    }
}

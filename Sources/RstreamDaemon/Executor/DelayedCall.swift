// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// A call after a delay, which can be replaced or cancelled. A cancelled call leaves neither a sleeping task nor a
/// timer. The timer is an event loop's, as in ``pause(for:)``.
final class DelayedCall: Sendable {
    private let timer = Lock<Scheduled<Void>?>(nil)

    /// Runs `body` after `duration`, and cancels the call that was set before.
    func set(_ duration: Duration, _ body: @escaping @Sendable () -> Void) {
        let next = MultiThreadedEventLoopGroup.singleton.any().scheduleTask(in: TimeAmount(duration), body)
        let before = timer.withLock { timer in
            defer { timer = next }
            return timer
        }
        before?.cancel()
    }

    func cancel() {
        let before = timer.withLock { timer in
            defer { timer = nil }
            return timer
        }
        before?.cancel()
    }
}

/// Returns after `duration`, or throws as soon as the task is cancelled. The timer is an event loop's; see
/// ``TaskThreads`` for what is wrong with `Task.sleep`.
func pause(for duration: Duration) async throws {
    let timer = MultiThreadedEventLoopGroup.singleton.any().scheduleTask(in: TimeAmount(duration)) {}
    try await withTaskCancellationHandler {
        try await timer.futureResult.get()
    } onCancel: {
        timer.cancel()
    }
}

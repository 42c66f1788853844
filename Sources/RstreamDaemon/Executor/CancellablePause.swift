// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import NIOCore
internal import Synchronization

/// A pause that another task may end for good. Neither an ended pause nor a finished one leaves a timer.
///
/// Guarded by a mutex; one task at a time may pause.
final class CancellablePause: Sendable {
    private struct State {
        var isStopped = false
        var waiter: CheckedContinuation<Bool, Never>?
        var timer: Scheduled<Void>?
    }

    private let eventLoop: any EventLoop
    private let state = Lock(State())

    init(on eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// Ends the current pause, and every later one at once.
    func stop() {
        let (waiter, timer) = state.withLock { state in
            state.isStopped = true
            defer { (state.waiter, state.timer) = (nil, nil) }
            return (state.waiter, state.timer)
        }
        timer?.cancel()
        waiter?.resume(returning: false)
    }

    /// Returns whether the pause ended by itself, and not by ``stop()``.
    func pause(for duration: Duration) async -> Bool {
        await withCheckedContinuation { continuation in
            let isStopped = state.withLock { state in
                if !state.isStopped { state.waiter = continuation }
                return state.isStopped
            }
            guard !isStopped else { return continuation.resume(returning: false) }
            let timer = eventLoop.scheduleTask(in: TimeAmount(duration)) { self.finished() }
            let isOver = state.withLock { state in
                if state.waiter != nil { state.timer = timer }
                return state.waiter == nil
            }
            if isOver { timer.cancel() }
        }
    }

    private func finished() {
        let waiter = state.withLock { state in
            state.timer = nil
            return state.waiter.take()
        }
        waiter?.resume(returning: true)
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import NIOCore

extension EventLoop {
    /// Calls `fire` on this loop after `delay`, unless the timer is cancelled before. Called on the loop; nil if that
    /// has been shut down.
    ///
    /// For timers that each stream starts and hardly any lets fire: a scheduled task has a promise of its result too.
    package func startTimer(in delay: TimeAmount, _ fire: @escaping () -> Void) -> NIOScheduledCallback? {
        try? assumeIsolated().scheduleCallback(in: delay, handler: TimerHandler(fire: fire))
    }
}

private struct TimerHandler: NIOScheduledCallbackHandler {
    let fire: () -> Void

    func handleScheduledCallback(eventLoop _: some EventLoop) { fire() }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Systemd

/// A restart by systemd, which is a take-over where the unit permits it.
extension Daemon {
    /// For systemd to say what it plans. A stop waits for that.
    private static let planTime = Duration.seconds(2)

    /// Whether the signal to stop means that systemd restarts the service, and this process serves on until the next one
    /// has taken over. Everything that is not known makes it a stop.
    package func leaveForRestart() async -> Bool {
        guard standIn != nil, await plan()?.isRestart == true else { return false }
        return await withCheckedContinuation { continuation in
            send.yield(.upgrade(.restart(RestartReply(continuation))))
        }
    }

    private func plan() async -> UnitPlan? {
        let (plans, answer) = AsyncStream<UnitPlan?>.makeStream()
        let timer = DelayedCall()
        timer.set(Self.planTime) { answer.yield(nil) }
        BlockingThreads(most: 1).submit { answer.yield(UnitPlan.current()) }
        defer { timer.cancel() }
        for await plan in plans { return plan }
        return nil
    }
}

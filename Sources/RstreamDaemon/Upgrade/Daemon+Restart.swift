// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import Systemd

/// A restart by systemd, which is a take-over where the unit permits it.
extension Daemon {
    /// For systemd to say what it plans. A stop waits for that.
    private static let planTime = Duration.seconds(2)

    /// Whether the signal to stop means that systemd restarts the service, and this process serves on until the next one
    /// has taken over. Everything that is not known makes it a stop.
    package func leaveForRestart() async -> Bool {
        guard standIn != nil, let plan = await plan() else { return false }
        switch plan.departure(sharesSockets: adminListeners.isInherited) {
        case .stop: return false
        case .stopForSockets:
            logger.warning(
                "restart without a take-over",
                metadata: [
                    "reason": "the unit lacks NonBlocking=yes, and this process would hang in its admin socket",
                    LogKey.fix: "add NonBlocking=yes to the unit, as the shipped one has it",
                ]
            )
            return false
        case .takeOver:
            return await withCheckedContinuation { continuation in
                send.yield(.upgrade(.restart(RestartReply(continuation))))
            }
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

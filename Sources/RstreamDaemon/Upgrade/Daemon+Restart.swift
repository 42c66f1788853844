// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import RstreamModel
internal import Systemd

/// A restart by systemd, which is a take-over where the unit permits it.
extension Daemon {
    /// For systemd to say what it plans. A stop waits for that.
    private static let planTime = Duration.seconds(2)
    /// For the request loop to begin. A reload may keep it for seconds, and everything is served meanwhile; one that waits
    /// for a dead disk would keep it until systemd kills this process.
    static let restartTime = Duration.seconds(10)

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
            return await askToLeave()
        }
    }

    /// Has the request loop leave this process's place. False where it does not, or cannot begin within `limit`: then it
    /// does not begin later either.
    func askToLeave(within limit: Duration = Daemon.restartTime) async -> Bool {
        notifier.extendTimeout(by: limit + Self.planTime)
        let answer = await withCheckedContinuation { continuation in
            let reply = RestartReply(continuation)
            reply.expire(after: limit)
            send.yield(.upgrade(.restart(reply)))
        }
        if answer == .isLate {
            logger.warning(
                "restart without a take-over",
                metadata: [
                    "reason": "the daemon was busy for \(limit.secondsText), with a reload for example",
                    LogKey.fix: "see that every file of the configuration can be read, also those on other hosts",
                ]
            )
        }
        return answer == .leaves
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

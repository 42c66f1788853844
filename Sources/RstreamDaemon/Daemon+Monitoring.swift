// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import NIOCore
internal import RstreamCore
internal import RstreamModel
internal import RstreamRelay

/// What the daemon observes while it runs: the heap, refused streams, and the network.
extension Daemon {
    /// Returns memory to the kernel that the start or a burst has used, and logs when the limits that all streams share
    /// begin and cease to refuse streams.
    func monitorStreams() async {
        var releaser = PageReleaser()
        var trimmer = HeapTrimmer(idle: await BlockingThreads.kernel.run { Heap.idleBytes })
        var refusals = RefusalStateMachine()
        while (try? await pause(for: HeapTrimmer.interval)) != nil {
            if releaser.shouldRelease(taken: streams.takenCount, open: streams.activeCount) {
                await BlockingThreads.kernel.run { ProgramPages.release() }
            }
            if let idle = await BlockingThreads.kernel.run({ Heap.idleBytes }), trimmer.shouldTrim(idle: idle) {
                let left = await BlockingThreads.kernel.run {
                    Heap.trim()
                    return Heap.idleBytes
                }
                trimmer.trimmed(idle: left ?? idle)
            }
            let (now, refused) = (ContinuousClock.now, streams.takeRefused())
            if refusals.refused(refused, at: now) {
                logger.warning(
                    "streams refused",
                    metadata: [
                        LogKey.streams: .stringConvertible(streams.activeCount), "refused": .stringConvertible(refused),
                        LogKey.fix: "raise limits.streams, or LimitNOFILE= and MemoryMax= of the service",
                    ]
                )
            }
            if let past = refusals.checked(at: now) {
                logger.notice(
                    "streams accepted again",
                    metadata: [
                        "refused": .stringConvertible(past.count), LogKey.duration: .stringConvertible(past.lasted),
                    ]
                )
            }
            statusStore.settleRefusals(at: now)
        }
    }

    func watchNetwork() async {
        let watcher = NetworkWatcher(on: eventLoopGroup.any(), logger: logger) { [send] change in
            send.yield(.networkChanged(change))
        }
        await watcher.run()
    }
}

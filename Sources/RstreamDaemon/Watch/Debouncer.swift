// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import RstreamCore

/// Calls back once a series of changes is over, as ``Debounce`` decides. Confined to its event loop.
final class Debouncer: Sendable {
    private let eventLoop: any EventLoop
    private let time: NIOLoopBoundBox<Debounce>
    private let settled: @Sendable () -> Void

    init(on eventLoop: any EventLoop, _ time: Debounce, settled: @escaping @Sendable () -> Void) {
        self.eventLoop = eventLoop
        self.settled = settled
        self.time = .makeBoxSendingValue(time, eventLoop: eventLoop)
    }

    /// Reports a change. Has to be called on the event loop.
    func changed() {
        guard case .schedule(let generation, let after) = time.value.changed(at: .now) else { return }
        eventLoop.scheduleTask(in: TimeAmount(after)) {
            if self.time.value.timerFired(generation: generation, at: .now) == .settled { self.settled() }
        }
    }
}

internal import NIOCore
internal import RstreamCore

/// Calls back once a series of changes is over, as ``QuietTime`` decides. Confined to its event loop.
final class Settler: Sendable {
    private let eventLoop: any EventLoop
    private let time: NIOLoopBoundBox<QuietTime>
    private let settled: @Sendable () -> Void

    init(on eventLoop: any EventLoop, _ time: QuietTime, settled: @escaping @Sendable () -> Void) {
        self.eventLoop = eventLoop
        self.settled = settled
        self.time = .makeBoxSendingValue(time, eventLoop: eventLoop)
    }

    /// Something changed. Called on the event loop.
    func changed() {
        guard case .schedule(let generation, let after) = time.value.changed(at: .now) else { return }
        eventLoop.scheduleTask(in: TimeAmount(after)) {
            if self.time.value.timerFired(generation: generation, at: .now) == .settled { self.settled() }
        }
    }
}

internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Something that happens after a while, unless it is put off or cancelled before. Nothing is left of what was cancelled:
/// no task sleeps, and the timer is gone. The timer is an event loop's, as ``pause(for:)``'s is.
final class DelayedCall: Sendable {
    private let timer = Mutex<Scheduled<Void>?>(nil)

    /// Runs `body` after `duration`, in the place of what was to happen before.
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

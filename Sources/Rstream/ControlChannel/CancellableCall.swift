internal import NIOCore
internal import RstreamModel

/// A call that runs on an event loop for a task that may be cancelled, also before the loop has heard of the call.
///
/// The flag is confined to the loop.
struct CancellableCall: Sendable {
    private let eventLoop: any EventLoop
    private let flag: NIOLoopBoundBox<Bool>

    init(on eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        flag = .makeBoxSendingValue(false, eventLoop: eventLoop)
    }

    /// Whether nobody wants the answer any more; asked on the loop.
    var isCancelled: Bool { flag.value }

    /// Nobody wants the answer any more. What was begun is given up by `body`, on the loop.
    func cancel(_ body: @escaping @Sendable () -> Void) {
        eventLoop.execute {
            flag.value = true
            body()
        }
    }
}

extension RstreamError {
    /// What whoever waited for an end is told that was cancelled first.
    static let waitCancelled = RstreamError(
        code: .clientClosed,
        origin: .host,
        retry: .never,
        what: "the wait for the end was cancelled"
    )

    /// What a caller is told that was cancelled before anything was begun.
    static let callCancelled = RstreamError(
        code: .clientClosed,
        origin: .host,
        retry: .never,
        what: "the call was cancelled before it began"
    )
}

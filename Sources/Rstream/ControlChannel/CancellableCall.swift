// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import RstreamModel

/// A call that runs on an event loop for a task that may be cancelled, even before the loop has started the call.
///
/// The flag is confined to the loop.
struct CancellableCall: Sendable {
    private let eventLoop: any EventLoop
    private let flag: NIOLoopBoundBox<Bool>

    init(on eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        flag = .makeBoxSendingValue(false, eventLoop: eventLoop)
    }

    /// Whether the call was cancelled; read on the loop.
    var isCancelled: Bool { flag.value }

    /// Cancels the call. `body` runs on the loop and stops what the call has started.
    func cancel(_ body: @escaping @Sendable () -> Void) {
        eventLoop.execute {
            flag.value = true
            body()
        }
    }
}

extension RstreamError {
    /// The error of a wait for an end that was cancelled first.
    static let waitCancelled = RstreamError(
        code: .clientClosed,
        origin: .host,
        retry: .never,
        what: "the wait for the end was cancelled"
    )

    /// The error of a call that was cancelled before it started anything.
    static let callCancelled = RstreamError(
        code: .clientClosed,
        origin: .host,
        retry: .never,
        what: "the call was cancelled before it began"
    )
}

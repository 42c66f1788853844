// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import NIOCore
internal import NIOTLS

/// What we say at the end of a connection. A close waits for the peer's close_notify, a half-close for nothing.
extension EngineTLSHandler {
    package func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        switch mode {
        case .input: promise?.fail(ChannelError.operationUnsupported)
        case .all: closeAll(context, promise)
        case .output:
            switch state {
            case .idle, .outputClosed, .closed: context.close(mode: .output, promise: promise)
            case .handshaking, .active:
                // After what was written before.
                pending.append(.closeOutput(promise))
                pending.mark()
                encrypt(context)
            case .inputClosed, .closing: closeAll(context, promise)
            }
        }
    }

    func closeOutput(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        guard case .active = state else { return close(context: context, mode: .output, promise: promise) }
        state = .outputClosed
        if case .failed(let names) = session.shutdown() {
            let error = EngineTLSError.failed(names)
            promise?.fail(error)
            return fail(context, error)
        }
        send(context)
        failPending(ChannelError.outputClosed)
        context.close(mode: .output, promise: promise)
    }

    private func closeAll(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        switch state {
        case .idle, .closed:
            finish()
            context.close(promise: promise)
        case .closing: closePromise.setOrCascade(to: promise)
        case .outputClosed:
            // We have said close_notify. SSL_shutdown would read now, and fail at bytes that are not passed on yet.
            state = .closing(timer(context))
            closePromise = promise
        case .handshaking, .active, .inputClosed:
            state = .closing(timer(context))
            closePromise = promise
            shutDown(context)
        }
    }

    /// Says close_notify, and closes the channel once the peer has said it too.
    func shutDown(_ context: ChannelHandlerContext) {
        let outcome = session.shutdown()
        send(context)
        switch outcome {
        case .starved, .signing, .closed: break
        case .done:
            finish()
            context.fireUserInboundEventTriggered(TLSUserEvent.shutdownCompleted)
            close(context)
        case .failed(let names): fail(context, EngineTLSError.failed(names))
        }
    }

    func timer(_ context: ChannelHandlerContext) -> NIOScheduledCallback? {
        // Fails on a loop that has been shut down. A scheduled task would have a promise, which no stream needs.
        try? context.eventLoop.assumeIsolated().scheduleCallback(
            in: Self.patience,
            handler: PatienceEnd(handler: self, context: context)
        )
    }

    fileprivate func patienceEnded(_ context: ChannelHandlerContext) {
        if case .closing = state { close(context) }
    }
}

private struct PatienceEnd: NIOScheduledCallbackHandler {
    let handler: EngineTLSHandler
    let context: ChannelHandlerContext

    func handleScheduledCallback(eventLoop _: some EventLoop) { handler.patienceEnded(context) }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import NIOCore

/// Stands first in a pipeline, in place of the network: records the calls of the handlers behind it, decides when writes
/// are done, and fires the events of the test. It passes on only a connect and a close of both directions.
///
/// Confined to its channel's event loop.
package final class NetworkEnd: ChannelOutboundHandler {
    package typealias OutboundIn = ByteBuffer

    /// `read`, `write TEXT` (not an empty one), `flush`, `close MODE`, and events by their type, in order.
    package private(set) var calls: [String] = []
    /// Whether writes wait for ``finishWrites(_:)``.
    package var holdsWrites = false

    private var context: ChannelHandlerContext?
    private var writes: [EventLoopPromise<Void>] = []

    package init() {}

    package func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    package func handlerRemoved(context _: ChannelHandlerContext) { context = nil }

    // MARK: What the test does

    /// The calls since the last time.
    package func newCalls() -> [String] {
        defer { calls = [] }
        return calls
    }

    /// Writes that were held are done, or have failed.
    package func finishWrites(_ error: (any Error)? = nil) {
        let held = writes
        writes = []
        for promise in held {
            if let error { promise.fail(error) } else { promise.succeed() }
        }
    }

    package func becomesActive() { context?.fireChannelActive() }
    package func becomesWritable() { context?.fireChannelWritabilityChanged() }
    package func says(_ text: String) { context?.fireChannelRead(NIOAny(ByteBuffer(string: text))) }
    package func saysNoMoreForNow() { context?.fireChannelReadComplete() }
    package func endsInput() { context?.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
    package func fails(_ error: any Error) { context?.fireErrorCaught(error) }

    // MARK: What the handlers ask for

    package func read(context _: ChannelHandlerContext) { calls.append("read") }
    package func flush(context _: ChannelHandlerContext) { calls.append("flush") }

    package func write(context _: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let bytes = unwrapOutboundIn(data)
        if bytes.readableBytes > 0 { calls.append("write \(String(buffer: bytes))") }
        guard let promise else { return }
        if holdsWrites { writes.append(promise) } else { promise.succeed() }
    }

    package func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        calls.append("close \(mode)")
        guard case .all = mode else {
            promise?.succeed()
            return
        }
        context.close(mode: mode, promise: promise)
        finishWrites(ChannelError.ioOnClosedChannel)
    }

    package func triggerUserOutboundEvent(
        context _: ChannelHandlerContext,
        event: Any,
        promise: EventLoopPromise<Void>?
    ) {
        calls.append("\(type(of: event))")
        promise?.succeed()
    }
}

/// Stands last in a pipeline and records the events that reach it, in order: `active`, `read TEXT`, `complete`, `end`, `error`,
/// `inactive`; in detail also which error it was, and `event TYPE` for other events.
package final class EventRecorder: ChannelInboundHandler {
    package typealias InboundIn = ByteBuffer

    private let seen: Observed<[String]>

    private let isDetailed: Bool

    package init(_ seen: Observed<[String]>, isDetailed: Bool = false) {
        self.seen = seen
        self.isDetailed = isDetailed
    }

    package func channelActive(context _: ChannelHandlerContext) { note("active") }
    package func channelInactive(context _: ChannelHandlerContext) { note("inactive") }
    package func channelReadComplete(context _: ChannelHandlerContext) { note("complete") }

    package func errorCaught(context _: ChannelHandlerContext, error: any Error) {
        note(isDetailed ? "error \(error)" : "error")
    }

    package func channelRead(context _: ChannelHandlerContext, data: NIOAny) {
        note("read \(String(buffer: unwrapInboundIn(data)))")
    }

    package func userInboundEventTriggered(context _: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event {
            note("end")
        } else if isDetailed {
            note("event \(type(of: event))")
        }
    }

    private func note(_ event: String) { seen.change { $0.append(event) } }
}

extension EventLoopFuture where Value: Sendable {
    /// How it ends, each time that it does: `success VALUE` or `failure ERROR`.
    package func outcomes() -> Observed<[String]> {
        let outcomes = Observed<[String]>([])
        whenComplete { result in
            let text =
                switch result {
                case .success(let value): "success \(value)"
                case .failure(let error): "failure \(error)"
                }
            outcomes.change { $0.append(text) }
        }
        return outcomes
    }
}

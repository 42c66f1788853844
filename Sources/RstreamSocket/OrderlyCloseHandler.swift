// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import NIOCore
internal import NIOPosix

/// Stands first in the pipeline of every TCP and Unix-socket connection, beneath TLS, and decides what closing means.
///
/// NIO drops writes that are still pending when a channel is closed, and closing one direction counts as closing the
/// whole channel once the other direction has ended. NIOSSL closes the channel as soon as both sides have said
/// goodbye. Either would cut off the tail of a transfer to a peer that reads slowly. So a close waits here until
/// everything before it was written; a peer that never reads holds its connection open, as any stream does, until
/// it is aborted. An abort drops what is pending and sends a reset, so that the peer cannot take it for an end.
///
/// Confined to the channel's event loop.
package final class OrderlyCloseHandler: ChannelOutboundHandler {
    package typealias OutboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    private var isAborted = false

    package init() {}

    package func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard !isAborted, mode != .input, context.channel.isActive else {
            context.close(mode: mode, promise: promise)
            return
        }
        // An empty write is done when all writes before it are.
        let flushed = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: flushed)
        flushed.futureResult.assumeIsolated().whenComplete { result in
            switch result {
            case .success: context.close(mode: mode, promise: promise)
            case .failure: context.close(mode: .all, promise: promise)
            }
        }
    }

    package func triggerUserOutboundEvent(
        context: ChannelHandlerContext,
        event: Any,
        promise: EventLoopPromise<Void>?
    ) {
        guard event is AbortEvent else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        guard !isAborted else {
            promise?.succeed()
            return
        }
        isAborted = true
        if let options = context.channel as? any SocketOptionProvider {
            // A linger time of zero makes the kernel send a reset instead of FIN. A Unix socket has none to send.
            options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenFailure { _ in }
        }
        context.close(mode: .all, promise: promise)
    }
}

/// The outbound event that makes ``OrderlyCloseHandler`` drop a connection.
struct AbortEvent: Sendable {}

extension Channel {
    /// Drops the connection at once: pending writes are lost and the peer sees a reset.
    package func abort() {
        triggerUserOutboundEvent(AbortEvent(), promise: nil)
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore

/// Sits below the engine's TLS handler and drops half-closes, so that TCP sends no FIN while the other direction is
/// open (PROTOCOL.md §12). ``EngineConnector`` adds it to every connection.
///
/// The engine needs only the close_notify of TLS. Many proxies, load balancers and TLS libraries close both directions
/// when they receive a FIN, and would cut off the engine's remaining bytes.
///
/// Confined to the channel's event loop.
final class HalfCloseFilter: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        switch mode {
        case .output: promise?.succeed()
        case .input, .all: context.close(mode: mode, promise: promise)
        }
    }
}

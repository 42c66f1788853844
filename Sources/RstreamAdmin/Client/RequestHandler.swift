// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import NIOHTTP1

/// Writes a request as soon as the connection is open, before anything is read from it.
///
/// A daemon with no room for another client answers at once and closes. The HTTP decoder takes no answer before a
/// request was written; an answer that arrives while writing fails is read before the connection is closed.
///
/// Confined to its channel's event loop.
final class RequestHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let request: [HTTPClientRequestPart]

    init(_ request: [HTTPClientRequestPart]) {
        self.request = request
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        // In one flush: a daemon that has read a head without a body answers and closes before the end is written.
        for part in request { context.write(wrapOutboundOut(part), promise: nil) }
        context.flush()
    }
}

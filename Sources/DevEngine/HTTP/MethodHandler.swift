// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOHTTP1

/// Replaces methods that NIO's HTTP decoder does not know by `GET`, and remembers them.
///
/// The end of the pipeline tells it where a request begins. Requests that follow another one in the same read reach the
/// decoder unchanged. It stands before the decoder. Confined to the event loop.
final class MethodHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private var begun: ByteBuffer? = ByteBuffer()
    /// The replaced method of the next head.
    private var hidden: HTTPMethod?

    /// Whether the next byte begins a request.
    func next(isRequest: Bool) {
        begun = isRequest ? ByteBuffer() : nil
    }

    /// The original method of a head that was just read.
    func method(of head: HTTPRequestHead) -> HTTPMethod {
        defer { hidden = nil }
        return hidden ?? head.method
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard var bytes = begun else { return context.fireChannelRead(data) }
        var new = unwrapInboundIn(data)
        bytes.writeBuffer(&new)
        switch RequestMethod.read(bytes) {
        case .needMore: begun = bytes
        case .malformed:
            begun = nil
            context.fireErrorCaught(HTTPParserError.invalidMethod)
        case .found(let method, var rest):
            begun = nil
            guard case .RAW = method else { return context.fireChannelRead(wrapInboundOut(bytes)) }
            hidden = method
            var shown = ByteBuffer(string: "GET")
            shown.writeBuffer(&rest)
            context.fireChannelRead(wrapInboundOut(shown))
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOHTTP2

/// Sets END_STREAM on the headers of a response without a body or trailers.
///
/// NIO's codec ends such a response with an empty DATA frame. gRPC has its status in these headers, and its clients accept
/// them as trailers only with END_STREAM.
///
/// It stands before the codec. Confined to the event loop.
final class EndStreamHandler: ChannelOutboundHandler {
    typealias OutboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    /// Headers that wait for the next frame, which may be the end.
    private var held: HTTP2Frame.FramePayload.Headers?

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let frame = unwrapOutboundIn(data)
        if var headers = held, frame.isEmptyEnd {
            held = nil
            headers.endStream = true
            return context.write(wrapOutboundOut(.headers(headers)), promise: promise)
        }
        release(context)
        if case .headers(let headers) = frame, !headers.endStream, promise == nil {
            held = headers
        } else {
            context.write(data, promise: promise)
        }
    }

    func flush(context: ChannelHandlerContext) {
        release(context)
        context.flush()
    }

    private func release(_ context: ChannelHandlerContext) {
        guard let headers = held else { return }
        held = nil
        context.write(wrapOutboundOut(.headers(headers)), promise: nil)
    }
}

extension HTTP2Frame.FramePayload {
    /// Whether it is an empty DATA frame with END_STREAM.
    fileprivate var isEmptyEnd: Bool {
        guard case .data(let end) = self else { return false }
        return end.endStream && end.data.readableBytes == 0
    }
}

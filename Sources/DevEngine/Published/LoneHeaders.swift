import NIOCore
import NIOHTTP2

/// Stands before the codec of a stream, and sends headers that nothing follows as the end of the stream.
///
/// The codec ends a response with a frame of its own. Where there is no body, gRPC has its status in the headers, and its
/// clients take them for the last ones only if they are marked so.
final class LoneHeaders: ChannelOutboundHandler {
    typealias OutboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    /// What goes with the next frame or before it.
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
    /// Whether it says nothing but that nothing comes any more.
    fileprivate var isEmptyEnd: Bool {
        guard case .data(let end) = self else { return false }
        return end.endStream && end.data.readableBytes == 0
    }
}

internal import NIOCore

/// Sits beneath the engine's TLS and keeps TCP open when one direction of a stream ends (PROTOCOL.md §12).
///
/// TLS has sent its close_notify, which is all that the engine needs. Many proxies, load balancers and
/// TLS libraries take the end of one direction of the TCP connection for the end of both, and would cut off what the
/// engine still has to say.
///
/// Confined to the channel's event loop.
final class TunnelEndHandler: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        switch mode {
        case .output: promise?.succeed()
        case .input, .all: context.close(mode: mode, promise: promise)
        }
    }
}

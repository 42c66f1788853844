internal import NIOCore

/// Stands beneath the engine's TLS, and keeps the end of one direction from TCP (PROTOCOL.md §12).
///
/// TLS has told the engine that nothing more comes, which is all that the engine needs. Many proxies, load balancers and
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

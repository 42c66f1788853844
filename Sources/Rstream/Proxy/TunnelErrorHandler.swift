internal import NIOCore
internal import NIOTLS
internal import RstreamModel

/// Follows the engine's TLS in a proxy's tunnel and names the proxy in an error of the handshake, which the proxy may
/// have caused: some inspect TLS and present a certificate of their own.
///
/// It leaves the pipeline when the handshake is over. Confined to the channel's event loop.
final class TunnelErrorHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let explain: (any Error) -> RstreamError

    /// `explain` names engine and proxy in an error.
    init(explain: @escaping (any Error) -> RstreamError) {
        self.explain = explain
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.fireErrorCaught(explain(error))
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        context.fireUserInboundEventTriggered(event)
        guard case TLSUserEvent.handshakeCompleted = event else { return }
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }
}

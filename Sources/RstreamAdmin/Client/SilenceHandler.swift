internal import NIOCore
internal import RstreamModel

/// Ends a connection on which nothing has come for too long: a daemon that stands still takes connections, and says
/// nothing, for as long as anybody waits.
///
/// Confined to its channel's event loop.
final class SilenceHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    /// Nothing has come for this long.
    struct Silence: Error {
        let limit: Duration
    }

    /// How long a connection may be silent before the first byte and after it.
    struct Patience: Hashable, Sendable {
        var first: Duration
        var next: Duration
    }

    private let patience: Patience
    private var timer: Scheduled<Void>?

    init(_ patience: Patience) {
        self.patience = patience
    }

    func handlerAdded(context: ChannelHandlerContext) { wait(patience.first, context) }

    func handlerRemoved(context _: ChannelHandlerContext) { timer?.cancel() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        wait(patience.next, context)
        context.fireChannelRead(data)
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    private func wait(_ limit: Duration, _ context: ChannelHandlerContext) {
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limit)) {
            context.fireErrorCaught(Silence(limit: limit))
            context.close(promise: nil)
        }
    }
}

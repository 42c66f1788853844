internal import NIOCore

/// Keeps what the local side says before its stream has a downstream half.
///
/// Nothing is read from an upstream that is not joined yet, with one exception that is NIO's: when a service closes
/// its output, NIO reads what is left in the socket to find the end, asked to or not. A service that greets and ends
/// at once would lose its greeting. What is held is bounded by the socket's buffer. When this handler is removed,
/// everything goes to the handlers behind it in the order of arrival.
///
/// The end of a Unix socket closes the channel at once, and there is no pipeline left to be joined. What such a service
/// or client had to say is here for whoever asks in time (``remains``).
///
/// Confined to the channel's event loop.
final class UpstreamHoldHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private var held: [ByteBuffer] = []
    private var inputClosed = false
    private var failure: (any Error)?

    /// What a local side said that has ended in order; nil when it goes on, or broke.
    var remains: [ByteBuffer]? { inputClosed && failure == nil ? held : nil }

    func channelRead(context _: ChannelHandlerContext, data: NIOAny) {
        held.append(unwrapInboundIn(data))
    }

    func channelReadComplete(context _: ChannelHandlerContext) {}

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event {
            inputClosed = true
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context _: ChannelHandlerContext, error: any Error) {
        failure = failure ?? error
    }

    func removeHandler(context: ChannelHandlerContext, removalToken: ChannelHandlerContext.RemovalToken) {
        for bytes in held { context.fireChannelRead(wrapInboundOut(bytes)) }
        if !held.isEmpty { context.fireChannelReadComplete() }
        held = []
        if let failure { context.fireErrorCaught(failure) }
        if inputClosed { context.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        context.leavePipeline(removalToken: removalToken)
    }
}

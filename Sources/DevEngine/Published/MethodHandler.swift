import NIOCore
import NIOHTTP1

/// Stands before NIO's decoder, which refuses methods that it does not know, and shows it one that it knows in their place.
///
/// It must know where a request begins, which the end of the pipeline tells it. Requests that come behind another one in the
/// same read reach the decoder as they are.
final class MethodHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private var begun: ByteBuffer? = ByteBuffer()
    /// The method in whose place another one was shown, of the next head.
    private var hidden: HTTPMethod?

    /// What the next byte belongs to.
    func next(isRequest: Bool) {
        begun = isRequest ? ByteBuffer() : nil
    }

    /// The method of a head that was just read.
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

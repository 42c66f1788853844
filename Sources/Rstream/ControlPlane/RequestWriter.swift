internal import NIOCore
internal import NIOHTTP1
internal import RstreamModel

/// Writes the head of a request with a bearer token after its headers, into memory that is overwritten when the request
/// was sent. The token is in no header before, so no other copy of it is made.
///
/// It takes the place of NIO's encoder, for requests without a body whose headers were checked. Confined to the
/// channel's event loop.
final class RequestWriter: ChannelOutboundHandler {
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = ByteBuffer

    private let token: Secret

    init(token: Secret) {
        self.token = token
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .head(let head) = unwrapOutboundIn(data) else {
            promise?.succeed()
            return
        }
        let lines = head.headers.map { "\($0.name): \($0.value)\r\n" }.joined()
        let text = "\(head.method.rawValue) \(head.uri) HTTP/1.1\r\n\(lines)Authorization: Bearer "
        let end = "\r\n\r\n"
        // Large enough at once: growing would leave a copy in memory.
        var buffer = ByteBufferAllocator().buffer(capacity: text.utf8.count + token.count + end.utf8.count)
        buffer.writeString(text)
        token.withBytes { _ = buffer.writeBytes($0) }
        buffer.writeString(end)
        let written = buffer.overwritten(on: context.eventLoop)
        written.futureResult.cascade(to: promise)
        context.write(wrapOutboundOut(buffer), promise: written)
    }
}

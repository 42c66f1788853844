internal import NIOCore
internal import NIOHTTP1

/// Writes a request as soon as there is a connection, before anything is read from it.
///
/// A daemon that has no place for another client answers unasked and hangs up. An answer to a request that was not written
/// yet is none to the HTTP decoder; one that comes while writing fails is taken in before the connection is given up.
///
/// Confined to its channel's event loop.
final class RequestHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let request: [HTTPClientRequestPart]

    init(_ request: [HTTPClientRequestPart]) {
        self.request = request
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        // At once: a daemon that has read a request without a body answers and closes before its end is written.
        for part in request { context.write(wrapOutboundOut(part), promise: nil) }
        context.flush()
    }
}

internal import NIOCore
internal import NIOHTTP1
internal import NIOTLS

/// Sends one request and collects the answer, whose length is limited. Confined to the channel's event loop.
final class ExchangeHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    /// An answer in one piece.
    struct Answer: Sendable {
        let status: HTTPResponseStatus
        let body: ByteBuffer
    }

    /// The answer exceeds ``longest``.
    struct TooLong: Error {}

    /// The longest answer in bytes.
    static let longest = 1 << 20

    private let request: HTTPRequestHead
    private let waitsForTLS: Bool
    private let answer: EventLoopPromise<Answer>
    private var status: HTTPResponseStatus?
    private var body = ByteBuffer()

    init(_ request: HTTPRequestHead, waitsForTLS: Bool, answer: EventLoopPromise<Answer>) {
        self.request = request
        self.waitsForTLS = waitsForTLS
        self.answer = answer
    }

    func channelActive(context: ChannelHandlerContext) {
        if !waitsForTLS { send(context) }
        context.fireChannelActive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // Not earlier: the request holds a token, and the peer's certificate has not been checked.
        if waitsForTLS, case TLSUserEvent.handshakeCompleted = event { send(context) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): status = head.status
        case .body(var bytes):
            guard body.readableBytes + bytes.readableBytes <= Self.longest else { return fail(TooLong(), context) }
            body.writeBuffer(&bytes)
        case .end:
            guard let status else { return }
            answer.succeed(Answer(status: status, body: body))
            context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { fail(error, context) }

    func channelInactive(context: ChannelHandlerContext) {
        // An error after a complete answer changes nothing.
        answer.fail(ChannelError.eof)
        context.fireChannelInactive()
    }

    private func send(_ context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.head(request)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    private func fail(_ error: any Error, _ context: ChannelHandlerContext) {
        answer.fail(error)
        context.close(promise: nil)
    }
}

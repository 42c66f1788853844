// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import NIOHTTP1
internal import NIOTLS

/// Sends the HTTP request of a ``ControlPlane`` query and collects the response, whose length is limited. Confined to
/// the channel's event loop.
final class ExchangeHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    /// A complete response.
    struct Answer: Sendable {
        let status: HTTPResponseStatus
        let body: ByteBuffer
    }

    /// The response's body is longer than ``longest``.
    struct TooLong: Error {}

    /// The limit of a response's body, in bytes.
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
        // Not before the server is verified: the request holds a token.
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
        // Has no effect if the response is complete.
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

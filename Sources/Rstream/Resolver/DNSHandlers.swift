internal import NIOCore
internal import NIOTLS
internal import RstreamModel

/// Sends one question in one datagram and takes the first answer to it. Any other datagram may have been sent by
/// any host, and is ignored.
///
/// Confined to the channel's event loop.
final class DNSDatagramHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = ByteBuffer

    private let query: DNSQuery
    private let answer: EventLoopPromise<NameAnswer>

    init(_ query: DNSQuery, _ answer: EventLoopPromise<NameAnswer>) {
        self.query = query
        self.answer = answer
    }

    func channelActive(context: ChannelHandlerContext) {
        let sent = context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: query.bytes)))
        sent.assumeIsolated().whenFailure { self.answer.fail($0) }
    }

    func channelRead(context _: ChannelHandlerContext, data: NIOAny) {
        let message = Array(unwrapInboundIn(data).data.readableBytesView)
        do {
            answer.succeed(try query.answer(in: message))
        } catch .notOurs, .malformed {
            return
        } catch {
            answer.fail(error)
        }
    }

    func errorCaught(context _: ChannelHandlerContext, error: any Error) {
        answer.fail(error)
    }

    func channelInactive(context _: ChannelHandlerContext) {
        answer.fail(DNSFailure.closed)
    }
}

/// Sends one question on a TCP or TLS connection and takes the one answer; both stand behind their length.
///
/// Confined to the channel's event loop.
final class DNSStreamHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let query: DNSQuery
    private let answer: EventLoopPromise<NameAnswer>
    private let awaitsTLS: Bool
    /// At most one message, whose length is a 16-bit number, and one read.
    private var buffer = ByteBuffer()

    init(_ query: DNSQuery, _ answer: EventLoopPromise<NameAnswer>, awaitsTLS: Bool) {
        self.query = query
        self.answer = answer
        self.awaitsTLS = awaitsTLS
    }

    func channelActive(context: ChannelHandlerContext) {
        if !awaitsTLS { ask(context) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event { ask(context) }
    }

    func channelRead(context _: ChannelHandlerContext, data: NIOAny) {
        buffer.writeImmutableBuffer(unwrapInboundIn(data))
        guard let message = buffer.readLengthPrefixedSlice(as: UInt16.self) else { return }
        do {
            answer.succeed(try query.answer(in: Array(message.readableBytesView)))
        } catch {
            answer.fail(error)
        }
    }

    func errorCaught(context _: ChannelHandlerContext, error: any Error) {
        answer.fail(error)
    }

    func channelInactive(context _: ChannelHandlerContext) {
        answer.fail(DNSFailure.closed)
    }

    private func ask(_ context: ChannelHandlerContext) {
        let bytes = query.bytes
        var message = ByteBuffer()
        message.writeInteger(UInt16(clamping: bytes.count))
        message.writeBytes(bytes)
        context.writeAndFlush(wrapOutboundOut(message), promise: nil)
    }
}

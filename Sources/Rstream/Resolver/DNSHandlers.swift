// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import NIOTLS
internal import RstreamModel

/// Sends the query of a ``DNSResolver`` in one datagram and waits for its answer. Other datagrams may be forged
/// and are ignored.
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
        } catch .unrelated, .malformed {
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

/// Sends the query of a ``DNSResolver`` over TCP or TLS, where each message follows its 16-bit length (RFC 1035
/// §4.2.2).
///
/// Confined to the channel's event loop.
final class DNSStreamHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let query: DNSQuery
    private let answer: EventLoopPromise<NameAnswer>
    private let awaitsTLS: Bool
    /// Bounded by one message, at most 65,535 bytes, plus one read.
    private var buffer = ByteBuffer()

    init(_ query: DNSQuery, _ answer: EventLoopPromise<NameAnswer>, awaitsTLS: Bool) {
        self.query = query
        self.answer = answer
        self.awaitsTLS = awaitsTLS
    }

    func channelActive(context: ChannelHandlerContext) {
        if !awaitsTLS { send(context) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event { send(context) }
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

    private func send(_ context: ChannelHandlerContext) {
        let bytes = query.bytes
        var message = ByteBuffer()
        message.writeInteger(UInt16(clamping: bytes.count))
        message.writeBytes(bytes)
        context.writeAndFlush(wrapOutboundOut(message), promise: nil)
    }
}

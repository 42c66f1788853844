// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore

/// What a visitor and the upstream behind the tunnel send each other: both directions at once, each half-closed by
/// its sender, each answered for with a digest.
///
/// The visitor starts with this plan as a header and its upload behind it. The upstream sends its download, and once
/// the visitor has half-closed, the digest of what it got.
struct Exchange: Hashable, Sendable {
    var seed: UInt64
    var upload: Int
    var download: Int
    /// The upstream closes as soon as it has sent its download and does not wait for the visitor's end.
    var upstreamEndsFirst = false

    var uploaded: Content { Content(seed: seed &* 2, count: upload) }
    var downloaded: Content { Content(seed: seed &* 2 &+ 1, count: download) }

    static let headerBytes = 25

    var header: ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeMultipleIntegers(seed, UInt64(upload), UInt64(download), UInt8(upstreamEndsFirst ? 1 : 0))
        return buffer
    }

    init(seed: UInt64, upload: Int, download: Int, upstreamEndsFirst: Bool = false) {
        self.seed = seed
        self.upload = upload
        self.download = download
        self.upstreamEndsFirst = upstreamEndsFirst
    }

    init?(header: inout ByteBuffer) {
        typealias Fields = (UInt64, UInt64, UInt64, UInt8)
        guard let fields: Fields = header.readMultipleIntegers() else { return nil }
        self.init(
            seed: fields.0,
            upload: Int(clamping: fields.1),
            download: Int(clamping: fields.2),
            upstreamEndsFirst: fields.3 == 1
        )
    }
}

/// Why an exchange is not as it must be.
struct Broken: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Sends a content, no faster than the channel takes it. A class, because writing can lead back to it at once.
final class Sender {
    private let content: Content
    private var offset = 0

    init(_ content: Content) { self.content = content }

    var isDone: Bool { offset == content.count }

    func pump(_ context: ChannelHandlerContext) {
        guard !isDone else { return }
        while !isDone, context.channel.isWritable {
            let part = content.bytes(at: offset)
            offset += part.readableBytes
            context.write(NIOAny(part), promise: nil)
        }
        context.flush()
    }
}

/// The upstream's side of an exchange.
final class ExchangeUpstream: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var head = ByteBuffer()
    private var plan: Exchange?
    private var sender: Sender?
    private var received = RunningDigest()
    private var inputEnded = false
    private var isFinished = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        guard plan == nil else { return received.update(bytes) }
        head.writeBuffer(&bytes)
        guard let plan = Exchange(header: &head) else { return }
        self.plan = plan
        received.update(head)
        sender = Sender(plan.downloaded)
        go(context)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        go(context)
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event {
            inputEnded = true
            go(context)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func go(_ context: ChannelHandlerContext) {
        guard let plan, !isFinished else {
            // A peer that left without a plan only looked whether somebody is here.
            if inputEnded, plan == nil { context.close(promise: nil) }
            return
        }
        sender?.pump(context)
        guard sender?.isDone == true, !isFinished, inputEnded || plan.upstreamEndsFirst else { return }
        isFinished = true
        var trailer = ByteBuffer(bytes: received.value.bytes)
        trailer.writeInteger(UInt64(received.count))
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(trailer)).whenComplete { _ in channel.close(promise: nil) }
    }
}

/// The visitor's side of an exchange: succeeds when every byte of both directions arrived as it was sent.
final class ExchangeVisitor: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let plan: Exchange
    private let done: EventLoopPromise<Void>
    /// Succeeds when the visitor may half-close.
    private let mayEnd: EventLoopFuture<Void>?
    /// Called when the whole download is here.
    private let downloaded: @Sendable () -> Void
    private let pause: TimeAmount?
    private let sender: Sender
    private var received = RunningDigest()
    private var trailer = ByteBuffer()
    private var outputEnded = false

    init(
        _ plan: Exchange,
        done: EventLoopPromise<Void>,
        mayEnd: EventLoopFuture<Void>? = nil,
        pause: TimeAmount? = nil,
        downloaded: @escaping @Sendable () -> Void = {}
    ) {
        self.plan = plan
        self.done = done
        self.mayEnd = mayEnd
        self.pause = pause
        self.downloaded = downloaded
        sender = Sender(plan.uploaded)
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        context.writeAndFlush(wrapOutboundOut(plan.header), promise: nil)
        if pause != nil { context.read() }
        go(context)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        go(context)
        context.fireChannelWritabilityChanged()
    }

    private func go(_ context: ChannelHandlerContext) {
        sender.pump(context)
        guard sender.isDone, !outputEnded else { return }
        outputEnded = true
        let channel = context.channel
        if let mayEnd {
            mayEnd.whenComplete { _ in channel.close(mode: .output, promise: nil) }
        } else {
            channel.close(mode: .output, promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        let missing = plan.download - received.count
        if missing > 0, let part = bytes.readSlice(length: min(missing, bytes.readableBytes)) {
            received.update(part)
            if received.count == plan.download { downloaded() }
        }
        trailer.writeBuffer(&bytes)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        guard let pause else { return }
        context.eventLoop.assumeIsolated().scheduleTask(in: pause) { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { ended(context) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        done.fail(Broken("stream \(plan.seed) broke after \(received.count) of \(plan.download) bytes: \(error)"))
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        ended(context)
        context.fireChannelInactive()
    }

    private func ended(_ context: ChannelHandlerContext) {
        let digest = trailer.readBytes(length: 32)
        let count = trailer.readInteger(as: UInt64.self)
        let arrived = Digest(count: Int(clamping: count ?? 0), bytes: digest ?? [])
        if received.count < plan.download {
            done.fail(Broken("stream \(plan.seed) ended after \(received.count) of \(plan.download) bytes"))
        } else if received.value != plan.downloaded.digest {
            done.fail(Broken("stream \(plan.seed): the download has another digest"))
        } else if !plan.upstreamEndsFirst, arrived != plan.uploaded.digest {
            done.fail(Broken("stream \(plan.seed): \(arrived.count) of \(plan.upload) bytes came up, or others"))
        } else if trailer.readableBytes > 0 {
            done.fail(Broken("stream \(plan.seed): \(trailer.readableBytes) bytes too many"))
        } else {
            done.succeed()
        }
        if outputEnded { context.close(promise: nil) }
    }
}

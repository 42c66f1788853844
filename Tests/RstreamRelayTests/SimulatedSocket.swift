// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import NIOCore
import NIOEmbedded
import RstreamSocket

/// The connection at one end of an embedded channel, with a kernel and a peer that do as the test says, in the way of
/// NIO's sockets: it reads when it is asked to, its writes wait until the kernel takes them, it may be half closed, and
/// the end of its input closes it once its output is closed.
///
/// It stands first in the pipeline. Confined to its channel's event loop.
final class SimulatedSocket: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer

    /// Bytes of writes at which the channel stops being writable, and below which it is writable again.
    private static let waterMarks = (low: 1_000, high: 4_000)

    /// What the peer has sent.
    private(set) var sent: [UInt8] = []
    /// What the peer has received.
    private(set) var received: [UInt8] = []
    /// Whether the peer has received the end, after all that was written.
    private(set) var hasReceivedEnd = false
    /// Whether the peer has received a reset.
    private(set) var wasReset = false
    /// Whether the handlers have got the end of all that the peer has sent.
    private(set) var hasReadEnd = false
    /// Whether the peer reset the connection or vanished.
    private(set) var isBroken = false
    private(set) var isClosed = false
    private(set) var hasSentEnd = false
    /// What handlers did that they must not do.
    private(set) var mistakes: [String] = []
    /// Called when a read is asked for; returns what is wrong with that.
    var judgeRead: () -> String? = { nil }

    private struct Write {
        var bytes: ByteBuffer
        let promise: EventLoopPromise<Void>?
        let isEmpty: Bool
    }

    private var context: ChannelHandlerContext?
    /// Kept until it is closed, as NIO's event loops keep theirs.
    private var channel: EmbeddedChannel?
    private var writes: [Write] = []
    private var flushedCount = 0
    private var readCount = 0
    private var isReadWanted = false
    private var isOutputClosed = false
    private var isAborted = false

    var isWritable: Bool { channel?.isWritable ?? false }

    /// Writes with bytes that the kernel has not taken.
    var waitingWrites: Int { writes.count { !$0.isEmpty } }

    private var waitingBytes: Int { writes.reduce(0) { $0 + $1.bytes.readableBytes } }

    /// A connected channel with this connection and what stands on every connection of the product.
    func channel(on loop: EmbeddedEventLoop) throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(handlers: [self, OrderlyCloseHandler(), ResetNote(self)], loop: loop)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        isReadWanted = false
        self.channel = channel
        return channel
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context _: ChannelHandlerContext) {
        context = nil
        channel = nil
    }

    // MARK: The peer and the kernel

    func peerSends(_ bytes: [UInt8]) {
        guard !hasSentEnd, !isBroken, !isClosed else { return }
        sent += bytes
    }

    func peerEnds() { hasSentEnd = hasSentEnd || !isBroken }

    /// The peer resets the connection, or it is lost without an error. Once its output is closed, NIO has no other way to
    /// say that its input has ended, so then it is reset.
    func peerBreaks(byReset isReset: Bool) {
        guard !isBroken, !isClosed, let context else { return }
        isBroken = true
        if isReset || isOutputClosed { context.fireErrorCaught(IOError(errnoCode: ECONNRESET, reason: "read")) }
        closeAll(nil)
    }

    /// Hands on up to four buffers of what the peer has sent, of the lengths that `length` gives, if a read was asked for;
    /// then the end, if there is nothing else.
    func deliver(length: (_ most: Int) -> Int) {
        guard isReadWanted, !isClosed, !hasReadEnd, let context else { return }
        if readCount < sent.count {
            isReadWanted = false
            var buffers = 0
            while readCount < sent.count, buffers < 4, !isClosed {
                let count = length(sent.count - readCount)
                let bytes = ByteBuffer(bytes: sent[readCount..<(readCount + count)])
                readCount += count
                buffers += 1
                context.fireChannelRead(wrapInboundOut(bytes))
            }
            context.fireChannelReadComplete()
        } else if hasSentEnd {
            isReadWanted = false
            hasReadEnd = true
            if isOutputClosed { return closeAll(nil) }
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            context.fireChannelReadComplete()
        }
    }

    /// The kernel takes up to `count` bytes of what was flushed.
    func take(_ count: Int) {
        var left = count
        while flushedCount > 0, let write = writes.first {
            let taken = min(left, write.bytes.readableBytes)
            received += writes[0].bytes.readBytes(length: taken) ?? []
            left -= taken
            guard taken == write.bytes.readableBytes else { break }
            writes.removeFirst()
            flushedCount -= 1
            write.promise?.succeed()
        }
        judgeWritability()
    }

    private func judgeWritability() {
        guard let context, let channel, !isClosed else { return }
        let waiting = waitingBytes
        if channel.isWritable, waiting > Self.waterMarks.high {
            channel.isWritable = false
            context.fireChannelWritabilityChanged()
        } else if !channel.isWritable, waiting < Self.waterMarks.low {
            channel.isWritable = true
            context.fireChannelWritabilityChanged()
        }
    }

    // MARK: What handlers ask for

    func read(context _: ChannelHandlerContext) {
        if let mistake = judgeRead() { mistakes.append(mistake) }
        isReadWanted = true
    }

    func write(context _: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let bytes = unwrapOutboundIn(data)
        guard !isOutputClosed, !isClosed else {
            if !isClosed, bytes.readableBytes > 0 { mistakes.append("a write behind the end") }
            promise?.fail(ChannelError.outputClosed)
            return
        }
        writes.append(Write(bytes: bytes, promise: promise, isEmpty: bytes.readableBytes == 0))
        judgeWritability()
    }

    func flush(context _: ChannelHandlerContext) {
        flushedCount = writes.count
        // Empty writes wait for nothing but those before them.
        take(0)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .output, !hasReadEnd else { return closeAll(promise) }
        guard !isOutputClosed else {
            promise?.fail(ChannelError.outputClosed)
            return
        }
        if !writes.isEmpty { mistakes.append("an end before what was written") }
        isOutputClosed = true
        hasReceivedEnd = true
        promise?.succeed()
        context.fireUserInboundEventTriggered(ChannelEvent.outputClosed)
    }

    fileprivate func willBeReset() {
        guard !isClosed else { return }
        isAborted = true
        wasReset = true
    }

    private func closeAll(_ promise: EventLoopPromise<Void>?) {
        guard !isClosed, let context else {
            promise?.fail(ChannelError.alreadyClosed)
            return
        }
        isClosed = true
        if !isAborted, !isBroken {
            if !writes.isEmpty { mistakes.append("a close before what was written") }
            hasReceivedEnd = true
        }
        let lost = writes
        writes = []
        flushedCount = 0
        for write in lost { write.promise?.fail(ChannelError.ioOnClosedChannel) }
        context.close(mode: .all, promise: promise)
    }
}

/// Sees that the connection is to be reset, before what resets it does.
private final class ResetNote: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    private let socket: SimulatedSocket

    init(_ socket: SimulatedSocket) { self.socket = socket }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        if "\(type(of: event))" == "AbortEvent" { socket.willBeReset() }
        context.triggerUserOutboundEvent(event, promise: promise)
    }
}

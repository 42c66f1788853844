// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import NIOCore
import NIOSSL

/// The handler next to the socket, below TLS.
///
/// It parses a connection's ClientHello, calls the decision, and replays the bytes to the handlers that the decision
/// added; afterwards everything passes through. It also resets the connection: above TLS, a close would send a
/// close_notify first.
final class SocketHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// Called with the first bytes, which are replayed when it returns.
    typealias Decision = (ClientHello.Verdict, ByteBuffer) -> Void

    private enum State {
        case peeking(ByteBuffer, Decision)
        case passing
    }

    private var state: State
    private var context: ChannelHandlerContext?
    private var records: TLSRecordTracker?

    /// Waits for a ClientHello if there is a decision to make, else passes everything on.
    init(decide: Decision?) {
        state = decide.map { .peeking(ByteBuffer(), $0) } ?? .passing
    }

    /// Resets the connection immediately, including unread and unsent bytes.
    func abort() {
        guard let context else { return }
        if let socket = context.channel as? any SocketOptionProvider {
            _ = socket.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        }
        context.close(promise: nil)
    }

    /// Closes the connection without a close_notify.
    func close() { context?.close(promise: nil) }

    /// Adds TLS between the socket and the connection, before the first byte is passed on.
    func addTLS(_ handler: NIOSSLServerHandler) throws {
        records = TLSRecordTracker()
        try context?.pipeline.syncOperations.addHandler(handler, position: .after(self))
    }

    /// Whether the input so far ends between two TLS records.
    var areRecordsComplete: Bool { records?.areComplete ?? false }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        if case .peeking = state { context.read() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .peeking(var seen, let decide) = state else {
            records?.append(unwrapInboundIn(data))
            return context.fireChannelRead(data)
        }
        var bytes = unwrapInboundIn(data)
        seen.writeBuffer(&bytes)
        let verdict = ClientHello.read(seen)
        guard verdict != .needMore else {
            state = .peeking(seen, decide)
            return
        }
        state = .passing
        decide(verdict, seen)
        records?.append(seen)
        context.fireChannelRead(wrapInboundOut(seen))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if case .peeking = state { return context.read() }
        context.fireChannelReadComplete()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        if case .peeking = state { return context.close(promise: nil) }
        guard records != nil else { return context.fireUserInboundEventTriggered(event) }
        // Deferred: NIOSSL continues a handshake with a certificate asynchronously, and would take the end for the end of
        // the handshake although all of it has arrived.
        context.eventLoop.assumeIsolated().execute {
            if context.channel.isActive { context.fireUserInboundEventTriggered(event) }
        }
    }
}

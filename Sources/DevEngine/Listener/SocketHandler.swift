import Glibc
import NIOCore
import NIOSSL

/// The handler next to the socket, below TLS.
///
/// It looks at a connection's ClientHello, asks what to do, and replays the bytes to the handlers that were added
/// meanwhile; afterwards everything passes through. It is also where a connection is reset: above TLS, closing means
/// saying goodbye first.
final class SocketHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// What to do about a first flight. The bytes are replayed when it returns.
    typealias Decision = (ClientHello.Verdict, ByteBuffer) -> Void

    private enum State {
        case peeking(ByteBuffer, Decision)
        case passing
    }

    private var state: State
    private var context: ChannelHandlerContext?
    private var records: TLSRecords?

    /// Peeks when there is a decision to make about TLS, else passes everything on.
    init(decide: Decision?) {
        state = decide.map { .peeking(ByteBuffer(), $0) } ?? .passing
    }

    /// Ends the connection at once with a TCP reset, whatever is still unread or unsent.
    func abort() {
        guard let context else { return }
        if let socket = context.channel as? any SocketOptionProvider {
            _ = socket.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        }
        context.close(promise: nil)
    }

    /// Ends the connection when what was written is on its way, without TLS's goodbye.
    func close() { context?.close(promise: nil) }

    /// Adds TLS between the socket and the connection, before its first byte is handed on.
    func addTLS(_ handler: NIOSSLServerHandler) throws {
        records = TLSRecords()
        try context?.pipeline.syncOperations.addHandler(handler, position: .after(self))
    }

    /// Whether nothing is missing of what the peer has said in TLS.
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
        // Not now: NIOSSL goes on with a handshake that has a certificate in it later, and takes an end before that for the end
        // of the handshake, though everything may have been sent behind it already.
        context.eventLoop.assumeIsolated().execute {
            if context.channel.isActive { context.fireUserInboundEventTriggered(event) }
        }
    }
}

import Glibc
import NIOCore
import NIOSSL
import NIOTLS
import RstreamModel

/// One accepted socket as the rest of the engine sees it: plain bytes in and out, above TLS if there is any.
///
/// It is the last handler of its pipeline until HTTP is parsed, and hands every event to its ``role``.
final class Connection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let engine: Engine
    let channel: any Channel
    /// Who connected.
    let source: IPAddress?
    var role: any ConnectionRole
    /// Whether the end of the socket, where no record is cut off, is an end like the goodbye of TLS (PROTOCOL.md §19).
    /// It is for visitors, many of whom end so; an agent that does has lost something.
    var mayEndWithoutGoodbye = false
    private let socket: SocketHandler
    private let opened: (Connection) -> Void
    private var established: ((String?) -> Void)?
    private var context: ChannelHandlerContext?
    /// Whether events go to the handlers behind this one and not to the role.
    private var isHandedOn = false

    /// Calls `opened` once the socket is connected and the pipeline is complete.
    init(engine: Engine, channel: any Channel, socket: SocketHandler, opened: @escaping (Connection) -> Void) {
        self.engine = engine
        self.channel = channel
        self.socket = socket
        self.opened = opened
        source = channel.remoteAddress?.ipAddress.flatMap { Self.address($0) }
        role = NoRole()
    }

    /// On a socket for both families, IPv4 visitors come as mapped IPv6 addresses.
    private static func address(_ text: String) -> IPAddress? {
        let mapped = "::ffff:"
        return IPAddress(
            text.startsWithBytes(of: mapped) && text.contains(byte: ".") ? String(text.dropFirst(mapped.count)) : text
        )
    }

    // MARK: What roles do

    /// Asks for one read.
    func read() { context?.read() }

    func write(_ bytes: ByteBuffer) {
        guard let context else { return }
        context.write(wrapOutboundOut(bytes), promise: nil)
    }

    func flush() { context?.flush() }

    func send(_ bytes: ByteBuffer) {
        write(bytes)
        flush()
    }

    var isWritable: Bool { channel.isWritable }

    /// Bytes that were written and not yet taken by the kernel.
    var backlog: Int {
        (try? channel.syncOptions?.getOption(ChannelOptions.bufferedWritableBytes)) ?? 0
    }

    /// Closes our direction once everything written is on its way.
    ///
    /// The wait matters: closing the second direction of a connection closes it whole, and NIO then drops what is
    /// still queued.
    func finishOutput(then: ((_ isOnItsWay: Bool) -> Void)? = nil) {
        whenFlushed { [weak self] isOnItsWay in
            if isOnItsWay { self?.context?.close(mode: .output, promise: nil) }
            then?(isOnItsWay)
        }
    }

    private func whenFlushed(_ body: @escaping (_ isOnItsWay: Bool) -> Void) {
        guard let context else { return body(false) }
        let flushed = context.eventLoop.makePromise(of: Void.self)
        flushed.futureResult.assumeIsolated().whenComplete { [engine] result in
            // Not now: this runs in the middle of a flush, and the close_notify that closing writes would have to be
            // flushed too before the socket is gone.
            engine.soon { body((try? result.get()) != nil) }
        }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: flushed)
    }

    /// Closes our direction, then drains and closes: for a peer that must still read our last word.
    func dismiss() { role = Farewell(self) }

    /// Closes in order, both directions, once everything written is on its way.
    func close() {
        whenFlushed { [weak self] _ in self?.context?.close(promise: nil) }
    }

    /// Resets at once.
    func abort() { socket.abort() }

    // MARK: TLS

    /// Starts TLS as a server below this handler.
    func startTLS(_ context: NIOSSLContext, established: @escaping (String?) -> Void) {
        self.established = established
        let handler = NIOSSLServerHandler(
            context: context,
            // Any certificate is let in; whether it is a registered one is asked later, byte by byte.
            customVerificationCallback: { _, promise in promise.succeed(.certificateVerified) },
            configuration: .init()
        )
        do {
            try socket.addTLS(handler)
        } catch {
            abort()
        }
    }

    /// Starts TLS as a client inside what is already spoken here: the engine's end of `upstream_tls`. What the service
    /// chose to speak is told once that is known; whoever does not ask may write at once.
    func startInnerTLS(
        _ context: NIOSSLContext,
        name: String?,
        established: ((String?) -> Void)? = nil
    ) throws {
        let handler = try NIOSSLClientHandler(context: context, serverHostname: name)
        self.established = established
        try addBefore(handler)
    }

    /// The DER of the certificate the peer proved to hold.
    var peerCertificate: [UInt8]? {
        let handler = try? channel.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self)
        return try? handler?.peerCertificate?.toDERBytes()
    }

    // MARK: Handlers behind this one

    /// Adds handlers behind this one; they get what ``forward(_:)`` hands on.
    func addBehind(_ handlers: [any ChannelHandler]) throws {
        try channel.pipeline.syncOperations.addHandlers(handlers, position: .after(self))
    }

    /// Adds handlers behind this one, and gives them every event from now on.
    func handOn(to handlers: [any ChannelHandler]) throws {
        try addBehind(handlers)
        isHandedOn = true
        role = NoRole()
    }

    /// Ends what ``handOn(to:)`` began, and the connection with it: in order, and with time for the peer to read our last word
    /// unless it `hasEnded` its direction.
    func retire(hasEnded: Bool) {
        isHandedOn = false
        if hasEnded { close() } else { dismiss() }
    }

    /// Ends what ``handOn(to:)`` began, and takes away these handlers, of which the last is the one at the end. `then` gets
    /// what they have read and not used, and whether the input has ended; the connection has no role until it gives it one.
    func detach(_ handlers: [any RemovableChannelHandler], _ then: @escaping (ByteBuffer, _ hasEnded: Bool) -> Void) {
        let rest = UnusedInput()
        let pipeline = channel.pipeline.syncOperations
        do {
            try pipeline.addHandler(rest)
        } catch {
            return abort()
        }
        // A decoder gives back what it has not used when it is removed, which is later than now.
        let removals = handlers.reversed().map { pipeline.removeHandler($0) }
        EventLoopFuture.andAllComplete(removals, on: channel.eventLoop).assumeIsolated().whenComplete { [self] _ in
            _ = pipeline.removeHandler(rest)
            isHandedOn = false
            then(rest.bytes, rest.hasEnded)
        }
    }

    /// Adds a handler between TLS and this one.
    func addBefore(_ handler: any ChannelHandler) throws {
        try channel.pipeline.syncOperations.addHandler(handler, position: .before(self))
    }

    func forward(_ bytes: ByteBuffer) {
        context?.fireChannelRead(wrapInboundOut(bytes))
    }

    /// Says that nothing more of one read is handed on.
    func forwardReadComplete() { context?.fireChannelReadComplete() }

    // MARK: Events

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        // It refers back to this connection, and is called no more where the handshake was not completed.
        established = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        engine.add(self)
        opened(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isHandedOn { return context.fireChannelRead(data) }
        role.received(unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if isHandedOn { return context.fireChannelReadComplete() }
        role.readCompleted()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if isHandedOn { return context.fireChannelWritabilityChanged() }
        if channel.isWritable { role.becameWritable() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted(let negotiated):
            let established = established
            self.established = nil
            established?(negotiated)
        case _ where isHandedOn: context.fireUserInboundEventTriggered(event)
        case ChannelEvent.inputClosed: role.inputClosed()
        default: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The end itself follows: as an event, or as the close where our direction is closed already.
        if case NIOSSLError.uncleanShutdown = error, mayEndWithoutGoodbye, socket.areRecordsComplete { return }
        // Nobody has a handshake that fails, or whose peer is gone, and TLS itself does not close for the latter.
        let isHandshaking = established != nil
        if isHandedOn { context.fireErrorCaught(error) } else { role.failed(error) }
        if isHandshaking { socket.close() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        engine.remove(self)
        let last = role
        role = NoRole()
        last.closed()
        context.fireChannelInactive()
    }
}

/// Keeps what comes out of handlers that are being taken away.
private final class UnusedInput: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private(set) var bytes = ByteBuffer()
    private(set) var hasEnded = false

    func channelRead(context _: ChannelHandlerContext, data: NIOAny) {
        var new = unwrapInboundIn(data)
        bytes.writeBuffer(&new)
    }

    func userInboundEventTriggered(context _: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { hasEnded = true }
    }
}

/// Whose events mean nothing to anybody: before the handshake is done, while other handlers have them, and after the end.
private final class NoRole: ConnectionRole {
    func received(_ bytes: ByteBuffer) {}
    func readCompleted() {}
    func inputClosed() {}
    func failed(_ error: any Error) {}
    func closed() {}
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import NIOCore
import NIOSSL
import NIOTLS
import RstreamModel

/// An accepted connection as the rest of the engine sees it: plain bytes in and out, above TLS if it is used.
///
/// It is the last handler of its pipeline until HTTP is parsed, and passes every event to its ``role``.
final class Connection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let engine: Engine
    let channel: any Channel
    /// Who connected.
    let source: IPAddress?
    var role: any ConnectionRole
    /// Whether an end of the TCP connection between two TLS records counts as a regular end, as a close_notify does
    /// (PROTOCOL.md §19). It does for visitors, many of which end so; for agents it is an error.
    var mayEndWithoutGoodbye = false
    private let socket: SocketHandler
    private let opened: (Connection) -> Void
    private var established: ((String?) -> Void)?
    private var context: ChannelHandlerContext?
    /// Whether events go to the handlers behind this one instead of the role.
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

    /// Closes the output once everything written has been sent.
    ///
    /// NIO closes the whole connection with its second direction and drops queued writes, so this waits for them.
    func finishOutput(then: ((_ isSent: Bool) -> Void)? = nil) {
        whenFlushed { [weak self] isSent in
            if isSent { self?.context?.close(mode: .output, promise: nil) }
            then?(isSent)
        }
    }

    private func whenFlushed(_ body: @escaping (_ isSent: Bool) -> Void) {
        guard let context else { return body(false) }
        let flushed = context.eventLoop.makePromise(of: Void.self)
        flushed.futureResult.assumeIsolated().whenComplete { [engine] result in
            // Not now: this runs in the middle of a flush, and the close_notify that closing writes would have to be
            // flushed too before the socket is gone.
            engine.executeLater { body((try? result.get()) != nil) }
        }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: flushed)
    }

    /// Closes the output, then drains the input and closes, so that the peer can read everything that was sent.
    func lingeringClose() { role = LingeringClose(self) }

    /// Closes both directions once everything written has been sent.
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
            // Any certificate is accepted here; whether it is registered is checked later, byte by byte.
            customVerificationCallback: { _, promise in promise.succeed(.certificateVerified) },
            configuration: .init()
        )
        do {
            try socket.addTLS(handler)
        } catch {
            abort()
        }
    }

    /// Starts TLS as a client inside this connection: the engine's end of `upstream_tls`. `established` gets the protocol
    /// that the service selected; without it, the caller may write immediately.
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

    /// Adds handlers behind this one; they get the bytes given to ``forward(_:)``.
    func addBehind(_ handlers: [any ChannelHandler]) throws {
        try channel.pipeline.syncOperations.addHandlers(handlers, position: .after(self))
    }

    /// Adds handlers behind this one, which get every event from now on.
    func handOn(to handlers: [any ChannelHandler]) throws {
        try addBehind(handlers)
        isHandedOn = true
        role = NoRole()
    }

    /// Takes the events back from the handlers behind this one and closes the connection, with time for the peer to read
    /// everything that was sent unless its direction `hasEnded`.
    func retire(hasEnded: Bool) {
        isHandedOn = false
        if hasEnded { close() } else { lingeringClose() }
    }

    /// Takes the events back and removes these handlers, of which the last one ends the pipeline. `then` gets the bytes that
    /// they have read and not used, and whether the input has ended; the connection has no role until `then` sets one.
    func detach(_ handlers: [any RemovableChannelHandler], _ then: @escaping (ByteBuffer, _ hasEnded: Bool) -> Void) {
        let rest = LeftoverInputHandler()
        let pipeline = channel.pipeline.syncOperations
        do {
            try pipeline.addHandler(rest)
        } catch {
            return abort()
        }
        // A decoder passes on its unused bytes when it is removed, which is not immediately.
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

    /// Ends one read that was passed on with ``forward(_:)``.
    func forwardReadComplete() { context?.fireChannelReadComplete() }

    // MARK: Events

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        // It refers back to this connection; an incomplete handshake never calls it.
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
        // The end follows: as an event, or as the close if our output is closed already.
        if case NIOSSLError.uncleanShutdown = error, mayEndWithoutGoodbye, socket.areRecordsComplete { return }
        // No handler behind this one closes after a failed handshake, and NIOSSL does not when the peer is gone.
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

/// Collects the bytes that removed handlers pass on. Confined to the event loop.
private final class LeftoverInputHandler: ChannelInboundHandler, RemovableChannelHandler {
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

/// Ignores events: before the handshake is complete, while other handlers get them, and after the end.
private final class NoRole: ConnectionRole {
    func received(_ bytes: ByteBuffer) {}
    func readCompleted() {}
    func inputClosed() {}
    func failed(_ error: any Error) {}
    func closed() {}
}

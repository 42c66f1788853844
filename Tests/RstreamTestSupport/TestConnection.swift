// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
package import NIOCore
internal import NIOPosix
internal import NIOSSL

/// One end of a connection, as a visitor or a local service has it: writes and ends when told, and keeps what arrives.
package final class TestConnection: Sendable {
    package struct State: Sendable, CustomStringConvertible {
        package var received = ByteBuffer()
        /// The peer said that it is done.
        package var isInputEnded = false
        package var failure: String?
        /// The connection was reset by the peer.
        package var isReset = false
        package var isClosed = false

        /// The peer's bytes ended in order. Once our own output is closed, NIO reports that as a close only.
        package var hasEnded: Bool { isInputEnded || isClosed && failure == nil }
        /// Nothing more arrives, one way or the other.
        package var isOver: Bool { isInputEnded || isClosed || failure != nil }

        package var description: String {
            "\(received.readableBytes) bytes, ended \(isInputEnded), closed \(isClosed), failure \(failure ?? "none")"
        }
    }

    package let channel: any Channel
    package let state: Observed<State>

    private init(_ channel: any Channel, _ state: Observed<State>) {
        self.channel = channel
        self.state = state
    }

    /// Takes over a channel on its event loop; it must not have been read from.
    package static func take(_ channel: any Channel, echo: Bool = false) throws -> TestConnection {
        let state = Observed(State())
        try channel.pipeline.syncOperations.addHandler(Recorder(state, echo: echo))
        return TestConnection(channel, state)
    }

    /// Connects, with TLS when `tls` is given.
    package static func connect(
        to address: SocketAddress,
        tls: TestTLS? = nil,
        reads: Bool = true,
        sendBuffer: Int? = nil
    ) async throws -> TestConnection {
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.autoRead, value: reads)
        if let sendBuffer { bootstrap = bootstrap.channelOption(.socketOption(.so_sndbuf), value: sendBuffer) }
        return try await bootstrap.connect(to: address) { channel in
            channel.eventLoop.makeCompletedFuture {
                if let tls {
                    let handler = try NIOSSLClientHandler(context: try tls.context(), serverHostname: tls.serverName)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
                return try take(channel)
            }
        }
    }

    /// Connects to a port of this host.
    package static func connect(
        toPort port: Int,
        of host: String = "127.0.0.1",
        tls: TestTLS? = nil,
        reads: Bool = true,
        sendBuffer: Int? = nil
    ) async throws -> TestConnection {
        let address = try SocketAddress(ipAddress: host, port: port)
        return try await connect(to: address, tls: tls, reads: reads, sendBuffer: sendBuffer)
    }

    // MARK: What the test does with it

    /// Returns when the kernel has taken the bytes.
    package func send(_ bytes: ByteBuffer) async throws {
        let channel = channel
        try await within("\(bytes.readableBytes) bytes to be taken") { try await channel.writeAndFlush(bytes) }
    }

    /// Returns when the kernel has taken the text.
    package func send(_ text: String) async throws {
        try await send(ByteBuffer(string: text))
    }

    /// Says that nothing more will be sent.
    package func finish() async throws {
        let channel = channel
        try await within("the output's close") { try await channel.close(mode: .output) }
    }

    /// Closes in order and does not wait: a peer that takes nothing more, or says no goodbye, can hold that up.
    package func close() async {
        channel.close(promise: nil)
    }

    /// Drops the connection, unless it is gone already; the peer sees a reset.
    package func reset() async {
        if let socket = channel as? any SocketOptionProvider {
            try? await socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        }
        await close()
    }

    /// How a socket ends below TLS.
    package enum SocketEnd: Sendable {
        /// No more is said; what is said to it is still read.
        case output
        case whole
        case reset
    }

    /// Ends the socket without TLS's goodbye, behind these bytes, which no TLS wraps.
    package func endSocket(_ end: SocketEnd, behind bytes: ByteBuffer = ByteBuffer()) async throws {
        if case .reset = end, let socket = channel as? any SocketOptionProvider {
            try? await socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        }
        let channel = channel
        try await channel.eventLoop.submit {
            let tls = try channel.pipeline.syncOperations.context(handlerType: NIOSSLClientHandler.self)
            if bytes.readableBytes > 0 { tls.writeAndFlush(NIOAny(bytes), promise: nil) }
            tls.close(mode: end == .output ? .output : .all, promise: nil)
        }.get()
    }

    package func setReading(_ reads: Bool) async throws {
        try await channel.setOption(.autoRead, value: reads).get()
    }

    /// Writes `total` bytes of ``ByteBuffer/pattern(_:from:)`` as fast as the peer takes them; the value counts those
    /// that the kernel has taken.
    package func pump(_ total: Int) -> Observed<Int> {
        let accepted = Observed(0)
        let channel = channel
        @Sendable func next() {
            let start = accepted.value
            guard start < total else { return }
            let chunk = ByteBuffer.pattern(min(65_536, total - start), from: start)
            let count = chunk.readableBytes
            channel.writeAndFlush(chunk).whenSuccess {
                accepted.change { $0 += count }
                // Not from within the callback: a peer that takes everything would grow the stack.
                channel.eventLoop.execute { next() }
            }
        }
        channel.eventLoop.execute { next() }
        return accepted
    }

    // MARK: What the test waits for

    /// The first `count` bytes that arrived.
    package func receive(_ count: Int) async throws -> ByteBuffer {
        let state = try await state.wait(for: "\(count) bytes") { $0.received.readableBytes >= count || $0.isOver }
        guard let bytes = state.received.getSlice(at: state.received.readerIndex, length: count) else {
            throw DeadlinePassed(what: "\(count) bytes", state: "\(state)")
        }
        return bytes
    }

    /// As many characters as `text` has, which the test compares with it.
    package func receive(asLongAs text: String) async throws -> String {
        String(buffer: try await receive(text.utf8.count))
    }

    /// Everything, once the peer has said that it is done.
    package func receiveAll(within limit: Duration = testTimeout) async throws -> ByteBuffer {
        let state = try await state.wait(for: "the peer's end", within: limit) { $0.isOver }
        guard state.hasEnded else { throw DeadlinePassed(what: "the peer's end", state: "\(state)") }
        return state.received
    }

    package func receiveText() async throws -> String { String(buffer: try await receiveAll()) }

    /// Waits until the connection was reset.
    package func waitForReset() async throws {
        try await state.wait(for: "a reset") { $0.isReset }
    }

    package func waitForClose() async throws {
        try await state.wait(for: "the close") { $0.isClosed }
    }

    private final class Recorder: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let state: Observed<State>
        private let echo: Bool

        init(_ state: Observed<State>, echo: Bool) {
            self.state = state
            self.echo = echo
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            state.change { $0.received.writeImmutableBuffer(bytes) }
            if echo { context.writeAndFlush(wrapOutboundOut(bytes), promise: nil) }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case ChannelEvent.inputClosed = event {
                state.change { $0.isInputEnded = true }
                if echo { finish(context) }
            }
            context.fireUserInboundEventTriggered(event)
        }

        /// Closes the output when everything echoed was written.
        private func finish(_ context: ChannelHandlerContext) {
            let flushed = context.eventLoop.makePromise(of: Void.self)
            flushed.futureResult.assumeIsolated().whenSuccess { context.close(mode: .output, promise: nil) }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: flushed)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            let isReset = (error as? IOError)?.errnoCode == ECONNRESET
            state.change {
                $0.failure = $0.failure ?? "\(error)"
                $0.isReset = $0.isReset || isReset
            }
            context.close(promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) {
            state.change { $0.isClosed = true }
            context.fireChannelInactive()
        }
    }
}

extension ByteBuffer {
    /// What repeats in ``pattern(_:from:)``: longer than any chunk, and of a length that no chunk divides.
    private static let period: ByteBuffer = {
        var generator = SystemRandomNumberGenerator()
        var buffer = ByteBuffer()
        for _ in 0..<131_071 { buffer.writeInteger(generator.next() as UInt64) }
        return buffer
    }()

    /// `count` bytes of a stream in which no stretch can be mistaken for the next, beginning at offset `start`.
    package static func pattern(_ count: Int, from start: Int = 0) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: count)
        while buffer.readableBytes < count {
            let offset = (start + buffer.readableBytes) % period.readableBytes
            let length = min(count - buffer.readableBytes, period.readableBytes - offset)
            buffer.writeImmutableBuffer(period.getSlice(at: offset, length: length) ?? ByteBuffer())
        }
        return buffer
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

public import NIOCore
public import RstreamModel
internal import RstreamSocket

/// What accepted and dialed streams have in common: a channel of bytes that reads nothing until the stream is started.
///
/// The channel carries `ByteBuffer`s. Nothing is read before ``start(_:)``, so no byte is lost while handlers are put
/// in place. Half-closure is on: `ChannelEvent.inputClosed` is the peer's end, and `close(mode: .output)` is yours.
/// Start a stream once, with one of ``start(_:)``, ``serve(_:)`` and ``withBytes(_:)``; the first leaves it to you to
/// close the channel, the other two close it.
public protocol RstreamStream: Sendable {
    /// The peer's bytes.
    var channel: any Channel { get }

    /// Puts handlers in place on the channel's event loop and starts to read.
    ///
    /// - Parameter configure: Runs on the channel's event loop, so `channel.pipeline.syncOperations` may be used. It
    ///   returns what the caller needs afterwards, for instance a `NIOAsyncChannel`.
    /// - Returns: What `configure` returned. The caller closes the channel.
    /// - Throws: What `configure` throws; the channel is closed then.
    func start<Value: Sendable>(
        _ configure: @escaping @Sendable (any Channel) throws -> Value
    ) async throws -> Value
}

extension RstreamStream {
    /// Starts the stream with handlers of your own and returns when its connection is closed.
    ///
    /// - Parameter configure: Adds the handlers, on the channel's event loop. One of them has to close the channel.
    /// - Throws: What `configure` throws; the channel is closed then. A task that is cancelled resets the connection
    ///   and returns at once.
    public func serve(_ configure: @escaping @Sendable (any Channel) throws -> Void) async throws {
        let channel = channel
        try await withTaskCancellationHandler {
            try await start(configure)
            try await channel.closeFuture.get()
        } onCancel: {
            channel.abort()
        }
    }

    /// Starts the stream and hands its bytes to `body` as an asynchronous sequence and a writer.
    ///
    /// Both directions have back pressure: nothing is read while `body` does not take what arrived, and a write waits
    /// while the peer does not read. `inbound` ends with the peer's half of the stream; `outbound.finish()` ends yours
    /// and leaves `inbound` open.
    ///
    /// - Parameter body: Exchanges bytes. When it returns, what was written is delivered and the connection closed;
    ///   when it throws, or the task is cancelled, the connection is reset, so that the peer does not take it for an
    ///   end.
    /// - Returns: What `body` returned, once the connection is closed.
    /// - Throws: What `body` throws, or a `ChannelError` when the connection was gone before it began.
    public func withBytes<Value: Sendable>(
        _ body: (
            _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
            _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
        ) async throws -> Value
    ) async throws -> Value {
        let channel = channel
        return try await withTaskCancellationHandler {
            let bytes = try await start { channel in
                try channel.wrapped(isOutboundHalfClosureEnabled: true) as NIOAsyncChannel<ByteBuffer, ByteBuffer>
            }
            return try await bytes.executeThenReset(body)
        } onCancel: {
            channel.abort()
        }
    }
}

/// One visitor's connection to a tunnel, or the connection of a private dialer.
///
/// Taken from ``RstreamTunnel/streams``, or handed to the closure of
/// ``RstreamTunnel/serve(maxConcurrentStreams:_:)``.
public struct RstreamAcceptedStream: RstreamStream {
    /// The engine's id of the stream, never empty (PROTOCOL.md §6).
    public let id: String
    /// The address of the visitor; nil when the engine does not send it. Engines never send the port.
    public let source: IPAddress?
    /// The visitor's bytes.
    public let channel: any Channel

    private let arrived: ArrivedStream

    init(offer: StreamOffer, arrived: ArrivedStream) {
        id = offer.streamID
        source = offer.source
        channel = arrived.channel
        self.arrived = arrived
    }

    public func start<Value: Sendable>(
        _ configure: @escaping @Sendable (any Channel) throws -> Value
    ) async throws -> Value {
        try await arrived.startReading(configure)
    }
}

/// A connection to a private tunnel (PROTOCOL.md §8), made by ``RstreamClient/dial(_:zeroRTT:)``.
public struct RstreamDialedStream: RstreamStream {
    /// Whether the engine has accepted the dial.
    public enum Acceptance: Hashable, Sendable {
        /// The engine has connected the dialer to the tunnel; `streamID` is its id of the stream, never empty.
        case confirmed(streamID: String)
        /// The engine's answer was not waited for (zero round trips). A refusal shows as a connection that the engine
        /// closes.
        case unconfirmed
    }

    /// Whether the engine has accepted the dial, and the id of the stream when it has.
    public let acceptance: Acceptance
    /// The bytes of the tunnel's side.
    public let channel: any Channel

    private let arrived: ArrivedStream

    init(_ acceptance: Acceptance, arrived: ArrivedStream) {
        self.acceptance = acceptance
        channel = arrived.channel
        self.arrived = arrived
    }

    public func start<Value: Sendable>(
        _ configure: @escaping @Sendable (any Channel) throws -> Value
    ) async throws -> Value {
        try await arrived.startReading(configure)
    }
}

extension ArrivedStream {
    func startReading<Value: Sendable>(
        _ configure: @escaping @Sendable (any Channel) throws -> Value
    ) async throws -> Value {
        try await channel.eventLoop.submit {
            do {
                let value = try start(configure)
                // Fails where the connection is gone by now, which its handlers have seen.
                try? channel.syncOptions?.setOption(.autoRead, value: true)
                return value
            } catch {
                channel.close(promise: nil)
                throw error
            }
        }.get()
    }
}

extension Channel {
    /// The channel's messages for asynchronous code. Called on its event loop.
    ///
    /// A channel that is closed is refused here: `NIOAsyncChannel` ends the process when its writer is dropped
    /// unfinished.
    func wrapped<Inbound: Sendable, Outbound: Sendable>(
        isOutboundHalfClosureEnabled: Bool = false
    ) throws -> NIOAsyncChannel<Inbound, Outbound> {
        guard isActive else { throw ChannelError.ioOnClosedChannel }
        return try NIOAsyncChannel(
            wrappingChannelSynchronously: self,
            configuration: NIOAsyncChannel.Configuration(isOutboundHalfClosureEnabled: isOutboundHalfClosureEnabled)
        )
    }
}

extension NIOAsyncChannel {
    /// Closes the channel in order when `body` returns, and resets the connection when it throws.
    func executeThenReset<Value: Sendable>(
        _ body: (NIOAsyncChannelInboundStream<Inbound>, NIOAsyncChannelOutboundWriter<Outbound>) async throws -> Value
    ) async throws -> Value {
        try await executeThenClose { inbound, outbound in
            do {
                return try await body(inbound, outbound)
            } catch {
                channel.abort()
                throw error
            }
        }
    }
}

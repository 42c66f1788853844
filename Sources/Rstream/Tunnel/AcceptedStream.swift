public import NIOCore
public import RstreamModel
internal import RstreamSocket

/// One visitor's connection to a tunnel.
///
/// The channel carries the visitor's bytes as `ByteBuffer`s. It reads nothing until ``start(_:)``, so no byte is lost
/// while handlers are put in place. Half-closure is on: `ChannelEvent.inputClosed` is the visitor's end, and
/// `close(mode: .output)` is yours. Whoever takes a stream closes its channel.
public struct AcceptedStream: Sendable {
    /// What the engine calls the stream.
    public let id: String
    /// Who connected, if the engine says.
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

    /// Puts handlers in place on the channel's event loop and starts to read.
    ///
    /// `configure` runs on the loop, so `channel.pipeline.syncOperations` may be used. It returns whatever the caller
    /// needs afterwards, for instance a `NIOAsyncChannel`. Call it once. Throws what `configure` throws; the channel
    /// is closed then.
    public func start<Value: Sendable>(
        _ configure: @escaping @Sendable (any Channel) throws -> Value
    ) async throws -> Value {
        try await arrived.startReading(configure)
    }

    /// Starts the stream, as ``start(_:)`` does, and stays until its connection is closed. A task that is cancelled drops
    /// the connection and returns at once.
    public func serve(_ configure: @escaping @Sendable (any Channel) throws -> Void) async throws {
        let channel = channel
        try await withTaskCancellationHandler {
            try await start(configure)
            try await channel.closeFuture.get()
        } onCancel: {
            channel.abort()
        }
    }
}

/// A connection to a private tunnel (PROTOCOL.md §8).
///
/// It behaves as ``AcceptedStream`` does: nothing is read until ``start(_:)``, and whoever dialed closes the channel.
public struct DialedStream: Sendable {
    /// What the engine calls the stream; nil when its answer was not waited for.
    public let id: String?
    /// The bytes.
    public let channel: any Channel

    private let arrived: ArrivedStream

    init(id: String?, arrived: ArrivedStream) {
        self.id = id
        channel = arrived.channel
        self.arrived = arrived
    }

    /// Puts handlers in place on the channel's event loop and starts to read; see ``AcceptedStream/start(_:)``.
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
                try channel.syncOptions?.setOption(.autoRead, value: true)
                return value
            } catch {
                channel.close(promise: nil)
                throw error
            }
        }.get()
    }
}

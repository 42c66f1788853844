package import NIOCore
package import RstreamModel

/// What the engine says about an inbound stream before there is a connection for it.
package struct StreamOffer: Hashable, Sendable {
    package let streamID: String
    package let tunnelID: String
    /// Who connected, if the engine says; it never says from which port.
    package let source: IPAddress?
    /// The published port that the visitor connected to, where the engine granted one.
    package let port: UInt16?
}

/// Takes the inbound streams of one tunnel.
package protocol StreamAcceptor: Sendable {
    /// The engine wants a stream and its connection is being dialed on `eventLoop`; whatever the other side of the
    /// stream needs can be made at the same time. Called on that loop.
    func prepare(_ offer: StreamOffer, on eventLoop: any EventLoop) -> any PreparedStream

    /// The engine wanted a stream that was not even begun, for this reason. May be called on any loop.
    func turnedAway(_ offer: StreamOffer, _ error: RstreamError)

    /// No stream arrives any more; those that were handed over and not yet taken are closed.
    func tunnelEnded(_ error: RstreamError?)
}

extension StreamAcceptor {
    package func turnedAway(_: StreamOffer, _: RstreamError) {}
}

/// One inbound stream whose connection is on its way. Confined to the loop it was prepared on; exactly one of its
/// functions is called, once.
package protocol PreparedStream: AnyObject {
    /// Why the stream is not taken, if that is clear already: the engine is then told so and not dialed.
    var refusal: RstreamError? { get }

    /// Takes the connection, which reads nothing until its `StreamHoldHandler` is removed. A failure is told to the
    /// engine; the connection is then dropped by the caller.
    func accept(_ stream: ArrivedStream) -> EventLoopFuture<Void>

    /// There will be no connection.
    func abandon(_ error: RstreamError)
}

/// The connection of a stream whose handshake is over. It holds what arrives until ``start(_:)``.
package struct ArrivedStream: Sendable {
    package let channel: any Channel

    package init(channel: any Channel) {
        self.channel = channel
    }

    /// Puts handlers behind the connection with `configure`, then hands them everything that arrived so far. Runs on
    /// the channel's event loop; reading goes on only when asked for, or when automatic reading is turned on.
    package func start<Value>(_ configure: (any Channel) throws -> Value) throws -> Value {
        let pipeline = channel.pipeline.syncOperations
        let value = try configure(channel)
        // Fails only when the stream was started before, or its connection is gone; both are seen on the channel.
        if let held = try? pipeline.handler(type: StreamHoldHandler.self) {
            pipeline.removeHandler(held, promise: nil)
        }
        return value
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import NIOCore
package import RstreamModel

/// What the engine says about an inbound stream when it asks for one.
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
    /// The engine asks for a stream, which is opened on `eventLoop`. Called on that loop.
    func localHalf(for offer: StreamOffer, on eventLoop: any EventLoop) -> any LocalHalf

    /// The engine asked for a stream that was not even started, for this reason. May be called on any loop.
    func streamRefused(_ offer: StreamOffer, _ error: RstreamError)

    /// No stream arrives any more; those that were handed over and not yet taken are closed.
    func tunnelEnded(_ error: RstreamError?)
}

extension StreamAcceptor {
    package func streamRefused(_: StreamOffer, _: RstreamError) {}
}

/// The connection of a stream whose handshake is over. Bytes that arrive are buffered until ``start(_:)``.
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
        if let pending = try? pipeline.handler(type: StreamHandshakeHandler.self) {
            pipeline.removeHandler(pending, promise: nil)
        }
        return value
    }
}

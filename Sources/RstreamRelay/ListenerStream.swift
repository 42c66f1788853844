// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Logging
internal import NIOCore
internal import Rstream
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamSocket

/// The local half of a listener's stream while it is opened: a connection that was accepted. Nothing is read from it
/// before the tunnel was dialed.
///
/// Stands in the connection's pipeline until the connection is open, and is confined to its event loop.
final class ListenerStream: ChannelInboundHandler, RemovableChannelHandler, LocalHalf {
    typealias InboundIn = ByteBuffer

    private let stream: RelayedStream
    private let dial: PrivateDial
    private let zeroRTT: ZeroRTTPolicy
    private let outage: OutageLog.Subject
    /// Until the relay has it, or the stream has failed.
    private var connection: (any Channel)?
    private var pending: PendingBytesHandler?
    private var startedAt = ContinuousClock.now

    init(_ stream: RelayedStream, dial: PrivateDial, zeroRTT: ZeroRTTPolicy, outage: OutageLog.Subject) {
        self.stream = stream
        self.dial = dial
        self.zeroRTT = zeroRTT
        self.outage = outage
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        let connection = context.channel
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        if let error = stream.enter().error {
            stream.logger.debug("connection refused", metadata: ["reason": "\(error.what)"])
            return connection.abort()
        }
        self.connection = connection
        pending = try? connection.pipeline.syncOperations.handler(type: PendingBytesHandler.self)
        StreamOpening(engine: dial, local: self, on: stream.eventLoop).start()
    }

    func start(_ opening: StreamOpening) {
        guard let connection else { return }
        stream.opens(by: opening)
        startedAt = .now
        let (pending, stream) = (pending, stream)
        connection.closeFuture.assumeIsolated().whenComplete { _ in
            if let remains = pending?.remains {
                // A program that left in order may have sent something, which is still delivered.
                if remains.isEmpty { opening.localLeft(inOrder: true) }
            } else {
                opening.localLeft(inOrder: false)
            }
            self.closed(received: stream.counters.received)
        }
        _ = opening.localArrived()
    }

    /// Those bytes came from the tunnel.
    private func closed(received: Int) {
        zeroRTT.streamEnded(received: received)
        if received > 0 { outage.reached() }
    }

    func join(_ downstream: ArrivedStream) -> EventLoopFuture<Void> {
        guard let connection else { return stream.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel) }
        Relay(stream).join(downstream: downstream.channel, upstream: connection, pending)
        releaseHalves()
        return stream.eventLoop.makeSucceededVoidFuture()
    }

    func end(_ cause: StreamOpeningStateMachine.Cause) {
        connection?.abort()
        releaseHalves()
        switch cause {
        case .engineFailed(let error):
            // Counted before the log tells of it.
            stream.ended(.upstreamFailed, error)
            outage.failed(error, since: startedAt)
            stream.logger.debug("tunnel dial failed", metadata: ["error": "\(error)"])
        case .refused(let error), .upstreamFailed(let error), .notTaken(let error), .cancelled(let error):
            stream.ended(.upstreamFailed, error)
        case .cut(let error): stream.ended(.cut, error)
        case .visitorLeft(let inOrder): stream.ended(inOrder ? .completed : .visitorReset, nil)
        }
    }

    private func releaseHalves() {
        (connection, pending) = (nil, nil)
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Logging
internal import NIOCore
internal import Rstream
internal import RstreamCore
internal import RstreamDaemonModel
package import RstreamModel
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
    /// Nil where the program waits for no answer.
    private let answer: StreamAnswer?
    /// Until the relay has it, or the stream has failed.
    private var connection: (any Channel)?
    private var pending: PendingBytesHandler?
    private var startedAt = ContinuousClock.now

    init(
        _ stream: RelayedStream,
        dial: PrivateDial,
        zeroRTT: ZeroRTTPolicy,
        outage: OutageLog.Subject,
        answer: StreamAnswer? = nil
    ) {
        self.answer = answer
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
            return drop(connection, error)
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
        if let answer { connection.writeAndFlush(ByteBuffer(bytes: answer.accepted), promise: nil) }
        Relay(stream).join(downstream: downstream.channel, upstream: connection, pending)
        releaseHalves()
        return stream.eventLoop.makeSucceededVoidFuture()
    }

    func end(_ cause: StreamOpeningStateMachine.Cause) {
        if let connection { drop(connection, cause.error) }
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

    /// Drops the connection of a stream that does not come about; a program that waits for an answer is told why.
    private func drop(_ connection: any Channel, _ error: RstreamError) {
        guard let answer else { return connection.abort() }
        connection.writeAndFlush(ByteBuffer(bytes: answer.refused(error)), promise: nil)
        connection.close(promise: nil)
    }

    private func releaseHalves() {
        (connection, pending) = (nil, nil)
    }
}

/// What a program is told whose connection is to become a stream, before the stream's first byte.
package struct StreamAnswer: Sendable {
    /// The bytes that follow are the stream's.
    package let accepted: [UInt8]
    /// The stream does not come about, and the connection ends.
    package let refused: @Sendable (RstreamError) -> [UInt8]

    package init(accepted: [UInt8], refused: @escaping @Sendable (RstreamError) -> [UInt8]) {
        (self.accepted, self.refused) = (accepted, refused)
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
package import Logging
package import NIOCore
internal import NIOPosix
package import Rstream
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamSocket

/// Relays connections that a program has to the daemon already, each to a private tunnel that it names: `rstreamctl
/// dial`.
///
/// What a ``DialListener`` is for many connections. Immutable; the ledger guards itself.
package final class DirectDials: Sendable {
    /// The streams of all of them.
    package let ledger: StreamLedger
    private let table: StreamTable
    private let group: any EventLoopGroup
    private let outages: OutageLog
    private let logger: Logger

    /// Streams are counted in `table`, with those of tunnels and listeners, and refused by its limit.
    package init(
        observer: (any StreamObserver)? = nil,
        table: StreamTable,
        group: any EventLoopGroup,
        logger: Logger
    ) {
        ledger = StreamLedger(observer: observer)
        self.table = table
        self.group = group
        self.logger = logger
        outages = .dial(SharedLogger(logger), nil)
    }

    /// Relays a connected socket to the tunnel with the id or name `target`, and closes it in the end. Returns when it
    /// is taken over; the program gets an answer before the stream's bytes.
    package func take(_ socket: CInt, dial target: String, client: RstreamClient, answer: StreamAnswer) async {
        do {
            _ = try await ClientBootstrap(group: group)
                .channelInitializer { [self] channel in
                    channel.eventLoop.makeCompletedFuture {
                        try StreamSocket.prepare(channel)
                        let handlers: [any ChannelHandler] = [
                            OrderlyCloseHandler(), PendingBytesHandler(),
                            stream(for: channel, dial: target, client: client, answer: answer),
                        ]
                        try channel.pipeline.syncOperations.addHandlers(handlers)
                    }
                }
                .withConnectedSocket(socket)
                .get()
        } catch {
            // The program has left already.
            logger.debug("connection refused", metadata: ["reason": "the client has left"])
        }
    }

    private func stream(
        for connection: any Channel,
        dial target: String,
        client: RstreamClient,
        answer: StreamAnswer
    ) -> ListenerStream {
        let stream = RelayedStream(
            StreamOrigin(dialed: target),
            visitor: .upstream,
            table: table,
            ledger: ledger,
            logger: logger,
            on: connection.eventLoop
        )
        let (zeroRTT, outage) = (ZeroRTTPolicy(), outages.subject)
        let dial = PrivateDial(
            target,
            client: client,
            within: ListenerOptions().dialTimeout,
            zeroRTT: zeroRTT,
            outage: outage,
            on: connection.eventLoop
        )
        return ListenerStream(stream, dial: dial, zeroRTT: zeroRTT, outage: outage, answer: answer)
    }
}

package import Logging
package import NIOCore
package import Rstream
package import RstreamModel
internal import Synchronization

/// Takes a tunnel's streams and relays each to the tunnel's upstream.
///
/// The upstream can be changed while the tunnel is open: a stream goes to the one that was in force when it came. What
/// is in force is guarded by a mutex, taken once per stream.
package final class RelayAcceptor: StreamAcceptor {
    private struct Route {
        var upstream: Upstream
        var outage: OutageLog
    }

    /// The tunnel's streams. An acceptor that replaces another one may go on with the same.
    package let ledger: StreamLedger
    private let table: StreamTable
    private let logger: Logger
    private let route: Mutex<Route>

    /// An acceptor whose streams are counted in `table` too. A `streamLimit` of zero is none.
    package init(
        _ upstream: Upstream,
        streamLimit: Int = 0,
        ledger: StreamLedger = StreamLedger(),
        table: StreamTable,
        logger: Logger
    ) {
        self.ledger = ledger
        self.table = table
        self.logger = logger
        route = Mutex(Route(upstream: upstream, outage: .upstream(logger, ledger.observer)))
        ledger.setLimit(streamLimit)
    }

    /// The tunnel's streams that are open now.
    package var activeStreams: Int { ledger.activeCount }

    /// From now on streams go to `upstream`. Returned are those that are open, which all came before that, for a reload
    /// to drain, keep or cut.
    package func update(_ upstream: Upstream, streamLimit: Int) -> RetiredStreams {
        ledger.setLimit(streamLimit)
        return route.withLock { route in
            // Another service has not been found to be down yet.
            if route.upstream.address != upstream.address {
                route.outage.replaced()
                route.outage = .upstream(logger, ledger.observer)
            }
            route.upstream = upstream
            return ledger.retire()
        }
    }

    /// Sets the streams that are open now apart, for a reload or a stop to drain, keep or cut.
    package func retire() -> RetiredStreams {
        route.withLock { $0.outage.replaced() }
        return ledger.retire()
    }

    package func prepare(_ offer: StreamOffer, on eventLoop: any EventLoop) -> any PreparedStream {
        // The stream takes its place under the lock, so that an update either is in force for it or finds it there.
        let stream = route.withLock { route in
            let relay = Relay(
                engineID: offer.streamID,
                source: offer.source,
                table: table,
                ledger: ledger,
                idleTimeout: route.upstream.options.idleTimeout,
                logger: logger,
                on: eventLoop
            )
            let stream = TunnelStream(offer, to: route.upstream, relay: relay, outage: route.outage, logger: logger)
            stream.enter()
            return stream
        }
        stream.start()
        return stream
    }

    /// Streams that were accepted run to their own end (PROTOCOL.md §13).
    package func tunnelEnded(_: RstreamError?) {}
}

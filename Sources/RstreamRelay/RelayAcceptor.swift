package import Logging
package import NIOCore
package import Rstream
internal import RstreamCore
internal import RstreamDaemonModel
package import RstreamModel
internal import Synchronization

/// Takes a tunnel's streams and relays each to the tunnel's upstream.
///
/// The upstream can be changed while the tunnel is open: a stream goes to the one that was in force when it came. What
/// is in force is guarded by a mutex, taken once per stream, and nothing else is done under it: a stream first takes its
/// place among the tunnel's streams and then looks what is in force, so that a change finds it there or is in force for
/// it. Eras tell the two apart.
package final class RelayAcceptor: StreamAcceptor {
    private struct Route {
        var upstream: Upstream
        var outage: OutageLog.Subject
        var era: Int
    }

    /// The tunnel's streams. An acceptor that replaces another one may go on with the same.
    package let ledger: StreamLedger
    private let names: NameService
    private let table: StreamTable
    private let logger: Logger
    private let outages: OutageLog
    private let route: Mutex<Route>

    /// An acceptor whose streams are counted in `table` too. A `streamLimit` of zero is none. `names` knows where the
    /// upstream's host is.
    package init(
        _ upstream: Upstream,
        streamLimit: Int = 0,
        ledger: StreamLedger = StreamLedger(),
        names: NameService = .host,
        table: StreamTable,
        logger: Logger
    ) {
        self.ledger = ledger
        self.names = names
        self.table = table
        self.logger = logger
        outages = .upstream(logger, ledger.observer)
        route = Mutex(Route(upstream: upstream, outage: outages.subject, era: ledger.beginEra()))
        ledger.setLimit(streamLimit)
    }

    /// The tunnel's streams that are open now.
    package var activeStreams: Int { ledger.activeCount }

    /// From now on streams go to `upstream`. Returned are those that are open, which all came before that, for a reload
    /// to drain, keep or cut.
    package func update(_ upstream: Upstream, streamLimit: Int) -> RetiredStreams {
        ledger.setLimit(streamLimit)
        let era = change(to: upstream)
        return ledger.retire(before: era)
    }

    /// From now on streams go to `upstream`; those that are open stay as they are.
    package func adjust(_ upstream: Upstream, streamLimit: Int) {
        ledger.setLimit(streamLimit)
        _ = change(to: upstream)
    }

    /// The era that begins with `upstream`.
    private func change(to upstream: Upstream) -> Int {
        // Another service has not been found to be down yet.
        let isOther = route.withLock { $0.upstream.address != upstream.address }
        let outage = isOther ? outages.replaced() : nil
        let era = ledger.beginEra()
        route.withLock { route in
            if let outage { route.outage = outage }
            (route.upstream, route.era) = (upstream, era)
        }
        return era
    }

    /// Nobody is told any more whether the upstream can be reached; streams that are open stay as they are.
    package func leave() {
        outages.replaced()
    }

    /// Sets the streams that are open now apart, for a reload or a stop to drain, keep or cut.
    package func retire() -> RetiredStreams {
        outages.replaced()
        return ledger.retire()
    }

    package func prepare(_ offer: StreamOffer, on eventLoop: any EventLoop) -> any PreparedStream {
        let relay = Relay(
            engineID: offer.streamID,
            source: offer.source,
            visitor: .downstream,
            table: table,
            ledger: ledger,
            logger: logger,
            on: eventLoop
        )
        let admission = relay.enter()
        let route = route.withLock { route in
            relay.belongs(to: route.era)
            return route
        }
        relay.isIdle(after: route.upstream.options.idleTimeout)
        let stream = TunnelStream(
            offer,
            to: route.upstream,
            names: names,
            relay: relay,
            admission,
            outage: route.outage,
            logger: logger
        )
        stream.start()
        return stream
    }

    package func turnedAway(_ offer: StreamOffer, _ error: RstreamError) {
        let outcome = StreamOutcome.ended(by: error)
        ledger.turnedAway(from: offer.source, outcome, error, at: outcome == .refused ? .owner : nil)
    }

    /// Streams that were accepted run to their own end (PROTOCOL.md §13).
    package func tunnelEnded(_: RstreamError?) {}
}

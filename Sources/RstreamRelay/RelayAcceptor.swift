// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
package import Logging
package import NIOCore
package import Rstream
internal import RstreamCore
internal import RstreamDaemonModel
package import RstreamModel
internal import Synchronization

/// Takes a tunnel's streams and relays each to the tunnel's upstream.
///
/// The upstream can be changed while the tunnel is open: a stream goes to the one that was in force when it came. The
/// upstream in force is guarded by a mutex, taken once per stream, and nothing else is done under it. A stream first
/// takes its place among the tunnel's streams and then reads the upstream, so that a change either finds the stream
/// among them or applies to it; generations tell the two apart.
package final class RelayAcceptor: StreamAcceptor {
    private struct Route {
        var upstream: Upstream
        var outage: OutageLog.Subject
        var generation: Int
    }

    /// How long a visitor waits at the engine for an upstream that has not answered the dial. Within it a refusal
    /// reaches the engine as an error; after it the stream is taken, and a visitor whose upstream fails sees a closed
    /// connection.
    ///
    /// It is short of the few seconds in which an engine expects a first frame, and long enough for one retransmission
    /// of a lost SYN. A stream occupies one of the control channel's opening places meanwhile.
    package static let requestDelay = Duration.seconds(1)

    /// The tunnel's streams. An acceptor that replaces another one may take its ledger over.
    package let ledger: StreamLedger
    private let names: NameService
    private let table: StreamTable
    private let logger: Logger
    private let outages: OutageLog
    private let requestDelay: Duration
    private let route: Lock<Route>

    /// An acceptor whose streams are counted in `table` too. A `streamLimit` of zero is none. `names` resolves the
    /// upstream's host. `requestDelay` is how long the engine half of a stream withholds its request for the upstream.
    package init(
        _ upstream: Upstream,
        streamLimit: Int = 0,
        ledger: StreamLedger = StreamLedger(),
        names: NameService = .host,
        requestDelay: Duration = RelayAcceptor.requestDelay,
        table: StreamTable,
        logger: Logger
    ) {
        self.ledger = ledger
        self.names = names
        self.requestDelay = requestDelay
        self.table = table
        self.logger = logger
        outages = .upstream(logger, ledger.observer)
        route = Lock(Route(upstream: upstream, outage: outages.subject, generation: ledger.beginGeneration()))
        ledger.setLimit(streamLimit)
    }

    /// The tunnel's streams that are open now.
    package var activeStreams: Int { ledger.activeCount }

    /// From now on streams go to `upstream`.
    ///
    /// - Returns: The streams that came before the change, for a reload to drain, keep or cut.
    package func update(_ upstream: Upstream, streamLimit: Int) -> DrainingStreams {
        ledger.setLimit(streamLimit)
        let generation = change(to: upstream)
        return ledger.retire(before: generation)
    }

    /// From now on streams go to `upstream`; those that are open stay as they are.
    package func adjust(_ upstream: Upstream, streamLimit: Int) {
        ledger.setLimit(streamLimit)
        _ = change(to: upstream)
    }

    /// The generation that begins with `upstream`.
    private func change(to upstream: Upstream) -> Int {
        // Nothing is known yet of another service.
        let isOther = route.withLock { $0.upstream.address != upstream.address }
        let outage = isOther ? outages.replaced() : nil
        let generation = ledger.beginGeneration()
        route.withLock { route in
            if let outage { route.outage = outage }
            (route.upstream, route.generation) = (upstream, generation)
        }
        return generation
    }

    /// Stops reporting whether the upstream can be reached; streams that are open stay as they are.
    package func leave() {
        outages.replaced()
    }

    /// Sets the streams that are open now apart, for a reload or a stop to drain, keep or cut.
    package func retire() -> DrainingStreams {
        outages.replaced()
        return ledger.retire()
    }

    package func localHalf(for offer: StreamOffer, on eventLoop: any EventLoop) -> any LocalHalf {
        let stream = RelayedStream(
            engineID: offer.streamID,
            source: offer.source,
            visitor: .downstream,
            table: table,
            ledger: ledger,
            logger: logger,
            on: eventLoop
        )
        let admission = stream.enter()
        let route = route.withLock { route in
            stream.belongs(to: route.generation)
            return route
        }
        return TunnelStream(
            offer,
            to: route.upstream,
            dial: { [names] in UpstreamDialer.dial(route.upstream, names: names, on: eventLoop) },
            stream: stream,
            admission,
            requestDelay: requestDelay,
            outage: route.outage
        )
    }

    package func streamRefused(_ offer: StreamOffer, _ error: RstreamError) {
        let outcome = StreamOutcome.ended(by: error)
        let reason: RefusalReason? = outcome == .refused ? .openingLimit : nil
        ledger.streamRefused(from: offer.source, outcome, error, because: reason)
    }

    /// Streams that were taken run to their own end (PROTOCOL.md §13).
    package func tunnelEnded(_: RstreamError?) {}
}

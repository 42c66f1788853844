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

/// Takes a tunnel's streams and relays each to one of the tunnel's upstreams, which ``UpstreamPool`` chooses.
///
/// The upstreams can be changed while the tunnel is open: a stream goes to one of those that were in force when it
/// came. The upstreams in force are guarded by a mutex, taken once per stream, and nothing else is done under it. A
/// stream first takes its place among the tunnel's streams and then reads the upstreams, so that a change either finds
/// the stream among them or applies to it; generations tell the two apart.
package final class RelayAcceptor: StreamAcceptor {
    private struct Route {
        var lineup: UpstreamLineup
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
    private let pool: UpstreamPool
    private let names: NameService
    private let table: StreamTable
    private let sharedLogger: SharedLogger
    private let outages: OutageLog
    private let requestDelay: Duration
    private let route: Lock<Route>

    /// An acceptor whose streams go to `upstreams`, of which there is one at least; they share the options of the
    /// first. Its streams are counted in `table` too. A `streamLimit` of zero is none. `names` resolves the upstreams'
    /// hosts. `requestDelay` is how long the engine half of a stream withholds its request for the upstream.
    package init(
        _ upstreams: [Upstream],
        streamLimit: Int = 0,
        ledger: StreamLedger = StreamLedger(),
        pool: UpstreamPool = UpstreamPool(),
        names: NameService = .host,
        requestDelay: Duration = RelayAcceptor.requestDelay,
        table: StreamTable,
        logger: Logger
    ) {
        self.ledger = ledger
        self.pool = pool
        self.names = names
        self.requestDelay = requestDelay
        self.table = table
        sharedLogger = SharedLogger(logger)
        outages = .upstream(sharedLogger, ledger.observer)
        let lineup = pool.configure(upstreams)
        route = Lock(Route(lineup: lineup, outage: outages.subject, generation: ledger.beginGeneration()))
        ledger.setLimit(streamLimit)
    }

    /// The same with one upstream.
    package convenience init(
        _ upstream: Upstream,
        streamLimit: Int = 0,
        ledger: StreamLedger = StreamLedger(),
        names: NameService = .host,
        requestDelay: Duration = RelayAcceptor.requestDelay,
        table: StreamTable,
        logger: Logger
    ) {
        self.init(
            [upstream],
            streamLimit: streamLimit,
            ledger: ledger,
            names: names,
            requestDelay: requestDelay,
            table: table,
            logger: logger
        )
    }

    /// What is logged about streams that come from now on has the facts of this one.
    package var logger: Logger {
        get { sharedLogger.current }
        set { sharedLogger.current = newValue }
    }

    /// The tunnel's streams that are open now.
    package var activeStreams: Int { ledger.activeCount }

    /// From now on streams go to `upstreams`.
    ///
    /// - Returns: The streams that came before the change, for a reload to drain, keep or cut.
    package func update(_ upstreams: [Upstream], streamLimit: Int) -> DrainingStreams {
        ledger.setLimit(streamLimit)
        let generation = change(to: upstreams)
        return ledger.retire(before: generation)
    }

    /// From now on streams go to `upstream` alone.
    package func update(_ upstream: Upstream, streamLimit: Int) -> DrainingStreams {
        update([upstream], streamLimit: streamLimit)
    }

    /// From now on streams go to `upstreams`; those that are open stay as they are.
    package func adjust(_ upstreams: [Upstream], streamLimit: Int) {
        ledger.setLimit(streamLimit)
        _ = change(to: upstreams)
    }

    /// The generation that begins with `upstreams`.
    private func change(to upstreams: [Upstream]) -> Int {
        let lineup = pool.configure(upstreams)
        // Nothing is known yet of other services.
        let isOther = route.withLock { $0.lineup.addresses != lineup.addresses }
        let outage = isOther ? outages.replaced() : nil
        let generation = ledger.beginGeneration()
        route.withLock { route in
            if let outage { route.outage = outage }
            (route.lineup, route.generation) = (lineup, generation)
        }
        return generation
    }

    /// Stops reporting whether the upstreams can be reached; streams that are open stay as they are.
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
            StreamOrigin(offer),
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
            to: route.lineup,
            dial: { [names] upstream, limit, preface in
                UpstreamDialer.dial(upstream, within: limit, preface: preface, names: names, on: eventLoop)
            },
            stream: stream,
            admission,
            requestDelay: requestDelay,
            outage: route.outage
        )
    }

    package func streamRefused(_ offer: StreamOffer, _ error: RstreamError) {
        let outcome = StreamOutcome.ended(by: error)
        let reason: RefusalReason? = outcome == .refused ? .openingLimit : nil
        table.tell(ledger.streamRefused(StreamOrigin(offer), outcome, error, because: reason), to: logger)
    }

    /// Streams that were taken run to their own end (PROTOCOL.md §13).
    package func tunnelEnded(_: RstreamError?) {}
}

extension StreamOrigin {
    fileprivate init(_ offer: StreamOffer) {
        self.init(engineID: offer.streamID, source: offer.source)
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Logging
internal import NIOCore
internal import Rstream
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamSocket

/// The local half of a tunnel's stream while it is opened: dials the upstreams that its pool names, one after the
/// other, as often as ``UpstreamHold`` decides, and gives both halves to a ``Relay``.
///
/// Confined to the stream's event loop.
final class TunnelStream: LocalHalf {
    let requestDelay: Duration
    /// Dials an upstream. What it gets before TLS begins, if anything, is the last argument.
    typealias Dial = (Upstream, UpstreamDialer.Limit, ByteBuffer?) -> EventLoopFuture<any Channel>

    private let offer: StreamOffer
    private let lineup: UpstreamLineup
    private let dialUpstream: Dial
    private let stream: RelayedStream
    private let admission: StreamTable.Admission
    private let outage: OutageLog.Subject
    private var hold: UpstreamHold
    private var pass: UpstreamPass
    private var opening: StreamOpening?
    /// The upstream's connection, until the relay has it.
    private var channel: (any Channel)?
    /// At the end of its pipeline. It has the bytes of an upstream that is closed by the time of the join.
    private var pending: PendingBytesHandler?

    /// `dial` dials an upstream of `lineup` on the stream's event loop, as ``UpstreamDialer`` does.
    init(
        _ offer: StreamOffer,
        to lineup: UpstreamLineup,
        dial: @escaping Dial,
        stream: RelayedStream,
        _ admission: StreamTable.Admission,
        requestDelay: Duration,
        outage: OutageLog.Subject
    ) {
        self.offer = offer
        self.lineup = lineup
        dialUpstream = dial
        self.stream = stream
        self.admission = admission
        self.requestDelay = requestDelay
        self.outage = outage
        let now = ContinuousClock.now
        hold = UpstreamHold(timeout: lineup.options.holdTimeout, since: now)
        pass = UpstreamPass(within: lineup.options.connectTimeout, since: now)
    }

    func start(_ opening: StreamOpening) {
        if let error = admission.error { return opening.localRefused(error) }
        self.opening = opening
        stream.opens(by: opening)
        dial(for: opening)
    }

    func held(for delay: Duration) {
        stream.isHeld()
        stream.logger.debug(
            "stream waiting for upstream",
            metadata: ["stream_id": "\(stream.name)", "retry_in": .stringConvertible(delay)]
        )
    }

    func dialAgain() {
        if let opening { dial(for: opening) }
    }

    /// Begins to try the upstreams.
    private func dial(for opening: StreamOpening) {
        pass = UpstreamPass(within: lineup.options.connectTimeout, since: .now)
        dialNext(for: opening)
    }

    private func dialNext(for opening: StreamOpening) {
        let start = ContinuousClock.now
        let count = lineup.upstreams.count
        guard let time = pass.time(among: count, at: start),
            let (place, lease) = lineup.pick(for: offer.source, besides: pass.tried, at: start)
        else { return allFailed(since: start, opening) }
        let preface = lineup.options.tls == nil ? nil : header
        dialUpstream(lineup.upstreams[place], count > 1 ? .part(time) : .whole, preface).assumeIsolated().whenComplete {
            result in
            switch result {
            case .success(let channel):
                if let lease { self.lineup.pool.connected(lease) }
                let used = UsedUpstream(name: self.lineup.names[place], pool: self.lineup.pool, lease: lease)
                self.stream.upstreamConnected(used, after: start.duration(to: .now))
                self.outage.reached()
                self.channel = channel
                // None where the channel is closed already, which then has nothing to say.
                self.pending = try? channel.pipeline.syncOperations.handler(type: PendingBytesHandler.self)
                guard opening.localArrived() else {
                    self.stream.releaseUpstream()
                    return self.dropUpstream()
                }
            case .failure(let error):
                let error = error as? RstreamError ?? .dial(of: self.lineup.upstreams[place], failed: error)
                if let lease { self.lineup.pool.failed(lease, error, since: start) }
                self.pass.failed(place, error)
                self.failed(error, at: place, since: start, opening)
            }
        }
    }

    /// An upstream has not taken the stream: the next one is tried.
    private func failed(
        _ error: RstreamError,
        at place: Int,
        since start: ContinuousClock.Instant,
        _ opening: StreamOpening
    ) {
        guard pass.tried.count < lineup.upstreams.count else { return allFailed(since: start, opening) }
        // The stream has ended meanwhile, and nothing is known of the others.
        guard self.opening != nil else { return }
        stream.logger.debug(
            "upstream dial failed, trying another",
            metadata: [
                "stream_id": "\(stream.name)", "upstream": "\(lineup.names[place])", "error": "\(error.what)",
                "error_code": "\(error.code)",
            ]
        )
        dialNext(for: opening)
    }

    private func allFailed(since start: ContinuousClock.Instant, _ opening: StreamOpening) {
        // Nothing was tried where the time was over before it began.
        let error = pass.error ?? .noTimeForUpstreams
        outage.failed(error, ["hold_timeout": .stringConvertible(lineup.options.holdTimeout)], since: start)
        var generator = SystemRandomNumberGenerator()
        switch hold.dialFailed(retry: error.retry, at: .now, using: &generator) {
        case .dialAgain(let after): opening.localDialFailed(error, retryAfter: after)
        case .giveUp: opening.localDialFailed(error, retryAfter: nil)
        }
    }

    /// The header of the PROXY protocol, if the upstream is to get one.
    private var header: ByteBuffer? {
        lineup.options.proxyProtocol.map {
            ByteBuffer(bytes: ProxyProtocol.header($0, source: offer.source, destinationPort: offer.port))
        }
    }

    func join(_ downstream: ArrivedStream) -> EventLoopFuture<Void> {
        guard let channel else { return stream.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel) }
        Relay(stream, idleTimeout: lineup.options.idleTimeout).join(
            downstream: downstream.channel,
            upstream: channel,
            pending,
            // With TLS the header has gone ahead of it.
            preface: lineup.options.tls == nil ? header : nil
        )
        releaseHalves()
        return stream.eventLoop.makeSucceededVoidFuture()
    }

    func end(_ cause: StreamOpeningStateMachine.Cause) {
        dropUpstream()
        switch cause {
        // Counted as such when it asked for its place.
        case .refused: break
        case .upstreamFailed(let error):
            var facts: Logger.Metadata = [
                "stream_id": "\(stream.name)", "error": "\(error.what)", "error_code": "\(error.code)",
            ]
            if let fix = error.fix { facts["fix"] = "\(fix)" }
            stream.logger.debug("upstream dial failed", metadata: facts)
            stream.ended(.upstreamFailed, error)
        case .engineFailed(let error), .cancelled(let error), .notTaken(let error):
            stream.ended(.ended(by: error), error)
        case .cut(let error): stream.ended(.cut, error)
        case .visitorLeft(let inOrder): stream.ended(inOrder ? .completed : .visitorReset, nil)
        }
    }

    private func dropUpstream() {
        channel?.abort()
        releaseHalves()
    }

    private func releaseHalves() {
        (opening, channel, pending) = (nil, nil, nil)
    }
}

extension StreamOutcome {
    /// The outcome of a stream that the engine asked for and for which there will be no connection.
    static func ended(by error: RstreamError) -> Self {
        switch (error.code, error.origin) {
        // A tunnel that is closed here takes its opening streams with it.
        case (.tunnelClosed, .host): .cut
        case (.overload, .host): .refused
        default: .lost
        }
    }
}

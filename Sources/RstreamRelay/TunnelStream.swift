// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Logging
internal import NIOCore
internal import Rstream
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamSocket

/// The local half of a tunnel's stream while it is opened: dials the upstream, as often as ``UpstreamHold`` decides,
/// and gives both halves to a ``Relay``.
///
/// Confined to the stream's event loop.
final class TunnelStream: LocalHalf {
    let requestDelay: Duration
    private let offer: StreamOffer
    private let upstream: Upstream
    private let dialUpstream: () -> EventLoopFuture<any Channel>
    private let stream: RelayedStream
    private let admission: StreamTable.Admission
    private let outage: OutageLog.Subject
    private var hold: UpstreamHold
    private var opening: StreamOpening?
    /// The upstream's connection, until the relay has it.
    private var channel: (any Channel)?
    /// At the end of its pipeline. It has the bytes of an upstream that is closed by the time of the join.
    private var pending: PendingBytesHandler?

    /// `dial` dials `upstream` on the stream's event loop, as ``UpstreamDialer`` does.
    init(
        _ offer: StreamOffer,
        to upstream: Upstream,
        dial: @escaping () -> EventLoopFuture<any Channel>,
        stream: RelayedStream,
        _ admission: StreamTable.Admission,
        requestDelay: Duration,
        outage: OutageLog.Subject
    ) {
        self.offer = offer
        self.upstream = upstream
        dialUpstream = dial
        self.stream = stream
        self.admission = admission
        self.requestDelay = requestDelay
        self.outage = outage
        hold = UpstreamHold(timeout: upstream.options.holdTimeout, since: .now)
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

    private func dial(for opening: StreamOpening) {
        let start = ContinuousClock.now
        dialUpstream().assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel):
                self.stream.upstreamConnected(after: start.duration(to: .now))
                self.outage.reached()
                self.channel = channel
                // None where the channel is closed already, which then has nothing to say.
                self.pending = try? channel.pipeline.syncOperations.handler(type: PendingBytesHandler.self)
                guard opening.localArrived() else { return self.dropUpstream() }
            case .failure(let error): self.failed(error, since: start, opening)
            }
        }
    }

    private func failed(_ error: any Error, since start: ContinuousClock.Instant, _ opening: StreamOpening) {
        let error = error as? RstreamError ?? .dial(of: upstream, failed: error)
        outage.failed(error, ["hold_timeout": .stringConvertible(upstream.options.holdTimeout)], since: start)
        var generator = SystemRandomNumberGenerator()
        switch hold.dialFailed(retry: error.retry, at: .now, using: &generator) {
        case .dialAgain(let after): opening.localDialFailed(error, retryAfter: after)
        case .giveUp: opening.localDialFailed(error, retryAfter: nil)
        }
    }

    func join(_ downstream: ArrivedStream) -> EventLoopFuture<Void> {
        guard let channel else { return stream.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel) }
        let header = upstream.options.proxyProtocol.map {
            ProxyProtocol.header($0, source: offer.source, destinationPort: offer.port)
        }
        Relay(stream, idleTimeout: upstream.options.idleTimeout).join(
            downstream: downstream.channel,
            upstream: channel,
            pending,
            preface: header.map { ByteBuffer(bytes: $0) }
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

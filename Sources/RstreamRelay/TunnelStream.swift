internal import Logging
internal import NIOCore
internal import Rstream
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel

/// The opening of a tunnel's stream: dials the service while the engine is dialed, as often as ``UpstreamHold``
/// decides, and hands both halves to a ``Relay``.
///
/// Confined to its event loop.
final class TunnelStream: PreparedStream {
    private let offer: StreamOffer
    private let upstream: Upstream
    private let names: NameService
    private let relay: Relay
    private let outage: OutageLog.Subject
    private let logger: Logger
    private var hold: UpstreamHold
    private let admission: StreamTable.Admission

    init(
        _ offer: StreamOffer,
        to upstream: Upstream,
        names: NameService,
        relay: Relay,
        _ admission: StreamTable.Admission,
        outage: OutageLog.Subject,
        logger: Logger
    ) {
        self.offer = offer
        self.names = names
        self.upstream = upstream
        self.relay = relay
        self.admission = admission
        self.outage = outage
        self.logger = logger
        hold = UpstreamHold(timeout: upstream.options.holdTimeout, since: .now)
    }

    /// Dials the service, if the stream got a place.
    func start() {
        if case .taken = admission { dial() }
    }

    var refusal: RstreamError? { admission.error }

    func accept(_ stream: ArrivedStream) -> EventLoopFuture<Void> {
        // A visitor that goes away while the upstream is waited for ends the stream. One that only says that it is
        // done may still want the answer, and cannot be told from one that left in order.
        relay.downstreamArrived(stream.channel)
        return relay.eventLoop.makeSucceededVoidFuture()
    }

    func abandon(_ error: RstreamError) {
        relay.fail(.ended(by: error), error)
    }

    private func dial() {
        let start = ContinuousClock.now
        UpstreamDialer.dial(upstream, names: names, on: relay.eventLoop).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel):
                self.relay.upstreamConnected(after: start.duration(to: .now))
                self.reached(channel)
            case .failure(let error): self.failed(error, since: start)
            }
        }
    }

    private func reached(_ channel: any Channel) {
        outage.reached()
        let header = upstream.options.proxyProtocol.map {
            ProxyProtocol.header($0, source: offer.source, destinationPort: offer.port)
        }
        relay.upstreamArrived(channel, preface: header.map { ByteBuffer(bytes: $0) })
    }

    private func failed(_ error: any Error, since start: ContinuousClock.Instant) {
        let error = error as? RstreamError
        if let error {
            outage.failed(error, ["hold_timeout": .stringConvertible(upstream.options.holdTimeout)], since: start)
        }
        guard !relay.isOver else { return }
        var generator = SystemRandomNumberGenerator()
        switch hold.dialFailed(retry: error?.retry ?? .never, at: .now, using: &generator) {
        case .dialAgain(let after):
            relay.hold(for: after) { self.dial() }
            logger.debug(
                "stream waiting for upstream",
                metadata: ["stream_id": "\(offer.streamID)", "retry_in": .stringConvertible(after)]
            )
        case .giveUp:
            var facts: Logger.Metadata = ["stream_id": "\(offer.streamID)", "error": "\(error?.what ?? "cancelled")"]
            if let error { facts["error_code"] = "\(error.code)" }
            if let fix = error?.fix { facts["fix"] = "\(fix)" }
            logger.debug("upstream dial failed", metadata: facts)
            relay.fail(.upstreamFailed, error)
        }
    }
}

extension StreamOutcome {
    /// What becomes of a stream that the engine wanted and for which there will be no connection.
    static func ended(by error: RstreamError) -> Self {
        switch (error.code, error.origin) {
        // A tunnel that is closed here takes what was being opened with it.
        case (.tunnelClosed, .host): .cut
        case (.overload, .host): .refused
        default: .lost
        }
    }
}

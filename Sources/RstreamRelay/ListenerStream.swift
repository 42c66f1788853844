internal import Logging
internal import NIOCore
internal import Rstream
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamSocket

/// The opening of a listener's stream: takes a local connection, dials the private tunnel for it, and hands both halves
/// to a ``Relay``. Nothing is read from the connection before the dial has succeeded.
///
/// Stands in the connection's pipeline until the connection is open, and is confined to its event loop.
final class ListenerStream: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let relay: Relay
    private let client: RstreamClient
    private let target: String
    private let timeout: Duration
    private let trust: DialTrust
    private let outage: OutageLog.Subject
    private let logger: Logger

    init(
        _ relay: Relay,
        client: RstreamClient,
        target: String,
        timeout: Duration,
        trust: DialTrust,
        outage: OutageLog.Subject,
        logger: Logger
    ) {
        self.relay = relay
        self.client = client
        self.target = target
        self.timeout = timeout
        self.trust = trust
        self.outage = outage
        self.logger = logger
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        let connection = context.channel
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        if let error = relay.enter().error {
            logger.debug("connection refused", metadata: ["reason": "\(error.what)"])
            return connection.abort()
        }
        relay.upstreamArrived(connection)
        relay.endUnlessJoined(when: connection)
        dial(for: connection)
    }

    private func ended(received: Int) {
        trust.ended(received: received)
        if received > 0 { outage.reached() }
    }

    private func dial(for connection: any Channel) {
        let eventLoop = relay.eventLoop
        let stream = NIOLoopBound(self, eventLoop: eventLoop)
        // The stream waits for this, and so does whoever waits for the stream: its end, for whatever reason, closes the
        // connection, and that cancels the dial.
        let zeroRTT = trust.zeroRTT
        let start = ContinuousClock.now
        let dialing = Task(executorPreference: EventLoopExecutor(eventLoop)) { [client, target, timeout] in
            let result: Result<RstreamDialedStream, RstreamError>
            do throws(RstreamError) {
                result = .success(try await client.dial(target, zeroRTT: zeroRTT, within: timeout, on: eventLoop))
            } catch {
                result = .failure(error)
            }
            eventLoop.execute { stream.value.dialed(result, isAnswered: zeroRTT == false, since: start) }
        }
        connection.closeFuture.assumeIsolated().whenComplete { _ in
            if self.relay.isOver { dialing.cancel() }
            self.ended(received: self.relay.counters.received)
        }
    }

    private func dialed(
        _ result: Result<RstreamDialedStream, RstreamError>,
        isAnswered: Bool,
        since start: ContinuousClock.Instant
    ) {
        switch result {
        case .success(let stream):
            // A dial whose answer was not waited for has reached nobody yet.
            if isAnswered { outage.reached() }
            trust.dialed()
            relay.downstreamArrived(stream.channel)
        case .failure(let error):
            // A connection that went away, or a stream that was cut, has cancelled the dial itself.
            guard !relay.isOver else { return }
            outage.failed(error, since: start)
            logger.debug("tunnel dial failed", metadata: ["error": "\(error)"])
            relay.fail(.upstreamFailed, error)
        }
    }
}

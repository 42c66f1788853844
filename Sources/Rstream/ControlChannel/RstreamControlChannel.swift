internal import Logging
internal import NIOCore
internal import RstreamCore
public import RstreamModel

/// A connection to an engine on which tunnels are opened.
///
/// It ends when it is closed, when its connection is lost, or when the engine is silent for too long. Its tunnels end
/// with it; streams that were accepted go on (PROTOCOL.md §13). It does not reconnect by itself.
public final class RstreamControlChannel: Sendable {
    /// The engine's id for this client, for logs only.
    public let clientID: String
    /// What the engine stated about itself.
    public let serverDetails: ServerDetails?
    /// The address of the engine.
    public let engine: EngineAddress
    /// The project's own engine, which stable domains are named after even when a regional engine was dialed (CONFIG.md
    /// §10); nil when a managed project does not state it.
    public let projectEngine: EngineAddress?
    /// How long the engine may be silent before the channel ends; nil for an engine that does not support liveness.
    public let livenessTimeout: Duration?

    private let eventLoop: any EventLoop
    private let handler: NIOLoopBound<ControlChannelHandler>
    private let ended: Ending<ChannelEnd>

    init(
        _ opened: ControlChannelHandler.Opened,
        engine: EngineAddress,
        projectEngine: EngineAddress?,
        handler: NIOLoopBound<ControlChannelHandler>,
        eventLoop: any EventLoop,
        ended: Ending<ChannelEnd>
    ) {
        clientID = opened.clientID
        serverDetails = opened.serverDetails
        self.engine = engine
        self.projectEngine = projectEngine
        livenessTimeout = if case .negotiated(_, let timeout) = opened.liveness { timeout } else { nil }
        self.handler = handler
        self.eventLoop = eventLoop
        self.ended = ended
    }

    /// Opens a bytestream tunnel whose streams are taken from ``RstreamTunnel/streams``.
    ///
    /// Throws ``RstreamError`` with ``RstreamError/Code/invalidTunnel`` when `spec` breaks a rule of PROTOCOL.md §5.2,
    /// ``RstreamError/Code/engine`` when the engine says no, and the cause when the channel has ended or ends first:
    /// ``RstreamError/Code/controlClosed`` when it was closed, otherwise why it was lost. A caller that is cancelled gets
    /// ``RstreamError/Code/clientClosed`` at once; a late grant is given back to the engine.
    public func createTunnel(_ spec: TunnelSpec) async throws(RstreamError) -> RstreamTunnel {
        let queue = AcceptQueue()
        let grant = try await openTunnel(try spec.validated(), acceptor: queue)
        return RstreamTunnel(grant, control: self, queue: queue)
    }

    /// Opens a tunnel whose streams go to `acceptor`.
    package func openTunnel(
        _ properties: TunnelProperties,
        acceptor: any StreamAcceptor
    ) async throws(RstreamError) -> OpenedTunnel {
        var generator = SystemRandomNumberGenerator()
        let requestID = RequestID(using: &generator)
        let handler = handler
        let eventLoop = eventLoop
        let call = CancellableCall(on: eventLoop)
        do {
            let grant = try await withTaskCancellationHandler {
                try await eventLoop.flatSubmit {
                    call.isCancelled
                        ? eventLoop.makeFailedFuture(Self.cancelled)
                        : handler.value.openTunnel(requestID: requestID, properties, acceptor: acceptor)
                }.get()
            } onCancel: {
                call.cancel { handler.value.abandonTunnel(requestID: requestID, Self.cancelled) }
            }
            return OpenedTunnel(properties: grant.properties, ended: grant.ended)
        } catch {
            throw RstreamError.connection(to: engine, error)
        }
    }

    /// Asks the engine to close a tunnel; ``OpenedTunnel/waitUntilEnded()`` returns when it did.
    package func closeTunnel(_ tunnelID: String) {
        let handler = handler
        eventLoop.execute { handler.value.closeTunnel(tunnelID) }
    }

    /// Changes how many streams may be in their handshake, and wait for it.
    package func limit(_ limits: RstreamClientOptions.Limits) {
        let handler = handler
        eventLoop.execute { handler.value.limit(limits) }
    }

    /// Ends the channel in order and waits until it has ended, five seconds at most unless configured otherwise. A caller
    /// that is cancelled does not wait; the channel ends all the same.
    public func close() async {
        let handler = handler
        eventLoop.execute { handler.value.close() }
        _ = await ended.wait()
    }

    /// Checks at once whether the engine is still there, because the host's addresses or routes changed or it was
    /// suspended. Returns when it is known whether the host still has the connection's own address.
    package func networkChanged() async {
        let handler = handler
        let known = eventLoop.makePromise(of: Void.self)
        eventLoop.execute { handler.value.networkChanged(known) }
        try? await known.futureResult.get()
    }

    /// Calls `body` with the round trip of each heartbeat, on the channel's event loop.
    package func observeHeartbeats(_ body: @escaping @Sendable (Duration) -> Void) {
        let handler = handler
        eventLoop.execute { handler.value.observeHeartbeats(body) }
    }

    /// Adds a fact to every message that the channel logs from now on.
    package func log(_ key: String, _ value: String) {
        let handler = handler
        eventLoop.execute { handler.value.logger[metadataKey: key] = "\(value)" }
    }

    /// Ends the channel now, without telling the engine. Its tunnels end with it.
    public func abort() {
        let handler = handler
        eventLoop.execute { handler.value.abort() }
    }

    /// Whether the channel has ended. It is read on the channel's event loop, so a caller that was notified of
    /// something that ended together with the channel gets true.
    package func hasEnded() async -> Bool {
        let handler = handler
        return (try? await eventLoop.submit { handler.value.hasEnded }.get()) ?? true
    }

    /// Waits for the end. Returns nil when ``close()`` or ``abort()`` requested it, otherwise the cause;
    /// ``RstreamError/Code/clientClosed`` at once when the task is cancelled.
    public func waitUntilClosed() async -> RstreamError? {
        guard let end = await ended.wait() else { return .waitCancelled }
        if case .closedByUs = end { return nil }
        return end.error
    }

    /// How many tasks wait for the end.
    var waiters: Int { ended.waiters }

    private static let cancelled = RstreamError(
        code: .clientClosed,
        origin: .host,
        retry: .never,
        what: "the tunnel request was cancelled"
    )
}

/// A tunnel that the engine opened, below the public ``RstreamTunnel``.
package struct OpenedTunnel: Sendable {
    package let properties: TunnelProperties
    let ended: Ending<RstreamError?>

    /// The engine's id of the tunnel. A grant without an id is an error and never becomes a tunnel.
    package var id: String { properties.id ?? "" }

    /// Waits until no stream arrives any more. Returns nil when we closed the tunnel, otherwise the cause; an error at
    /// once when the task is cancelled.
    package func waitUntilEnded() async -> RstreamError? {
        guard let end = await ended.wait() else { return .waitCancelled }
        return end
    }
}

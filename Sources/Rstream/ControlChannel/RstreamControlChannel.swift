// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Logging
internal import NIOCore
package import RstreamCore
public import RstreamModel

/// An open connection to an engine, on which tunnels are opened.
///
/// It ends when it is closed, when its connection is lost, or when the engine is silent for longer than
/// ``livenessTimeout``; its tunnels end with it, accepted streams go on (PROTOCOL.md §13). It does not reconnect by itself:
/// ``RstreamSession`` does.
public final class RstreamControlChannel: Sendable {
    /// The engine's id of this client, for logs.
    public let clientID: String
    /// The engine's description of itself; nil when it sent none.
    public let serverDetails: ServerDetails?
    /// The address that was dialed.
    public let engine: EngineAddress
    /// The project's own engine, after which stable domains are named even when a regional engine was dialed (CONFIG.md
    /// §10); nil when the control plane does not name it.
    public let projectEngine: EngineAddress?
    /// How long the engine may be silent before the channel counts as lost; nil when the engine supports no heartbeats.
    public let livenessTimeout: Duration?

    private let eventLoop: any EventLoop
    private let handler: NIOLoopBound<ControlChannelHandler>
    private let ended: Ending<ChannelEnd>
    private let prewarmed: PrewarmedConnections?
    let logger: Logger

    init(
        _ opened: ControlChannelHandler.Opened,
        engine: EngineAddress,
        projectEngine: EngineAddress?,
        handler: NIOLoopBound<ControlChannelHandler>,
        eventLoop: any EventLoop,
        ended: Ending<ChannelEnd>,
        prewarmed: PrewarmedConnections?,
        logger: Logger
    ) {
        clientID = opened.clientID
        serverDetails = opened.serverDetails
        self.engine = engine
        self.projectEngine = projectEngine
        livenessTimeout = if case .negotiated(_, let timeout) = opened.liveness { timeout } else { nil }
        self.handler = handler
        self.eventLoop = eventLoop
        self.ended = ended
        self.prewarmed = prewarmed
        self.logger = logger
    }

    /// Opens a bytestream tunnel, which the caller closes; ``withTunnel(_:_:)`` closes it for you.
    ///
    /// - Parameter spec: The tunnel to open.
    /// - Returns: The tunnel as the engine granted it. Take its streams with
    ///   ``RstreamTunnel/serve(maxConcurrentStreams:_:)`` or from ``RstreamTunnel/streams``.
    /// - Throws: ``RstreamError`` with one of these codes:
    ///   - ``RstreamError/Code/invalidTunnel``: `spec` breaks a rule of PROTOCOL.md §5.2.
    ///   - ``RstreamError/Code/unsupportedTunnel``: a datagram tunnel, which this library does not offer.
    ///   - ``RstreamError/Code/engine``: the engine refused the tunnel.
    ///   - ``RstreamError/Code/operationTimeout``: the engine did not answer in time.
    ///   - ``RstreamError/Code/controlClosed``: the channel was closed; when it was lost, the cause is thrown instead.
    ///   - ``RstreamError/Code/clientClosed``: the task was cancelled. A late grant is given back to the engine.
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
            guard let id = grant.properties.id else { throw Self.grantWithoutID }
            return OpenedTunnel(id: id, properties: grant.properties, ended: grant.ended)
        } catch {
            throw RstreamError.connection(to: engine, error)
        }
    }

    /// Asks the engine to close a tunnel; ``OpenedTunnel/waitUntilEnded()`` returns when it did.
    package func closeTunnel(_ tunnelID: String) {
        let handler = handler
        eventLoop.execute { handler.value.closeTunnel(tunnelID) }
    }

    /// Changes how many streams may be in their handshake, and wait for it. No more connections are kept warm than may be
    /// in their handshake.
    package func limit(_ limits: RstreamClientOptions.Limits) {
        prewarmed?.limit(to: limits.openingStreams)
        let handler = handler
        eventLoop.execute { handler.value.limit(limits) }
    }

    /// Ends the channel in order and waits until the engine has answered, for ``RstreamClientOptions/Timeouts/close`` at
    /// most (5 s unless given).
    ///
    /// A caller that is cancelled does not wait; the channel ends all the same.
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

    /// Keeps no connection warm any more: no streams are wanted.
    package func stopPrewarming() { prewarmed?.close() }

    /// Calls `body` with the round trip of each heartbeat, on the channel's event loop.
    package func observeHeartbeats(_ body: @escaping @Sendable (Duration) -> Void) {
        let handler = handler
        eventLoop.execute { handler.value.observeHeartbeats(body) }
    }

    /// Calls `body` with what became of warm connections and streams so far and with how many connections are warm, and
    /// then with what was added, each time that one of them changes. A lock is held meanwhile: `body` must not use the
    /// channel. It is never called when the client keeps none warm.
    package func observePrewarming(_ body: @escaping @Sendable (_ added: PrewarmCounts, _ warm: Int) -> Void) {
        prewarmed?.observe(body)
    }

    /// Adds a fact to every message that the channel logs from now on.
    package func log(_ key: String, _ value: String) {
        let handler = handler
        eventLoop.execute { handler.value.logger[metadataKey: key] = "\(value)" }
    }

    /// Drops the connection at once. The engine ends the tunnels when it notices.
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

    /// Waits until the channel has ended.
    ///
    /// - Returns: Nil after ``close()`` or ``abort()``, otherwise the cause. A caller that is cancelled gets
    ///   ``RstreamError/Code/clientClosed`` at once.
    public func waitUntilClosed() async -> RstreamError? {
        guard let end = await ended.wait() else { return .waitCancelled }
        if case .closedByUs = end { return nil }
        return end.error
    }

    /// How many tasks wait for the end.
    var waiters: Int { ended.waiters }

    /// The engine's answer is checked for it before it gets here.
    private static let grantWithoutID = RstreamError(
        code: .protocolViolation,
        origin: .engine,
        retry: .afterBackoff,
        what: "the engine granted a tunnel with no tunnel id"
    )

    private static let cancelled = RstreamError(
        code: .clientClosed,
        origin: .host,
        retry: .never,
        what: "the tunnel request was cancelled"
    )
}

/// A tunnel that the engine opened, whose streams go to a ``StreamAcceptor``.
package struct OpenedTunnel: Sendable {
    /// The engine's id of the tunnel, never empty.
    package let id: String
    package let properties: TunnelProperties
    let ended: Ending<RstreamError?>

    /// Waits until no stream arrives any more. Nil after a close that we asked for, otherwise the cause; a caller that is
    /// cancelled gets an error at once.
    package func waitUntilEnded() async -> RstreamError? {
        guard let end = await ended.wait() else { return .waitCancelled }
        return end
    }
}

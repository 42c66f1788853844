// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import NIOCore
internal import RstreamCore
public import RstreamModel
public import ServiceLifecycle
internal import Synchronization

/// Keeps tunnels open: connects, opens them, serves their streams, and starts again when the connection is lost.
///
/// A session is a `Service`: run it in a `ServiceGroup`, or call ``run()`` and end it with ``shutDown()``. It decides
/// as rstreamd does:
/// - Between attempts it waits a random part of 1 s, 2 s, 4 s … 30 s; after a refusal that retrying at once cannot
///   change, a revoked token for instance, 300 s. ``ReconnectDelays`` changes that.
/// - Streams outlive the control channel; new ones arrive once it is back.
/// - A tunnel asks again for the address that the engine chose before, and takes another one when it is refused.
///
/// A graceful shutdown closes the tunnels, waits until their streams have ended, `drainTimeout` at most, and then
/// closes the control channel in order.
public final class RstreamSession: Service {
    /// A tunnel that the session keeps open.
    public struct Tunnel: Sendable {
        /// The tunnel to ask the engine for.
        public let spec: TunnelSpec
        /// How many streams are handled at the same time.
        public let maxConcurrentStreams: Int
        let handler: @Sendable (RstreamAcceptedStream) async throws -> Void

        /// Describes a tunnel.
        ///
        /// - Parameters:
        ///   - spec: The tunnel to ask the engine for.
        ///   - maxConcurrentStreams: How many handlers run at the same time; 1 at least, 1,024 unless given.
        ///   - handler: Serves one stream; see ``RstreamTunnel/serve(maxConcurrentStreams:_:)``.
        public init(
            _ spec: TunnelSpec,
            maxConcurrentStreams: Int = RstreamTunnel.defaultConcurrentStreams,
            handler: @escaping @Sendable (_ stream: RstreamAcceptedStream) async throws -> Void
        ) {
            self.spec = spec
            self.maxConcurrentStreams = maxConcurrentStreams
            self.handler = handler
        }
    }

    /// How long the session waits between attempts to connect, and to open a tunnel.
    public struct ReconnectDelays: Hashable, Sendable {
        /// The longest wait after the first failure; 1 ms at least, 1 s unless given. It doubles with each failure.
        public var minimum: Duration
        /// The longest wait after many failures; 30 s unless given.
        public var maximum: Duration
        /// The wait after a refusal that passes only when something is changed; 300 s unless given.
        public var rejected: Duration

        /// rstreamd's values unless given.
        public init(
            minimum: Duration = .seconds(1),
            maximum: Duration = .seconds(30),
            rejected: Duration = .seconds(300)
        ) {
            self.minimum = minimum
            self.maximum = maximum
            self.rejected = rejected
        }
    }

    private let client: RstreamClient
    private let tunnels: [(definition: Tunnel, properties: TunnelProperties)]
    private let policy: ReconnectPolicy
    private let drainTimeout: Duration
    private let timers: SessionTimers
    private let randomness: any RandomNumberGenerator & Sendable
    private let source: SessionStateSource
    private let events: AsyncStream<SessionRun.Event>
    private let send: AsyncStream<SessionRun.Event>.Continuation
    private let hasRun = Lock(false)

    /// Makes a session. Nothing is dialed before ``run()``.
    ///
    /// - Parameters:
    ///   - client: Connects to the engine, and logs what happens.
    ///   - tunnels: The tunnels to keep open.
    ///   - reconnectDelays: How long to wait between attempts.
    ///   - drainTimeout: How long streams may go on after a graceful shutdown has begun; 30 s unless given. Their
    ///     handlers are cancelled then.
    /// - Throws: ``RstreamError`` with ``RstreamError/Code/invalidTunnel`` or ``RstreamError/Code/unsupportedTunnel``
    ///   for the first tunnel that breaks a rule.
    public convenience init(
        _ client: RstreamClient,
        tunnels: [Tunnel],
        reconnectDelays: ReconnectDelays = ReconnectDelays(),
        drainTimeout: Duration = .seconds(30)
    ) throws(RstreamError) {
        try self.init(
            client,
            tunnels: tunnels,
            reconnectDelays: reconnectDelays,
            drainTimeout: drainTimeout,
            timers: .of(client.group),
            randomness: SystemRandomNumberGenerator()
        )
    }

    /// Makes a session whose time and randomness are the caller's.
    init(
        _ client: RstreamClient,
        tunnels: [Tunnel],
        reconnectDelays: ReconnectDelays = ReconnectDelays(),
        drainTimeout: Duration = .seconds(30),
        timers: SessionTimers,
        randomness: any RandomNumberGenerator & Sendable
    ) throws(RstreamError) {
        self.client = client
        var validated: [(Tunnel, TunnelProperties)] = []
        for tunnel in tunnels { validated.append((tunnel, try tunnel.spec.validated())) }
        self.tunnels = validated
        policy = ReconnectPolicy(
            minimum: reconnectDelays.minimum,
            maximum: reconnectDelays.maximum,
            rejected: reconnectDelays.rejected
        )
        self.drainTimeout = drainTimeout
        self.timers = timers
        self.randomness = randomness
        source = SessionStateSource(State(connection: .idle, tunnels: tunnels.map { _ in .pending(nil) }))
        (events, send) = AsyncStream.makeStream()
    }

    /// The state of the connection and of each tunnel, now.
    public var state: State { source.state }

    /// The state now, and then each time that it changes. A reader that is slower than the changes gets the latest
    /// state only. The sequence ends when ``run()`` returns.
    public var states: States { States(source: source) }

    /// Serves until a graceful shutdown, or ``shutDown()``, is done. Call it once.
    ///
    /// - Throws: `CancellationError` when the task was cancelled: the connection was dropped then, all handlers were
    ///   cancelled, and all have returned. ``RstreamError`` with ``RstreamError/Code/clientClosed`` at a second call.
    ///   Failures of the network or the engine are retried, and show in ``states``.
    public func run() async throws {
        let isFirst = hasRun.withLock { hasRun in
            defer { hasRun = true }
            return !hasRun
        }
        guard isFirst else {
            throw RstreamError(code: .clientClosed, origin: .host, retry: .never, what: "a session runs only once")
        }
        let run = SessionRun(
            client: client,
            tunnels: tunnels.map { SessionRun.KeptTunnel($0.definition, $0.properties, policy: policy) },
            policy: policy,
            drainTimeout: drainTimeout,
            timers: timers,
            randomness: randomness,
            source: source,
            send: send
        )
        await withGracefulShutdownHandler {
            await run.serve(events)
        } onGracefulShutdown: {
            self.shutDown()
        }
        try Task.checkCancellation()
    }

    /// Begins a graceful shutdown, after which ``run()`` returns.
    public func shutDown() { send.yield(.drainRequested) }
}

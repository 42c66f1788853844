// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import Logging
internal import NIOCore
internal import RstreamConfig
internal import RstreamCore
internal import RstreamModel
internal import RstreamRelay
internal import RstreamSocket
internal import Synchronization

/// The listeners of the admin API: the admin socket, and a metrics port if one is configured. A reload that moves one
/// opens the new listener before it closes the old one, so a failure loses nothing.
///
/// Guarded by a mutex; ``open(_:_:)`` has one caller at a time.
final class AdminListeners: Sendable {
    struct State {
        var router: AdminRouter?
        /// Whether systemd passed the admin sockets; the configuration then does not apply to them.
        var isInherited = false
        /// Keep tunnels from using the inherited sockets as upstreams.
        var inherited: [ReservedSockets.Reservation] = []
        var open = Open()
        /// The retry of a metrics address that was not available.
        var retry: MetricsRetry?
        /// The limit of concurrent clients of each listener.
        var clients: Int
        /// Listeners that run, including closed ones that still have clients.
        var served: [ObjectIdentifier: HTTPListener] = [:]
        /// Whether ``stop()`` was called: no listener is served after that.
        var isStopped = false
    }

    /// The open listeners, and the settings that they were opened for.
    struct Open {
        var admin: (settings: AdminSettings, listener: HTTPListener, reservation: ReservedSockets.Reservation?)?
        var metrics: (address: ListenAddress, listener: HTTPListener)?

        /// Whether `wanted` has the port of the open metrics listener at another address. The kernel may refuse to bind
        /// both at once.
        func sharesPort(with wanted: ListenAddress?) -> Bool {
            guard let metrics, case .tcp(_, let port)? = wanted, metrics.address != wanted else { return false }
            return metrics.listener.localAddresses.contains { $0.port == port }
        }
    }

    private enum Job: Sendable {
        case serve(HTTPListener)
        case retry(MetricsRetry, ReconnectPolicy)
    }

    let statusStore: StatusStore
    let reserved: ReservedSockets
    let group: any EventLoopGroup
    let pointer: AdminPointer
    let timeouts: RequestBoundsHandler.Timeouts
    let logger: Logger
    let state: Lock<State>
    private let jobs: AsyncStream<Job>
    private let send: AsyncStream<Job>.Continuation

    /// The admin socket is in `reserved` while it exists, so that no tunnel can lead to it.
    init(
        statusStore: StatusStore,
        reserved: ReservedSockets,
        group: any EventLoopGroup,
        clients: Int = HTTPListener.defaultClientLimit,
        pointer: AdminPointer = AdminPointer(path: nil),
        timeouts: RequestBoundsHandler.Timeouts = .init(),
        logger: Logger
    ) {
        self.pointer = pointer
        self.timeouts = timeouts
        state = Lock(State(clients: clients))
        self.statusStore = statusStore
        self.reserved = reserved
        self.group = group
        self.logger = logger
        (jobs, send) = AsyncStream.makeStream()
    }

    /// Whether systemd has opened the admin socket.
    var isInherited: Bool { state.withLock(\.isInherited) }

    /// Sets the router of all requests. Must be called before any listener is opened.
    func setRouter(_ router: AdminRouter) {
        state.withLock { $0.router = router }
    }

    /// Sets the limit of concurrent clients of each listener.
    func limit(clients: Int) {
        let served = state.withLock { state in
            state.clients = clients
            return Array(state.served.values)
        }
        for listener in served { listener.limit(clients: clients) }
    }

    /// Accepts connections on a socket that systemd listens on. Its file outlives the daemon and is not removed here.
    func open(inherited socket: CInt) async throws(RstreamError) {
        guard let router = state.withLock({ $0.router }) else { return }
        let answer: HTTPConnection.Answer = { await router.answer($0) }
        let listener: HTTPListener
        do {
            listener = try await listen(at: .inherited(socket), answer: answer)
        } catch {
            let reason = (error as? IOError).map { SystemError.reason($0.errnoCode) } ?? "it does not listen"
            throw RstreamError(
                code: .listenerUnavailable,
                origin: .host,
                retry: .afterReload,
                what: "cannot listen on the socket that systemd opened: \(reason)"
            )
        }
        let reservation = await BlockingThreads.sockets.run { [reserved] in reserved.reserve(bound: socket) }
        state.withLock { state in
            state.isInherited = true
            if let reservation { state.inherited.append(reservation) }
        }
        serve(listener)
        logger.info("admin socket open", metadata: [LogKey.address: "\(listener.localAddresses.first?.pathname ?? "")"])
    }

    // MARK: Serving

    /// Serves an open listener as soon as ``run()`` runs.
    func serve(_ listener: HTTPListener) { send.yield(.serve(listener)) }

    /// Serves metrics at an address, or records that there are none.
    func serveMetrics(_ listener: HTTPListener?, at address: ListenAddress?) {
        state.withLock { state in
            state.open.metrics = address.flatMap { address in listener.map { (address, $0) } }
        }
        guard let listener, let address else { return }
        serve(listener)
        let places = listener.localAddresses.compactMap(\.place)
        let shown = places.isEmpty ? address.description : places.joined(separator: " ")
        logger.info("metrics port open", metadata: [LogKey.address: "\(shown)"])
    }

    /// Starts the retries of a metrics address that was not available.
    func startRetry(_ policy: ReconnectPolicy) {
        if let retry = state.withLock(\.retry) { send.yield(.retry(retry, policy)) }
    }

    /// One attempt of a retry.
    private func open(_ retry: MetricsRetry) async throws(RstreamError) {
        guard let router = state.withLock({ $0.retry === retry && !$0.isStopped ? $0.router : nil }) else { return }
        let listener = try await listen(retry.address, retry.lookUp) { await router.answerMetrics($0) }
        do throws(RstreamError) {
            try await ListenSetting.metrics(retry.address).explaining { () async throws(SocketFile.Failure) in
                try await listener.publish()
            }
        } catch {
            await listener.discard()
            throw error
        }
        let isWanted = state.withLock { state in
            guard state.retry === retry, !state.isStopped else { return false }
            state.retry = nil
            return true
        }
        guard isWanted else { return await listener.discard() }
        serveMetrics(listener, at: retry.address)
    }

    /// Serves all listeners until ``stop()``.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await job in jobs {
                let listener: HTTPListener
                switch job {
                case .serve(let opened): listener = opened
                case .retry(let retry, let policy):
                    group.addTask {
                        await retry.run(policy) { () throws(RstreamError) in try await self.open(retry) }
                    }
                    continue
                }
                let isStopped = state.withLock { state in
                    if !state.isStopped { state.served[ObjectIdentifier(listener)] = listener }
                    return state.isStopped
                }
                group.addTask {
                    guard !isStopped else { return await listener.discard() }
                    await listener.run()
                    self.state.withLock { $0.served[ObjectIdentifier(listener)] = nil }
                }
            }
        }
    }

    /// Ends ``run()``, which the caller has to await even if it starts only now. Event readers have a moment to read
    /// the last events.
    func stop() async {
        statusStore.events.close()
        await withTaskGroup { group in
            group.addTask { await self.statusStore.events.waitUntilUnread() }
            group.addTask { try? await pause(for: self.timeouts.stop) }
            await group.next()
            group.cancelAll()
        }
        let served = state.withLock { state in
            state.isStopped = true
            return Array(state.served.values)
        }
        state.withLock { $0.retry.take() }?.stop()
        send.finish()
        await pointer.remove()
        for listener in served { await listener.stop() }
    }
}

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

/// The listeners of the admin API: the admin socket, and each ``AdminPort`` that is configured. A reload that moves one
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
        /// The same for the sockets of a predecessor, until they are open here or gone.
        var predecessors: [ReservedSockets.Reservation] = []
        /// The listeners on those sockets.
        var systemd: [HTTPListener] = []
        /// What a predecessor has handed over.
        var handedOver: SocketInheritance?
        var open = Open()
        /// The retries of ports whose address was not available.
        var retries: [AdminPort: PortRetry] = [:]
        /// The limit of concurrent clients of each listener.
        var clients: Int
        /// Listeners that run, including closed ones that still have clients.
        var served: [ObjectIdentifier: HTTPListener] = [:]
        /// Whether ``stop()`` was called: no listener is served after that.
        var isStopped = false
        /// Whether another process has the sockets, now or still.
        var isGivenUp = false
    }

    /// The open listeners, and the settings that they were opened for.
    struct Open {
        var admin: (settings: AdminSettings, listener: HTTPListener, reservation: ReservedSockets.Reservation?)?
        var ports: [AdminPort: OpenPort] = [:]

        /// The open ports that `configuration` has elsewhere, and whose sockets are in the way of an address that it
        /// wants for one of them: their sockets have to be closed first.
        func obstacles(to configuration: DaemonConfiguration) -> [AdminPort] {
            let moves = AdminPort.allCases.filter { ports[$0]?.address != $0.address(in: configuration) }
            let wanted = moves.compactMap { $0.address(in: configuration) }
            return moves.filter { port in
                guard let open = ports[port] else { return false }
                return wanted.contains { open.isInTheWay(of: $0) }
            }
        }

        /// The configuration with the ports as they are open where one of them is in the way of what it wants.
        func withoutObstacles(_ configuration: DaemonConfiguration) -> DaemonConfiguration {
            var possible = configuration
            for port in AdminPort.allCases {
                guard let address = port.address(in: configuration), ports[port]?.address != address,
                    obstacles(to: configuration).contains(where: { ports[$0]?.isInTheWay(of: address) == true })
                else { continue }
                port.set(ports[port]?.address, in: &possible)
            }
            return possible
        }
    }

    /// An open port, and the address that it was opened for.
    struct OpenPort {
        let address: ListenAddress
        let listener: HTTPListener

        /// Whether the kernel may refuse to bind `wanted` while this is open.
        func isInTheWay(of wanted: ListenAddress) -> Bool {
            switch wanted {
            case .tcp(_, let port): listener.localAddresses.contains { $0.port == port }
            case .unix: wanted == address
            }
        }
    }

    private enum Job: Sendable {
        case serve(HTTPListener)
        case retry(PortRetry, ReconnectPolicy)
    }

    let statusStore: StatusStore
    let reserved: ReservedSockets
    let group: any EventLoopGroup
    let pointer: AdminPointer
    /// Who may do what on the admin socket.
    let rules = AdminAccessRules()
    let pageHosts = PageHosts()
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
            let isOpenToAll = await BlockingThreads.sockets.run { UnixSocket.isOpenToAll(bound: socket) }
            let rights = rules.rights(onSocketOpenToAll: isOpenToAll)
            listener = try await listen(at: .inherited(socket), rights: rights, answer: answer)
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
            state.systemd.append(listener)
        }
        serve(listener)
        logger.info("admin socket open", metadata: [LogKey.address: "\(listener.localAddresses.first?.pathname ?? "")"])
    }

    // MARK: Serving

    /// Serves an open listener as soon as ``run()`` runs.
    func serve(_ listener: HTTPListener) { send.yield(.serve(listener)) }

    /// Serves a port at an address, or records that it is closed.
    func serve(_ port: AdminPort, _ listener: HTTPListener?, at address: ListenAddress?) {
        state.withLock { state in
            state.open.ports[port] = address.flatMap { address in
                listener.map { OpenPort(address: address, listener: $0) }
            }
        }
        guard let listener, let address else { return }
        serve(listener)
        let places = listener.localAddresses.compactMap(\.place)
        let shown = places.isEmpty ? address.description : places.joined(separator: " ")
        port.logOpen(at: shown, to: logger)
    }

    /// Starts the retries of addresses that were not available.
    func startRetries(_ policy: ReconnectPolicy) {
        for retry in state.withLock({ Array($0.retries.values) }) { send.yield(.retry(retry, policy)) }
    }

    /// One attempt of a retry.
    private func open(_ retry: PortRetry) async throws(RstreamError) {
        let (port, address) = (retry.port, retry.address)
        guard
            let router = state.withLock({ state in
                state.retries[port] === retry && !state.isStopped ? state.router : nil
            })
        else { return }
        let listener = try await listen(port, at: address, router, retry.lookUp)
        do throws(RstreamError) {
            try await ListenSetting.port(port, address).explaining { () async throws(SocketFile.Failure) in
                try await listener.publish()
            }
        } catch {
            await listener.discard()
            throw error
        }
        let isWanted = state.withLock { state in
            guard state.retries[port] === retry, !state.isStopped else { return false }
            state.retries[port] = nil
            return true
        }
        guard isWanted else { return await listener.discard() }
        serve(port, listener, at: address)
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
        let retries = state.withLock { state in
            defer { state.retries = [:] }
            return Array(state.retries.values)
        }
        for retry in retries { retry.stop() }
        send.finish()
        if !state.withLock(\.isGivenUp) { await pointer.remove() }
        for listener in served { await listener.stop() }
    }
}

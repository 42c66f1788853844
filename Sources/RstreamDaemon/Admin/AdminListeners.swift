internal import Glibc
internal import Linux
internal import Logging
internal import NIOCore
internal import Rstream
internal import RstreamConfig
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamRelay
internal import RstreamSocket
internal import Synchronization

/// Where the daemon can be asked: the admin socket, and a port for metrics if one is configured. A reload that wants
/// them elsewhere opens the new ones before it closes the old ones, so nothing is lost when one cannot be had.
///
/// Guarded by a mutex; ``open(_:)`` has one caller at a time.
final class AdminListeners: Sendable {
    private struct State {
        var router: AdminRouter?
        /// The admin sockets are systemd's, so the configuration has no say in it.
        var isInherited = false
        /// Keep the inherited sockets from being upstreams.
        var inherited: [ReservedSockets.Reservation] = []
        var open = Open()
        /// Metrics are wanted where they cannot be served yet.
        var retry: MetricsRetry?
        /// Clients at once, of each listener.
        var clients: Int
        /// Closed ones among them, whose last clients have not gone yet.
        var served: [ObjectIdentifier: HTTPListener] = [:]
        /// What is not served yet never will be.
        var isStopped = false
    }

    /// What is open, and what was asked for.
    private struct Open {
        var admin: (settings: AdminSettings, listener: HTTPListener, reservation: ReservedSockets.Reservation?)?
        var metrics: (address: ListenAddress, listener: HTTPListener)?

        /// Whether the port that is open is wanted in another way: the kernel may give it to one of the two only.
        func sharesPort(with wanted: ListenAddress?) -> Bool {
            guard let metrics, case .tcp(_, let port)? = wanted, metrics.address != wanted else { return false }
            return metrics.listener.localAddresses.contains { $0.port == port }
        }
    }

    /// What takes the place of what is open; nil where that stays.
    private struct Successors {
        var admin: HTTPListener?
        var metrics: HTTPListener?
        /// The address can be had later.
        var waitsForMetrics = false
        /// The folder of the admin socket, where it had to be made.
        var folder: String?

        /// Leaves nothing behind.
        func discard() async {
            await admin?.discard()
            await metrics?.discard()
            guard let folder else { return }
            _ = await BlockingThreads.sockets.run { rmdir(folder) }
        }
    }

    private let statusStore: StatusStore
    private let reserved: ReservedSockets
    private let group: any EventLoopGroup
    private let pointer: AdminPointer
    private let patience: RequestBoundsHandler.Patience
    private let logger: Logger
    private let state: Mutex<State>
    private let work: AsyncStream<Work>
    private let send: AsyncStream<Work>.Continuation

    private enum Work: Sendable {
        case serve(HTTPListener)
        case retry(MetricsRetry, ReconnectPolicy)
    }

    /// The admin socket is one of `reserved` as long as it is there.
    init(
        statusStore: StatusStore,
        reserved: ReservedSockets,
        group: any EventLoopGroup,
        clients: Int = HTTPListener.mostClients,
        pointer: AdminPointer = AdminPointer(place: nil),
        patience: RequestBoundsHandler.Patience = .init(),
        logger: Logger
    ) {
        self.pointer = pointer
        self.patience = patience
        state = Mutex(State(clients: clients))
        self.statusStore = statusStore
        self.reserved = reserved
        self.group = group
        self.logger = logger
        (work, send) = AsyncStream.makeStream()
    }

    /// Whether systemd has opened the admin socket.
    var isInherited: Bool { state.withLock(\.isInherited) }

    /// Has to be told once, before anything is opened.
    func answer(with router: AdminRouter) {
        state.withLock { $0.router = router }
    }

    /// As many clients may be there at once from now on, of each listener.
    func limit(clients: Int) {
        let served = state.withLock { state in
            state.clients = clients
            return Array(state.served.values)
        }
        for listener in served { listener.limit(clients: clients) }
    }

    /// Takes connections on a socket that systemd listens on, which outlives the daemon and is never removed here.
    func open(inherited socket: CInt) async throws(RstreamError) {
        guard let router = state.withLock({ $0.router }) else { return }
        let answer: HTTPConnection.Answer = { await router.answer($0) }
        let listener: HTTPListener
        do {
            listener = try await listen(at: .inherited(socket), answer: answer)
        } catch {
            let reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "it does not listen"
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
        send.yield(.serve(listener))
        logger.info("admin socket open", metadata: [LogKey.address: "\(listener.localAddresses.first?.pathname ?? "")"])
    }

    /// Opens what `configuration` wants and is not open yet, and closes what it does not want any more. When something
    /// cannot be had, everything stays as it is, unless it is a place for metrics that `patience` covers.
    func open(_ configuration: DaemonConfiguration, _ patience: MetricsTimeouts = .init()) async throws(RstreamError) {
        let before = state.withLock { $0.open }
        let gives = before.sharesPort(with: configuration.metrics)
        if gives { await before.metrics?.listener.close() }
        if configuration.admin.socket == pointer.place { await pointer.remove() }
        let successors: Successors
        let reservation: ReservedSockets.Reservation?
        do throws(RstreamError) {
            var bound = try await bind(configuration, beside: before, patience)
            // Before it can be found.
            reservation = bound.admin?.file.map { reserved.reserve($0) }
            do throws(RstreamError) {
                try await publish(&bound, instead: before, configuration, patience)
            } catch {
                await bound.discard()
                throw error
            }
            successors = bound
        } catch {
            if gives, let address = before.metrics?.address { await reopen(address) }
            if let admin = before.admin { await pointer.lead(to: admin.settings.socket) }
            throw error
        }
        if let listener = successors.admin {
            await before.admin?.listener.retire()
            state.withLock { $0.open.admin = (configuration.admin, listener, reservation) }
            await pointer.lead(to: configuration.admin.socket)
            send.yield(.serve(listener))
            logger.info("admin socket open", metadata: [LogKey.address: "\(configuration.admin.socket)"])
        } else if !configuration.admin.hasSocket {
            // At the start it may be what a killed daemon has left.
            await pointer.remove()
            if let admin = before.admin {
                await admin.listener.retire()
                state.withLock { $0.open.admin = nil }
                logger.info("admin socket closed", metadata: [LogKey.address: "\(admin.settings.socket)"])
            }
        }
        guard before.metrics?.address != configuration.metrics else { return }
        await before.metrics?.listener.close()
        serve(successors.metrics, at: configuration.metrics)
        let waits = successors.waitsForMetrics ? configuration.metrics : nil
        let former = state.withLock { $0.retry.take() }
        // An outage that goes on is told once.
        let isTold = (former?.stop() ?? false) && former?.address == waits
        let retry = waits.map { MetricsRetry($0, isTold: isTold, on: group.any(), logger: logger) }
        state.withLock { $0.retry = retry }
    }

    /// Has metrics served where they could not be yet, as soon as that is possible.
    func openWaiting(_ policy: ReconnectPolicy) {
        if let retry = state.withLock(\.retry) { send.yield(.retry(retry, policy)) }
    }

    private func open(_ retry: MetricsRetry) async throws(RstreamError) {
        guard let router = state.withLock({ $0.retry === retry && !$0.isStopped ? $0.router : nil }) else { return }
        let listener = try await listen(retry.address, retry.lookUp) { await router.answerMetrics($0) }
        do throws(RstreamError) {
            try await Wish.metrics(retry.address).explaining { () async throws(SocketFile.Failure) in
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
        serve(listener, at: retry.address)
    }

    /// Throws what ``open(_:)`` would throw, and leaves everything as it is.
    func check(_ configuration: DaemonConfiguration, _ patience: MetricsTimeouts = .init()) async throws(RstreamError) {
        let before = state.withLock { $0.open }
        var wanted = configuration
        // Cannot be tried while it is taken by this process itself.
        if before.sharesPort(with: wanted.metrics) { wanted.metrics = before.metrics?.address }
        let successors = try await bind(wanted, beside: before, patience)
        do throws(RstreamError) {
            try await check(successors, instead: before, wanted, patience)
        } catch {
            await successors.discard()
            throw error
        }
        await successors.discard()
    }

    /// Binds what is not open yet. Nobody can find it so far, unless it is a port.
    private func bind(
        _ configuration: DaemonConfiguration,
        beside before: Open,
        _ patience: MetricsTimeouts
    ) async throws(RstreamError) -> Successors {
        var successors = Successors()
        let (router, isInherited, retry) = state.withLock { ($0.router, $0.isInherited, $0.retry) }
        guard let router else { return successors }
        let isGone = await before.admin?.listener.isGone() ?? false
        do throws(RstreamError) {
            if !isInherited, configuration.admin.hasSocket,
                before.admin?.settings != configuration.admin || isGone
            {
                let socket = configuration.admin.socket
                successors.folder = try await BlockingThreads.sockets.tryRun { () throws(RstreamError) in
                    try Self.makeFolder(of: socket)
                }
                successors.admin = try await listen(configuration.admin) { await router.answer($0) }
            }
            if before.metrics?.address != configuration.metrics, let address = configuration.metrics {
                do throws(RstreamError) {
                    successors.metrics = try await listen(address) { await router.answerMetrics($0) }
                } catch {
                    // It was waited for before, or can be had in a moment.
                    guard patience.covers(address) || retry?.address == address else { throw error }
                    successors.waitsForMetrics = true
                }
            }
            return successors
        } catch {
            await successors.discard()
            throw error
        }
    }

    /// systemd makes the directory of a service; started by hand, the daemon has to. The folder, if it was not there.
    private static func makeFolder(of socket: String) throws(RstreamError) -> String? {
        let folder = Path.directory(of: socket)
        guard !folder.isEmpty else { return nil }
        MayBlock.now("making a folder")
        if mkdir(folder, 0o755) == 0 { return folder }
        // A file system that cannot be written says so of a folder that is there, too.
        let code = errno
        guard code != EEXIST, access(folder, F_OK) != 0 else { return nil }
        throw RstreamError(
            code: .listenerUnavailable,
            origin: .host,
            retry: .afterReload,
            what: "cannot listen on \(socket): the folder \(folder) cannot be made: \(String(cString: strerror(code)))",
            fix: "make the folder, or set admin.socket to a path elsewhere, or to none"
        )
    }

    /// The admin socket comes last: it is what may take the place of another one, and that cannot be undone.
    private func publish(
        _ successors: inout Successors,
        instead before: Open,
        _ configuration: DaemonConfiguration,
        _ patience: MetricsTimeouts
    ) async throws(RstreamError) {
        if let address = configuration.metrics, let metrics = successors.metrics {
            do throws(RstreamError) {
                try await Wish.metrics(address).explaining { () async throws(SocketFile.Failure) in
                    try await metrics.publish()
                }
            } catch {
                guard patience.covers(address) else { throw error }
                await metrics.discard()
                (successors.metrics, successors.waitsForMetrics) = (nil, true)
            }
        }
        let admin = successors.admin
        try await Wish.admin(configuration.admin).explaining { () async throws(SocketFile.Failure) in
            try await admin?.publish(replacing: before.admin?.listener)
        }
    }

    private func check(
        _ successors: Successors,
        instead before: Open,
        _ configuration: DaemonConfiguration,
        _ patience: MetricsTimeouts
    ) async throws(RstreamError) {
        if let address = configuration.metrics, !patience.covers(address) {
            try await Wish.metrics(address).explaining { () async throws(SocketFile.Failure) in
                try await successors.metrics?.checkName()
            }
        }
        try await Wish.admin(configuration.admin).explaining { () async throws(SocketFile.Failure) in
            try await successors.admin?.checkName(replacing: before.admin?.listener)
        }
    }

    /// Takes a port back that was given up for one that cannot be had.
    private func reopen(_ address: ListenAddress) async {
        guard let router = state.withLock({ $0.router }) else { return }
        do throws(RstreamError) {
            serve(try await listen(address) { await router.answerMetrics($0) }, at: address)
        } catch {
            state.withLock { $0.open.metrics = nil }
            logger.warning("metrics port lost", metadata: .facts(of: error))
        }
    }

    private func serve(_ metrics: HTTPListener?, at address: ListenAddress?) {
        state.withLock { state in
            state.open.metrics = address.flatMap { address in metrics.map { (address, $0) } }
        }
        guard let metrics, let address else { return }
        send.yield(.serve(metrics))
        let places = metrics.localAddresses.compactMap(\.place)
        let shown = places.isEmpty ? address.description : places.joined(separator: " ")
        logger.info("metrics port open", metadata: [LogKey.address: "\(shown)"])
    }

    /// Serves whatever is open, until ``stop()``.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await work in work {
                let listener: HTTPListener
                switch work {
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
                    // It has to be closed by somebody.
                    guard !isStopped else { return await listener.discard() }
                    await listener.run()
                    self.state.withLock { $0.served[ObjectIdentifier(listener)] = nil }
                }
            }
        }
    }

    /// Ends ``run()``, which has to be waited for, also when it begins only now. Readers of events get to read the last
    /// ones, if they do it at once.
    func stop() async {
        statusStore.events.close()
        await withTaskGroup { group in
            group.addTask { await self.statusStore.events.waitUntilUnread() }
            group.addTask { try? await pause(for: self.patience.farewell) }
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

    // MARK: Listening

    private func listen(
        _ settings: AdminSettings,
        answer: @escaping HTTPConnection.Answer
    ) async throws(RstreamError) -> HTTPListener {
        let owner = await BlockingThreads.accounts.run { SocketGroup(named: settings.group) }
        switch owner {
        case .usable: break
        case .unknown:
            logger.warning(
                "the admin socket's group does not exist, its user alone may use it",
                metadata: ["group": "\(settings.group)", LogKey.fix: "make the group, or set admin.group"]
            )
        case .foreign:
            logger.warning(
                "the daemon is not in the admin socket's group, its user alone may use it",
                metadata: [
                    "group": "\(settings.group)", LogKey.fix: "add the daemon's user to the group, or set admin.group",
                ]
            )
        }
        let place = HTTPListener.Place.file(path: settings.socket, mode: settings.mode, group: owner.id)
        return try await listen(at: place, .admin(settings), answer: answer)
    }

    private func listen(
        _ address: ListenAddress,
        _ lookUp: CancellableLookup = CancellableLookup(),
        answer: @escaping HTTPConnection.Answer
    ) async throws(RstreamError) -> HTTPListener {
        let place: HTTPListener.Place =
            switch address {
            case .tcp(let host, let port): .tcp(host: host, port: port)
            case .unix(let path): .file(path: path, mode: SocketRights().mode, group: nil)
            }
        return try await listen(at: place, .metrics(address), lookUp, answer: answer)
    }

    private func listen(
        at place: HTTPListener.Place,
        _ wish: Wish,
        _ lookUp: CancellableLookup = CancellableLookup(),
        answer: @escaping HTTPConnection.Answer
    ) async throws(RstreamError) -> HTTPListener {
        do {
            return try await listen(at: place, lookUp, answer: answer)
        } catch {
            throw wish.unavailable(error)
        }
    }

    private func listen(
        at place: HTTPListener.Place,
        _ lookUp: CancellableLookup = CancellableLookup(),
        answer: @escaping HTTPConnection.Answer
    ) async throws -> HTTPListener {
        try await HTTPListener.listen(
            at: place,
            on: group,
            most: state.withLock(\.clients),
            lookUp: lookUp,
            patience: patience,
            events: statusStore.events,
            answer: answer
        )
    }

    /// A place that a setting asks for.
    private struct Wish {
        let address: ListenAddress
        /// The address as the setting has it.
        let name: String
        let setting: String

        static func admin(_ settings: AdminSettings) -> Self {
            Self(address: .unix(path: settings.socket), name: settings.socket, setting: "admin.socket")
        }

        static func metrics(_ address: ListenAddress) -> Self {
            Self(address: address, name: address.description, setting: "metrics.listen")
        }

        func explaining(_ body: () async throws(SocketFile.Failure) -> Void) async throws(RstreamError) {
            do throws(SocketFile.Failure) {
                try await body()
            } catch {
                throw unavailable(error)
            }
        }

        func unavailable(_ error: any Error) -> RstreamError {
            .listening(on: address, called: name, failed: error, for: setting)
        }
    }
}

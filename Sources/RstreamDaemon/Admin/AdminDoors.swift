internal import Glibc
internal import Logging
internal import NIOCore
internal import RstreamConfig
internal import RstreamModel
internal import RstreamSocket
internal import Synchronization

/// Where the daemon can be asked: the admin socket, and a port for metrics if one is configured. A reload that wants
/// them elsewhere opens the new ones before it closes the old ones, so nothing is lost when one cannot be had.
///
/// Guarded by a mutex; ``open(_:)`` has one caller at a time.
final class AdminDoors: Sendable {
    private struct State {
        var router: AdminRouter?
        /// The admin socket is systemd's, so the configuration has no say in it.
        var isInherited = false
        /// Keeps the inherited socket from being an upstream.
        var inherited: ReservedSockets.Reservation?
        var open = Open()
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
            return metrics.listener.localAddress?.port == port
        }
    }

    /// What takes the place of what is open; nil where that stays.
    private struct Successors {
        var admin: HTTPListener?
        var metrics: HTTPListener?
        /// The folder of the admin socket, where it had to be made.
        var folder: String?

        /// Leaves nothing behind.
        func discard() async {
            await admin?.discard()
            await metrics?.discard()
            if let folder { rmdir(folder) }
        }
    }

    private let board: StatusBoard
    private let reserved: ReservedSockets
    private let group: any EventLoopGroup
    /// Clients at once, of each listener.
    private let clients: Int
    private let logger: Logger
    private let state = Mutex(State())
    private let opened: AsyncStream<HTTPListener>
    private let send: AsyncStream<HTTPListener>.Continuation

    /// The admin socket is one of `reserved` as long as it is there.
    init(
        board: StatusBoard,
        reserved: ReservedSockets,
        group: any EventLoopGroup,
        clients: Int = HTTPListener.mostClients,
        logger: Logger
    ) {
        self.clients = clients
        self.board = board
        self.reserved = reserved
        self.group = group
        self.logger = logger
        (opened, send) = AsyncStream.makeStream()
    }

    /// Has to be told once, before anything is opened.
    func answer(with router: AdminRouter) {
        state.withLock { $0.router = router }
    }

    /// Takes connections on a socket that systemd listens on, which outlives the daemon and is never removed here.
    func open(inherited socket: CInt) async throws(RstreamError) {
        guard let router = state.withLock({ $0.router }) else { return }
        let answer: HTTPConnection.Answer = { await router.answer($0) }
        let listener = try await listen(at: .inherited(socket), "the socket that systemd opened", answer: answer)
        let reservation = reserved.reserve(bound: socket)
        state.withLock { state in
            state.isInherited = true
            state.inherited = reservation
        }
        send.yield(listener)
        logger.info("admin socket open", metadata: [LogKey.address: "\(listener.localAddress?.pathname ?? "")"])
    }

    /// Opens what `configuration` wants and is not open yet, and closes what it does not want any more. When something
    /// cannot be had, everything stays as it is.
    func open(_ configuration: DaemonConfiguration) async throws(RstreamError) {
        let before = state.withLock { $0.open }
        let gives = before.sharesPort(with: configuration.metrics)
        if gives { await before.metrics?.listener.close() }
        let successors: Successors
        let reservation: ReservedSockets.Reservation?
        do throws(RstreamError) {
            successors = try await bind(configuration, beside: before)
            // Before it can be found.
            reservation = successors.admin?.file.map { reserved.reserve($0) }
            do throws(RstreamError) {
                try publish(successors, instead: before, configuration)
            } catch {
                await successors.discard()
                throw error
            }
        } catch {
            if gives, let address = before.metrics?.address { await reopen(address) }
            throw error
        }
        if let listener = successors.admin {
            before.admin?.listener.retire()
            state.withLock { $0.open.admin = (configuration.admin, listener, reservation) }
            send.yield(listener)
            logger.info("admin socket open", metadata: [LogKey.address: "\(configuration.admin.socket)"])
        }
        guard before.metrics?.address != configuration.metrics else { return }
        await before.metrics?.listener.close()
        serve(successors.metrics, at: configuration.metrics)
    }

    /// Throws what ``open(_:)`` would throw, and leaves everything as it is.
    func check(_ configuration: DaemonConfiguration) async throws(RstreamError) {
        let before = state.withLock { $0.open }
        var wanted = configuration
        // Cannot be tried while it is taken by this process itself.
        if before.sharesPort(with: wanted.metrics) { wanted.metrics = before.metrics?.address }
        let successors = try await bind(wanted, beside: before)
        let result = Result<Void, RstreamError> { () throws(RstreamError) in
            try check(successors, instead: before, wanted)
        }
        await successors.discard()
        try result.get()
    }

    /// Binds what is not open yet. Nobody can find it so far, unless it is a port.
    private func bind(
        _ configuration: DaemonConfiguration,
        beside before: Open
    ) async throws(RstreamError) -> Successors {
        var successors = Successors()
        let (router, isInherited) = state.withLock { ($0.router, $0.isInherited) }
        guard let router else { return successors }
        do throws(RstreamError) {
            if !isInherited, before.admin?.settings != configuration.admin {
                successors.folder = Self.makeFolder(of: configuration.admin.socket)
                successors.admin = try await listen(configuration.admin) { await router.answer($0) }
            }
            if before.metrics?.address != configuration.metrics, let address = configuration.metrics {
                successors.metrics = try await listen(address) { await router.answerMetrics($0) }
            }
            return successors
        } catch {
            await successors.discard()
            throw error
        }
    }

    /// systemd makes the directory of a service; started by hand, the daemon has to. The folder, if it was not there.
    private static func makeFolder(of socket: String) -> String? {
        guard let slash = socket.lastIndex(of: "/") else { return nil }
        let folder = String(socket[..<slash])
        return mkdir(folder, 0o755) == 0 ? folder : nil
    }

    /// The admin socket comes last: it is what may take the place of another one, and that cannot be undone.
    private func publish(
        _ successors: Successors,
        instead before: Open,
        _ configuration: DaemonConfiguration
    ) throws(RstreamError) {
        try Self.explaining(configuration.metrics?.description ?? "", "metrics.listen") {
            () throws(SocketFile.Failure) in
            try successors.metrics?.publish()
        }
        try Self.explaining(configuration.admin.socket, "admin.socket") { () throws(SocketFile.Failure) in
            try successors.admin?.publish(replacing: before.admin?.listener)
        }
    }

    private func check(
        _ successors: Successors,
        instead before: Open,
        _ configuration: DaemonConfiguration
    ) throws(RstreamError) {
        try Self.explaining(configuration.metrics?.description ?? "", "metrics.listen") {
            () throws(SocketFile.Failure) in
            try successors.metrics?.checkName()
        }
        try Self.explaining(configuration.admin.socket, "admin.socket") { () throws(SocketFile.Failure) in
            try successors.admin?.checkName(replacing: before.admin?.listener)
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
        send.yield(metrics)
        let local = metrics.localAddress
        let shown = local.flatMap { address in address.port.map { "\(address.ipAddress ?? ""):\($0)" } }
        logger.info("metrics port open", metadata: [LogKey.address: "\(shown ?? address.description)"])
    }

    /// Serves whatever is open, until ``stop()``.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await listener in opened {
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

    /// How long readers of events may take to read the last ones.
    private static let patience = Duration.milliseconds(250)

    /// Ends ``run()``, which has to be waited for, also when it begins only now. Readers of events get to read the last
    /// ones, if they do it at once.
    func stop() async {
        board.events.close()
        await withTaskGroup { group in
            group.addTask { await self.board.events.waitUntilUnread() }
            group.addTask { try? await pause(for: Self.patience) }
            await group.next()
            group.cancelAll()
        }
        let served = state.withLock { state in
            state.isStopped = true
            return Array(state.served.values)
        }
        send.finish()
        for listener in served { await listener.stop() }
    }

    // MARK: Listening

    private func listen(
        _ settings: AdminSettings,
        answer: @escaping HTTPConnection.Answer
    ) async throws(RstreamError) -> HTTPListener {
        let owner = Self.group(settings.group)
        if owner == nil {
            logger.warning(
                "the admin socket's group does not exist, its user alone may use it",
                metadata: ["group": "\(settings.group)", LogKey.fix: "make the group, or set admin.group"]
            )
        }
        // A file's owner may give it to a group that the owner is in, and nobody else may.
        let isMember = owner.map { geteuid() == 0 || $0 == getegid() || Self.isIn($0) } ?? false
        let place = HTTPListener.Place.file(path: settings.socket, mode: settings.mode, group: isMember ? owner : nil)
        return try await listen(at: place, settings.socket, "admin.socket", answer: answer)
    }

    private func listen(
        _ address: ListenAddress,
        answer: @escaping HTTPConnection.Answer
    ) async throws(RstreamError) -> HTTPListener {
        let place: HTTPListener.Place =
            switch address {
            case .tcp(let host, let port): .tcp(host: host, port: port)
            case .unix(let path): .file(path: path, mode: 0o660, group: nil)
            }
        return try await listen(at: place, address.description, "metrics.listen", answer: answer)
    }

    private func listen(
        at place: HTTPListener.Place,
        _ address: String,
        _ key: String? = nil,
        answer: @escaping HTTPConnection.Answer
    ) async throws(RstreamError) -> HTTPListener {
        do {
            return try await HTTPListener.listen(
                at: place,
                on: group,
                most: clients,
                events: board.events,
                answer: answer
            )
        } catch {
            throw Self.unavailable(address, key, error)
        }
    }

    private static func explaining(
        _ address: String,
        _ key: String,
        _ body: () throws(SocketFile.Failure) -> Void
    ) throws(RstreamError) {
        do throws(SocketFile.Failure) {
            try body()
        } catch {
            throw unavailable(address, key, error)
        }
    }

    private static func unavailable(_ address: String, _ key: String?, _ error: any Error) -> RstreamError {
        RstreamError(
            code: .listenerUnavailable,
            origin: .host,
            retry: .afterReload,
            what: "cannot listen on \(address): \(reason(error))",
            fix: key.map { "free the address, or change \($0)" }
        )
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case SocketFile.Failure.inUse: "somebody else listens there"
        case SocketFile.Failure.otherFile: "what is there is not a socket"
        case SocketFile.Failure.errno(let code): String(cString: strerror(code))
        case let error as IOError where error.errnoCode == EADDRINUSE: "somebody else listens there"
        case let error as IOError: String(cString: strerror(error.errnoCode))
        default: "\(error)"
        }
    }

    private static func group(_ name: String) -> gid_t? {
        var entry = Glibc.group()
        var found: UnsafeMutablePointer<Glibc.group>?
        var buffer = [CChar](repeating: 0, count: 65_536)
        guard getgrnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil else { return nil }
        return entry.gr_gid
    }

    private static func isIn(_ group: gid_t) -> Bool {
        var groups = [gid_t](repeating: 0, count: 65_536)
        let count = getgroups(CInt(groups.count), &groups)
        return count > 0 && groups[..<Int(count)].contains(group)
    }
}

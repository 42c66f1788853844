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
        var admin: (settings: AdminSettings, listener: HTTPListener)?
        var metrics: (address: ListenAddress, listener: HTTPListener)?
    }

    private let board: StatusBoard
    private let group: any EventLoopGroup
    private let logger: Logger
    private let state = Mutex(State())
    private let opened: AsyncStream<HTTPListener>
    private let send: AsyncStream<HTTPListener>.Continuation

    init(board: StatusBoard, group: any EventLoopGroup, logger: Logger) {
        self.board = board
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
        state.withLock { $0.isInherited = true }
        send.yield(listener)
        logger.info("admin socket open", metadata: [LogKey.address: "\(listener.localAddress?.pathname ?? "")"])
    }

    /// Opens what `configuration` wants and is not open yet, and closes what it does not want any more. When something
    /// cannot be had, everything stays as it is.
    func open(_ configuration: DaemonConfiguration) async throws(RstreamError) {
        guard let router = state.withLock({ $0.router }) else { return }
        let (admin, metrics, isInherited) = state.withLock { ($0.admin, $0.metrics, $0.isInherited) }
        var newAdmin: HTTPListener?
        var newMetrics: HTTPListener?
        if !isInherited, admin?.settings != configuration.admin {
            newAdmin = try await listen(configuration.admin) { await router.answer($0) }
        }
        if metrics?.address != configuration.metrics, let address = configuration.metrics {
            do throws(RstreamError) {
                newMetrics = try await listen(address) { await router.answerMetrics($0) }
            } catch {
                newAdmin?.discard()
                throw error
            }
        }
        if let newAdmin {
            admin?.listener.close()
            state.withLock { $0.admin = (configuration.admin, newAdmin) }
            send.yield(newAdmin)
            logger.info("admin socket open", metadata: [LogKey.address: "\(configuration.admin.socket)"])
        }
        guard metrics?.address != configuration.metrics else { return }
        metrics?.listener.close()
        state.withLock { state in
            state.metrics = configuration.metrics.flatMap { address in newMetrics.map { (address, $0) } }
        }
        guard let newMetrics else { return }
        send.yield(newMetrics)
        let local = newMetrics.localAddress
        let shown = local.flatMap { address in address.port.map { "\(address.ipAddress ?? ""):\($0)" } }
        logger.info(
            "metrics port open",
            metadata: [LogKey.address: "\(shown ?? configuration.metrics.map(\.description) ?? "")"]
        )
    }

    /// Serves whatever is open until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await listener in opened {
                group.addTask { await listener.run() }
            }
            group.cancelAll()
        }
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
        // systemd makes the directory of a service; started by hand, the daemon has to.
        if let slash = settings.socket.lastIndex(of: "/") { mkdir(String(settings.socket[..<slash]), 0o755) }
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
            return try await HTTPListener.listen(at: place, on: group, events: board.events, answer: answer)
        } catch {
            throw RstreamError(
                code: .listenerUnavailable,
                origin: .host,
                retry: .afterReload,
                what: "cannot listen on \(address): \(Self.reason(error))",
                fix: key.map { "free the address, or change \($0)" }
            )
        }
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

internal import Linux
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Rstream
internal import RstreamConfig
internal import RstreamModel
internal import RstreamSocket
internal import Synchronization

/// Takes connections of HTTP/1.1 clients on a Unix socket or a TCP port, so many at a time and no more, and has their
/// requests answered.
///
/// Built on NIOHTTP1 and not on Hummingbird, whose server binds addresses itself: it takes neither a descriptor that
/// systemd hands over nor one whose file is prepared before anybody can see it, and shows no peer credentials.
///
/// What it listens with is set once by whoever makes it; who is connected is guarded by a mutex.
final class HTTPListener: Sendable {
    private struct State {
        var clients: [ObjectIdentifier: any Channel] = [:]
        var places: ClientSlots
        /// Sockets that are served: clients may have been accepted there that are not among the clients yet.
        var accepting = 0
        /// Whoever is still taken up has come too late.
        var isStopped = false
        /// Waits for the last client to go.
        var waiter: CheckedContinuation<Void, Never>?

        var isDeserted: Bool { clients.isEmpty && accepting == 0 }
    }

    /// Clients at once where there are descriptors for them.
    static let mostClients = 64

    private typealias Server = NIOAsyncChannel<any Channel, Never>

    /// One for each address of a name.
    private let servers: [Server]
    let file: SocketFile?
    /// The socket is systemd's too, and goes on without this process.
    private let isShared: Bool
    /// The configured name of a port.
    private let name: String?
    private let farewell: Duration
    private let events: EventRing
    private let answer: HTTPConnection.Answer
    private let state: Mutex<State>

    private init(
        servers: [Server],
        file: SocketFile?,
        isShared: Bool,
        name: String?,
        most: Int,
        farewell: Duration,
        events: EventRing,
        answer: @escaping HTTPConnection.Answer
    ) {
        self.servers = servers
        self.file = file
        self.isShared = isShared
        self.name = name
        self.farewell = farewell
        state = Mutex(State(places: ClientSlots(most: most, keepsSome: name == nil)))
        self.events = events
        self.answer = answer
    }

    /// What a listener is to listen with.
    enum Place: Sendable {
        /// A socket in the file system, made with these rights.
        case file(path: String, mode: UInt32, group: UInt32?)
        /// A socket that somebody else has bound.
        case inherited(CInt)
        case tcp(host: String, port: Int)
    }

    /// Listens; nothing is answered before ``run()``, and a socket in the file system has no name before ``publish(replacing:)``.
    /// Whoever does not run it has to ``discard()`` it. The name of an address may take as long as `namePatience`.
    static func listen(
        at place: Place,
        on group: any EventLoopGroup,
        most: Int = mostClients,
        lookUp: CancellableLookup = CancellableLookup(),
        namePatience: Duration = .seconds(5),
        patience: RequestBoundsHandler.Patience = .init(),
        events: EventRing,
        answer: @escaping HTTPConnection.Answer
    ) async throws -> HTTPListener {
        var (file, isShared, name): (SocketFile?, Bool, String?) = (nil, false, nil)
        let servers: [Server]
        switch place {
        case .file(let path, let mode, let owner):
            let bound = try await BlockingThreads.sockets.tryRun { () throws(SocketFile.Failure) in
                try SocketFile.bind(path: path, mode: mode, group: owner)
            }
            do {
                servers = [
                    try await bootstrap(on: group).bind(bound.socket, cleanupExistingSocketFile: false) { channel in
                        configure(channel, patience)
                    }
                ]
            } catch {
                await BlockingThreads.sockets.run { bound.file.remove() }
                throw error
            }
            file = bound.file
        case .inherited(let socket):
            servers = [try await bootstrap(on: group).bind(socket) { configure($0, patience) }]
            isShared = true
        case .tcp(let host, let port):
            name = host
            // Found out first, on a thread that may wait for it.
            let addresses = try await lookUp.addresses(of: host, within: namePatience, on: group.next())
            servers = try await ListeningSocket.bind(to: addresses, port: port) { address in
                try await bootstrap(on: group).serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                    .bind(to: address) { configure($0, patience) }
            } portOf: {
                $0.channel.localAddress?.port
            } discard: {
                await discard($0)
            }
        }
        return HTTPListener(
            servers: servers,
            file: file,
            isShared: isShared,
            name: name,
            most: most,
            farewell: patience.farewell,
            events: events,
            answer: answer
        )
    }

    private static func bootstrap(on group: any EventLoopGroup) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 128)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    // Connections wait in the kernel while the process has no descriptor left.
                    let backoff = AcceptBackoffHandler(shouldForwardIOErrorCaught: false) { _ in .milliseconds(100) }
                    try channel.pipeline.syncOperations.addHandler(backoff)
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            // Nothing is read before somebody takes the connection up.
            .childChannelOption(.autoRead, value: false)
    }

    /// What is accepted stays a plain channel until it is taken up: one that comes while the listener closes is dropped,
    /// and then its own bounds close it, while an asynchronous one would end the process for having no owner.
    static func configure(
        _ channel: any Channel,
        _ patience: RequestBoundsHandler.Patience
    ) -> EventLoopFuture<any Channel> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            // Who asked for the connection to be closed gets the whole answer first.
            try pipeline.addHandler(OrderlyCloseHandler())
            // Errors of the parser are answered here, as problem documents.
            var limits = NIOHTTPDecoderLimitConfiguration()
            limits.maxHeaderListSize = HTTPConnection.longestRequest
            limits.maxHeaderFieldSize = HTTPConnection.longestRequest
            try pipeline.configureHTTPServerPipeline(
                withErrorHandling: false,
                withEncoderConfiguration: .init(),
                withDecoderLimitConfiguration: limits
            )
            try pipeline.addHandler(RequestBoundsHandler(patience))
            return channel
        }
    }

    static func takeUp(_ channel: any Channel) async throws -> HTTPConnection.Channel {
        let wrapped = try await channel.eventLoop.submit {
            try HTTPConnection.Channel(
                wrappingChannelSynchronously: channel,
                configuration: .init(isOutboundHalfClosureEnabled: false)
            )
        }.get()
        channel.setOption(.autoRead, value: true).whenFailure { _ in channel.close(promise: nil) }
        return wrapped
    }

    /// Lets a socket in the file system be found; `predecessor`'s is replaced if it has the same name.
    func publish(replacing predecessor: HTTPListener? = nil) async throws(SocketFile.Failure) {
        try await BlockingThreads.sockets.tryRun { [file] () throws(SocketFile.Failure) in
            try file?.publish(replacing: predecessor?.file)
        }
    }

    /// Throws what ``publish(replacing:)`` would throw.
    func checkName(replacing predecessor: HTTPListener? = nil) async throws(SocketFile.Failure) {
        try await BlockingThreads.sockets.tryRun { [file] () throws(SocketFile.Failure) in
            try file?.checkName(replacing: predecessor?.file)
        }
    }

    /// Whether somebody has removed the file, so that nobody can find it any more.
    func isGone() async -> Bool {
        guard let file else { return false }
        return await BlockingThreads.sockets.run { !file.isThere }
    }

    private func removeFile() async {
        guard let file else { return }
        await BlockingThreads.sockets.run { file.remove() }
    }

    /// As many clients may be there at once from now on; those that are there stay.
    func limit(clients: Int) { state.withLock { $0.places.limit(to: clients) } }

    /// Where it listens in fact; several addresses of a name have one port.
    var localAddresses: [SocketAddress] { servers.compactMap(\.channel.localAddress) }

    /// Serves until ``close()``, and then until the last client has gone; no longer than ``stop()`` waits.
    ///
    /// It ends by one of these and not by cancelling its task: a connection that was accepted and not yet taken up would
    /// have no owner then.
    func run() async {
        state.withLock { $0.accepting = servers.count }
        await withDiscardingTaskGroup { group in
            for server in servers { group.addTask { await self.serve(server) } }
        }
        await removeFile()
    }

    private func serve(_ server: Server) async {
        // A listening socket that breaks has nobody to be told to but the daemon, which sees this return.
        try? await server.executeThenClose { connections in
            try await withThrowingDiscardingTaskGroup { group in
                defer {
                    change { $0.accepting -= 1 }
                    // One without the others would be half of what was wanted.
                    for other in servers.map(\.channel) where other !== server.channel {
                        other.eventLoop.execute { ListeningSocket.closeNow(other) }
                    }
                }
                for try await connection in connections {
                    state.withLock { $0.clients[ObjectIdentifier(connection)] = connection }
                    group.addTask { await self.serve(connection) }
                }
            }
        }
    }

    /// Takes no more connections, and returns when a successor can have the place.
    func close() async {
        await removeFile()
        for channel in servers.map(\.channel) {
            if isShared {
                try? await channel.close()
            } else {
                await ListeningSocket.close(channel)
            }
        }
    }

    /// How long whoever connected to the file at the last moment has to be taken up.
    private static let grace = TimeAmount.seconds(1)

    /// Gives the file's name up and closes a little later: closing drops connections that wait in the kernel.
    func retire() async {
        await removeFile()
        for channel in servers.map(\.channel) {
            channel.eventLoop.scheduleTask(in: Self.grace) { channel.close(promise: nil) }
        }
    }

    /// Takes no more connections, answers those who have asked by then, and drops who is left.
    func stop() async {
        await close()
        await withTaskGroup { group in
            group.addTask { await self.waitUntilDeserted() }
            group.addTask { try? await pause(for: self.farewell) }
            await group.next()
            group.cancelAll()
        }
        let clients = state.withLock { state in
            state.isStopped = true
            return Array(state.clients.values)
        }
        for client in clients { client.abort() }
    }

    /// Returns when no client is left, or when the task is cancelled. One at a time may wait.
    private func waitUntilDeserted() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    // Cancelled before it waits: the handler below found nobody.
                    if state.isDeserted || Task.isCancelled { return true }
                    state.waiter = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiter.take() }?.resume()
        }
    }

    private func change(_ body: (inout State) -> Void) {
        state.withLock { state in
            body(&state)
            return state.isDeserted ? state.waiter.take() : nil
        }?.resume()
    }

    /// Gives up what nobody has served yet.
    func discard() async {
        await removeFile()
        for server in servers { await Self.discard(server) }
    }

    private static func discard(_ server: Server) async {
        try? await server.executeThenClose { _ in }
    }

    private func serve(_ client: any Channel) async {
        defer { change { $0.clients[ObjectIdentifier(client)] = nil } }
        guard !state.withLock({ $0.isStopped }) else { return client.abort() }
        let peer = await Peer.ofUnixSocket(client) ?? .unknown
        let isTrusted = peer.isTrusted
        guard state.withLock({ $0.places.come(isTrusted: isTrusted) }) else {
            return await RequestBoundsHandler.refuse(client)
        }
        defer { state.withLock { $0.places.leave() } }
        // A client that breaks off is none of our troubles.
        guard let channel = try? await Self.takeUp(client) else { return client.abort() }
        let readers = EventSlots {
            self.state.withLock { $0.places.read(isTrusted: isTrusted) }
        } giveBack: {
            self.state.withLock { $0.places.stopReading() }
        }
        let connection = HTTPConnection(
            channel: channel,
            peer: peer,
            door: door(of: client),
            events: events,
            readers: readers,
            answer: answer
        )
        try? await connection.run()
    }

    /// A port that listens on every address is judged by the one that a client has come to.
    private func door(of client: any Channel) -> RequestPolicy.Endpoint {
        guard let name else { return .file }
        let address = (client.localAddress?.ipAddress).flatMap { IPAddress($0) }
        guard address?.unmapped.kind == .loopback else { return .network }
        return .loopback(names: [name, SystemName.host].compactMap { $0 })
    }
}

internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
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
/// What it listens with is set once by whoever makes it; how many are connected is an atomic.
final class HTTPListener: Sendable {
    /// Clients at once.
    static let mostClients = 64

    private let server: NIOAsyncChannel<HTTPConnection.Channel, Never>
    private let file: SocketFile?
    private let events: EventRing
    private let answer: HTTPConnection.Answer
    private let clients = Atomic<Int>(0)

    private init(
        server: NIOAsyncChannel<HTTPConnection.Channel, Never>,
        file: SocketFile?,
        events: EventRing,
        answer: @escaping HTTPConnection.Answer
    ) {
        self.server = server
        self.file = file
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

    /// Listens; nothing is answered before ``run()``.
    static func listen(
        at place: Place,
        on group: any EventLoopGroup,
        patience: RequestBoundsHandler.Patience = .init(),
        events: EventRing,
        answer: @escaping HTTPConnection.Answer
    ) async throws -> HTTPListener {
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 128)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    // Connections wait in the kernel while the process has no descriptor left.
                    let backoff = AcceptBackoffHandler(shouldForwardIOErrorCaught: false) { _ in .milliseconds(100) }
                    try channel.pipeline.syncOperations.addHandler(backoff)
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
        var file: SocketFile?
        let server: NIOAsyncChannel<HTTPConnection.Channel, Never>
        switch place {
        case .file(let path, let mode, let owner):
            let bound = try SocketFile.bind(path: path, mode: mode, group: owner)
            do {
                server = try await bootstrap.bind(bound.socket, cleanupExistingSocketFile: false) { channel in
                    configure(channel, patience)
                }
                try bound.file.publish()
            } catch {
                bound.file.remove()
                throw error
            }
            file = bound.file
        case .inherited(let socket):
            server = try await bootstrap.bind(socket) { configure($0, patience) }
        case .tcp(let host, let port):
            server = try await bootstrap.serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: host, port: port) { configure($0, patience) }
        }
        return HTTPListener(server: server, file: file, events: events, answer: answer)
    }

    private static func configure(
        _ channel: any Channel,
        _ patience: RequestBoundsHandler.Patience
    ) -> EventLoopFuture<HTTPConnection.Channel> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            // Errors of the parser are answered here, as problem documents.
            try pipeline.configureHTTPServerPipeline(withErrorHandling: false)
            try pipeline.addHandler(RequestBoundsHandler(patience))
            return try HTTPConnection.Channel(
                wrappingChannelSynchronously: channel,
                configuration: .init(isOutboundHalfClosureEnabled: false)
            )
        }
    }

    /// Where it listens in fact.
    var localAddress: SocketAddress? { server.channel.localAddress }

    /// Serves until ``close()``, and then until the last client has been answered; events end with the task.
    func run() async {
        defer { file?.remove() }
        // A listening socket that breaks has nobody to be told to but the daemon, which sees this return.
        try? await server.executeThenClose { connections in
            try await withThrowingDiscardingTaskGroup { group in
                for try await connection in connections {
                    group.addTask { await self.serve(connection) }
                }
            }
        }
    }

    /// Takes no more connections, and makes place for a successor.
    func close() {
        file?.remove()
        server.channel.close(promise: nil)
    }

    /// Gives up what nobody has served yet.
    func discard() {
        close()
    }

    private func serve(_ channel: HTTPConnection.Channel) async {
        let place = clients.wrappingAdd(1, ordering: .relaxed).newValue
        defer { clients.wrappingSubtract(1, ordering: .relaxed) }
        // A client that breaks off is none of our troubles.
        guard place <= Self.mostClients else {
            try? await HTTPConnection.refuse(channel)
            return
        }
        let peer = await Peer.ofUnixSocket(channel.channel) ?? .unknown
        try? await HTTPConnection(channel: channel, peer: peer, events: events, answer: answer).run()
    }
}

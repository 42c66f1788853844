import NIOCore
import NIOPosix

/// A listening socket of the engine.
enum Listener {
    /// Which door a connection came through.
    enum Entrance {
        /// Agents, dialers, API callers and visitors, told apart by what they say first.
        case main
        /// Agents that were redirected; they may only bring the connection of an inbound stream.
        case redirect
        /// Visitors of one tcp tunnel.
        case tunnel(AgentTunnel)
    }

    /// Where ports are taken from when none is asked for: below those that Linux gives to outgoing connections unless
    /// told otherwise. A port that is let go and asked for again, by an agent that comes back or an engine that is
    /// started again, is not taken by a passer-by meanwhile.
    private static let ports = 10_000..<32_768
    /// Ports that are tried before the kernel is asked for any.
    private static let attempts = 20

    /// Listens; the result is the socket with its real port. Port 0 takes a free one.
    static func bind(
        engine: Engine,
        host: String,
        port: Int,
        entrance: Entrance
    ) -> EventLoopFuture<any Channel> {
        guard port == 0 else { return listen(engine, host, port, entrance) }
        return listen(engine, host, attempt: 0, entrance)
    }

    private static func listen(
        _ engine: Engine,
        _ host: String,
        attempt: Int,
        _ entrance: Entrance
    ) -> EventLoopFuture<any Channel> {
        guard attempt < attempts else { return listen(engine, host, 0, entrance) }
        let next = NIOLoopBound((engine: engine, entrance: entrance), eventLoop: engine.loop)
        return listen(engine, host, .random(in: ports), entrance).flatMapError { _ in
            listen(next.value.engine, host, attempt: attempt + 1, next.value.entrance)
        }
    }

    private static func listen(
        _ engine: Engine,
        _ host: String,
        _ port: Int,
        _ entrance: Entrance
    ) -> EventLoopFuture<any Channel> {
        let bound = NIOLoopBound((engine: engine, entrance: entrance), eventLoop: engine.loop)
        return ServerBootstrap(group: engine.loop)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try prepare(channel, engine: bound.value.engine, entrance: bound.value.entrance)
                }
            }
            .bind(host: host, port: port)
    }

    private static func prepare(_ channel: any Channel, engine: Engine, entrance: Entrance) throws {
        let socket: SocketHandler
        let connection: Connection
        switch entrance {
        case .tunnel(let tunnel):
            socket = SocketHandler(decide: nil)
            connection = Connection(engine: engine, channel: channel, socket: socket) { connection in
                Arrival.visitor(connection, of: tunnel)
            }
        case .main, .redirect:
            let arrival = Arrival(isRedirect: entrance.isRedirect)
            socket = SocketHandler { verdict, bytes in arrival.decide(verdict, bytes) }
            connection = Connection(engine: engine, channel: channel, socket: socket) { connection in
                arrival.opened(connection)
            }
        }
        try channel.pipeline.syncOperations.addHandlers([socket, connection])
    }
}

extension Listener.Entrance {
    fileprivate var isRedirect: Bool {
        switch self {
        case .redirect: true
        case .main, .tunnel: false
        }
    }
}

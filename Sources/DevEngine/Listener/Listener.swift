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
        case tunnel(Tunnel)
    }

    /// Listens; the result is the socket with its real port.
    static func bind(
        engine: Engine,
        host: String,
        port: Int,
        entrance: Entrance
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

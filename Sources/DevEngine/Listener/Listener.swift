// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOPosix

/// A listening socket of the engine.
enum Listener {
    /// What a listener's connections are for.
    enum Kind {
        /// Agents, dialers, API callers and visitors, told apart by their first bytes.
        case main
        /// Redirected agents, which may only open the connection of an inbound stream.
        case redirect
        /// Visitors of one tcp tunnel.
        case tunnel(AgentTunnel)
    }

    /// Where ports are chosen from: below the default range of Linux for outgoing connections, so that an outgoing
    /// connection does not take a port that a returning agent or a restarted engine binds again.
    private static let ports = 10_000..<32_768
    /// Ports that are tried before the kernel chooses one.
    private static let attempts = 20

    /// Listens, and returns the socket with its port. Port 0 takes a free one.
    static func bind(
        engine: Engine,
        host: String,
        port: Int,
        kind: Kind
    ) -> EventLoopFuture<any Channel> {
        guard port == 0 else { return listen(engine, host, port, kind) }
        return listen(engine, host, attempt: 0, kind)
    }

    private static func listen(
        _ engine: Engine,
        _ host: String,
        attempt: Int,
        _ kind: Kind
    ) -> EventLoopFuture<any Channel> {
        guard attempt < attempts else { return listen(engine, host, 0, kind) }
        let next = NIOLoopBound((engine: engine, kind: kind), eventLoop: engine.loop)
        return listen(engine, host, .random(in: ports), kind).flatMapError { _ in
            listen(next.value.engine, host, attempt: attempt + 1, next.value.kind)
        }
    }

    private static func listen(
        _ engine: Engine,
        _ host: String,
        _ port: Int,
        _ kind: Kind
    ) -> EventLoopFuture<any Channel> {
        let bound = NIOLoopBound((engine: engine, kind: kind), eventLoop: engine.loop)
        return ServerBootstrap(group: engine.loop)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try prepare(channel, engine: bound.value.engine, kind: bound.value.kind)
                }
            }
            .bind(host: host, port: port)
    }

    private static func prepare(_ channel: any Channel, engine: Engine, kind: Kind) throws {
        let socket: SocketHandler
        let connection: Connection
        switch kind {
        case .tunnel(let tunnel):
            socket = SocketHandler(decide: nil)
            connection = Connection(engine: engine, channel: channel, socket: socket) { connection in
                ConnectionRouter.visitor(connection, of: tunnel)
            }
        case .main, .redirect:
            let router = ConnectionRouter(isRedirect: kind.isRedirect)
            socket = SocketHandler { verdict, bytes in router.decide(verdict, bytes) }
            connection = Connection(engine: engine, channel: channel, socket: socket) { connection in
                router.opened(connection)
            }
        }
        try channel.pipeline.syncOperations.addHandlers([socket, connection])
    }
}

extension Listener.Kind {
    fileprivate var isRedirect: Bool {
        switch self {
        case .redirect: true
        case .main, .tunnel: false
        }
    }
}

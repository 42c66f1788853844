// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOPosix
import RstreamTestSupport

/// A local service of the tests: listens on a free port, or on a Unix socket, for as long as a body runs.
struct Upstream {
    let channel: any Channel
    var port: Int { channel.localAddress?.port ?? 0 }
    /// The value of a tunnel's `forward`.
    let forward: String

    /// Serves exchanges.
    static func exchanging<Result>(
        unixSocket: String? = nil,
        _ body: (Upstream) async throws -> Result
    ) async throws -> Result {
        try await serving(unixSocket: unixSocket) {
            [ExchangeUpstream()]
        } during: {
            try await body($0)
        }
    }

    /// Serves with the handlers that are made for every connection.
    static func serving<Result>(
        unixSocket: String? = nil,
        _ makeHandlers: @escaping @Sendable () -> [any ChannelHandler],
        during body: (Upstream) async throws -> Result
    ) async throws -> Result {
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 1_024)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers(makeHandlers())
                }
            }
        let upstream: Upstream
        if let unixSocket {
            let channel = try await bootstrap.bind(unixDomainSocketPath: unixSocket).get()
            upstream = Upstream(channel: channel, forward: "unix:\(unixSocket)")
        } else {
            let channel = try await bootstrap.childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .bind(host: "127.0.0.1", port: 0).get()
            upstream = Upstream(channel: channel, forward: "127.0.0.1:\(channel.localAddress?.port ?? 0)")
        }
        do {
            let result = try await body(upstream)
            try? await upstream.channel.close()
            return result
        } catch {
            try? await upstream.channel.close()
            throw error
        }
    }
}

/// Visitors of a `tcp` tunnel.
enum Visitor {
    /// Carries out one exchange, or throws what went wrong with it.
    static func exchange(
        _ plan: Exchange,
        port: Int,
        within timeout: TimeAmount = .seconds(60),
        mayEnd: EventLoopFuture<Void>? = nil,
        pause: TimeAmount? = nil,
        downloaded: @escaping @Sendable () -> Void = {}
    ) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let done = loop.makePromise(of: Void.self)
        var bootstrap = ClientBootstrap(group: loop)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = ExchangeVisitor(
                        plan,
                        done: done,
                        mayEnd: mayEnd,
                        pause: pause,
                        downloaded: downloaded
                    )
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        if pause != nil {
            bootstrap =
                bootstrap.channelOption(.autoRead, value: false).channelOption(.maxMessagesPerRead, value: 1)
        }
        let channel: any Channel
        do {
            channel = try await bootstrap.connect(host: "127.0.0.1", port: port).get()
        } catch {
            done.fail(error)
            throw error
        }
        let deadline = loop.scheduleTask(in: timeout) {
            done.fail(Broken("stream \(plan.seed) is not over after \(timeout.nanoseconds / 1_000_000) ms"))
            channel.close(promise: nil)
        }
        defer { deadline.cancel() }
        do {
            try await done.futureResult.get()
        } catch {
            channel.close(promise: nil)
            throw error
        }
    }

    /// Whether a small exchange works.
    static func isServed(port: Int) async -> Bool {
        (try? await exchange(
            Exchange(seed: 7, upload: 3_000, download: 5_000),
            port: port,
            within: TimeAmount(testTimeout)
        ))
            != nil
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOCore
internal import NIOPosix
internal import Rstream
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamSocket

/// Dials local services.
enum UpstreamDialer {
    /// A service name that is neither a port nor known on this host.
    struct UnknownService: Error {
        let name: String
    }

    /// Connects on `eventLoop`; `names` resolves the upstream's host. The channel does not read by itself, and the
    /// future fails with ``RstreamError``.
    static func dial(
        _ upstream: Upstream,
        names: NameService = .host,
        on eventLoop: any EventLoop
    ) -> EventLoopFuture<any Channel> {
        let connected: EventLoopFuture<any Channel>
        do {
            connected = try connect(upstream, names, on: eventLoop)
        } catch {
            connected = eventLoop.makeFailedFuture(error)
        }
        return connected.flatMapErrorThrowing { error in throw RstreamError.dial(of: upstream, failed: error) }
    }

    private static func connect(
        _ upstream: Upstream,
        _ names: NameService,
        on eventLoop: any EventLoop
    ) throws -> EventLoopFuture<any Channel> {
        let prepare = if case .tcp = upstream.address { StreamSocket.prepareTCP } else { StreamSocket.prepare }
        let bootstrap = ClientBootstrap(group: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try prepare(channel)
                    try channel.pipeline.syncOperations.addHandlers(OrderlyCloseHandler(), PendingBytesHandler())
                }
            }
        switch upstream.address {
        case .tcp(let host, let service):
            let port = try port(of: service, upstream.options)
            let wasKnown = names.isFresh(host)
            let timeout = upstream.options.connectTimeout
            return names.connect(bootstrap, to: host, port: port, within: timeout, on: eventLoop).flatMapError {
                error in
                // The service may have moved since its name was looked up.
                if case ChannelError.connectTimeout = error { return eventLoop.makeFailedFuture(error) }
                guard wasKnown, !names.isFresh(host) else { return eventLoop.makeFailedFuture(error) }
                do {
                    return try connect(upstream, names, on: eventLoop)
                } catch {
                    return eventLoop.makeFailedFuture(error)
                }
            }
        case .unix(let path):
            return bootstrap.withConnectedSocket(try UnixSocket.connect(toPath: path, by: upstream.unixSockets))
        case .abstract(let name):
            return bootstrap.withConnectedSocket(try UnixSocket.connect(toAbstract: name, by: upstream.unixSockets))
        }
    }

    /// A number from 1 to 65535, or the port that the configuration's reader found in `/etc/services` (RUN.md §2.2).
    private static func port(of service: String, _ options: UpstreamOptions) throws(UnknownService) -> Int {
        let port = options.servicePort ?? Int(service)
        guard let port, (1...65_535).contains(port) else { throw UnknownService(name: service) }
        return port
    }
}

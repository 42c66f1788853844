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

    /// How long a dial may take.
    enum Limit {
        /// The upstream's `connectTimeout`.
        case whole
        /// A part of that, because other upstreams may have to be tried too.
        case part(Duration)
        /// What is left to a check.
        case check(Duration)

        func timeout(of upstream: Upstream) -> Duration {
            switch self {
            case .whole: upstream.options.connectTimeout
            case .part(let time), .check(let time): time
            }
        }
    }

    /// Connects on `eventLoop`; `names` resolves the upstream's host. The channel does not read by itself, and the
    /// future fails with ``RstreamError``. Where the upstream speaks TLS, `preface` is sent before that begins.
    static func dial(
        _ upstream: Upstream,
        within limit: Limit = .whole,
        preface: ByteBuffer? = nil,
        names: NameService = .host,
        on eventLoop: any EventLoop
    ) -> EventLoopFuture<any Channel> {
        let start = ContinuousClock.now
        let connected: EventLoopFuture<any Channel>
        do {
            connected = try connect(upstream, within: limit, names, on: eventLoop)
        } catch {
            connected = eventLoop.makeFailedFuture(error)
        }
        let dialed = connected.flatMapErrorThrowing { error in
            throw RstreamError.dial(of: upstream, within: limit, failed: error)
        }
        guard let tls = upstream.tls else { return dialed }
        return dialed.flatMap { channel in
            let left = limit.timeout(of: upstream) - start.duration(to: .now)
            return secure(channel, by: tls, preface, of: upstream, within: left).flatMapErrorThrowing { error in
                throw RstreamError.dial(of: upstream, within: limit, failed: error)
            }
        }
    }

    /// Starts TLS on a connection. Where that fails, the connection is dropped.
    private static func secure(
        _ channel: any Channel,
        by tls: ServiceTLS,
        _ preface: ByteBuffer?,
        of upstream: Upstream,
        within timeout: Duration
    ) -> EventLoopFuture<any Channel> {
        let secured = channel.eventLoop.makePromise(of: Void.self)
        let timer = channel.eventLoop.scheduleTask(in: TimeAmount(max(timeout, .milliseconds(1)))) {
            secured.fail(RstreamError.silentTLS)
        }
        do {
            let pending = try channel.pipeline.syncOperations.handler(type: PendingBytesHandler.self)
            if let preface { channel.writeAndFlush(preface, promise: nil) }
            tls.start(on: channel, before: pending, host: upstream.address.tlsName).cascade(to: secured)
        } catch {
            // The connection is gone already.
            secured.fail(ChannelError.eof)
        }
        return secured.futureResult.map { channel }.always { result in
            timer.cancel()
            if case .failure = result { channel.abort() }
        }
    }

    private static func connect(
        _ upstream: Upstream,
        within limit: Limit,
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
            // The service may have moved since its name was looked up.
            let mayHaveMoved = IPAddress(host) == nil && names.isFresh(host)
            let timeout = limit.timeout(of: upstream)
            let connected = names.connect(bootstrap, to: host, port: port, within: timeout, on: eventLoop)
            guard mayHaveMoved else { return connected }
            return connected.flatMapError { error in
                if case ChannelError.connectTimeout = error { return eventLoop.makeFailedFuture(error) }
                guard !names.isFresh(host) else { return eventLoop.makeFailedFuture(error) }
                do {
                    return try connect(upstream, within: limit, names, on: eventLoop)
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

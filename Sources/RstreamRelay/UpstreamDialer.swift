internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import RstreamModel
internal import RstreamSocket

/// Dials local services.
enum UpstreamDialer {
    /// Connects on `eventLoop`. The channel reads nothing until it is asked to. Fails with ``RstreamError``.
    static func dial(_ upstream: Upstream, on eventLoop: any EventLoop) -> EventLoopFuture<any Channel> {
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(upstream.options.connectTimeout))
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers(OrderlyCloseHandler(), UpstreamHoldHandler())
                }
            }
        let connected: EventLoopFuture<any Channel>
        switch upstream.address {
        case .tcp(let host, let service):
            guard let port = port(of: service) else {
                return eventLoop.makeFailedFuture(noService(service, of: upstream))
            }
            let bootstrap =
                bootstrap
                .channelOption(.socketOption(.tcp_nodelay), value: 1)
                .channelOption(.socketOption(.so_keepalive), value: 1)
            // A literal needs no resolver and none of its threads.
            if let address = try? SocketAddress(ipAddress: host, port: port) {
                connected = bootstrap.connect(to: address)
            } else {
                connected = bootstrap.connect(host: host, port: port)
            }
        case .unix(let path):
            guard upstream.unixSockets?.permits(path) ?? true else {
                return eventLoop.makeFailedFuture(notPermitted(upstream))
            }
            connected = bootstrap.connect(unixDomainSocketPath: path)
        case .abstract(let name):
            do {
                connected = bootstrap.withConnectedSocket(try AbstractSocket.connect(to: name))
            } catch {
                return eventLoop.makeFailedFuture(unreachable(upstream, error))
            }
        }
        return connected.flatMapErrorThrowing { error in throw unreachable(upstream, error) }
    }

    /// A number from 1 to 65535, or a name of `/etc/services`, which is looked up here as RUN.md §2.2 wants.
    private static func port(of service: String) -> Int? {
        if let number = Int(service) { return (1...65_535).contains(number) ? number : nil }
        var entry = servent()
        var found: UnsafeMutablePointer<servent>?
        var buffer = [CChar](repeating: 0, count: 1_024)
        guard getservbyname_r(service, "tcp", &entry, &buffer, buffer.count, &found) == 0, found != nil else {
            return nil
        }
        return Int(UInt16(bigEndian: UInt16(truncatingIfNeeded: entry.s_port)))
    }

    private static func unreachable(_ upstream: Upstream, _ error: any Error) -> RstreamError {
        let (reason, passes) = explain(error)
        return RstreamError(
            code: .upstreamUnreachable,
            origin: .upstream,
            retry: passes ? .afterBackoff : .afterReload,
            what: "upstream \(upstream.address): \(reason)",
            fix: "start the service, or change the tunnel's forward"
        )
    }

    private static func noService(_ service: String, of upstream: Upstream) -> RstreamError {
        RstreamError(
            code: .upstreamUnreachable,
            origin: .configuration,
            retry: .afterReload,
            what: "upstream \(upstream.address): \"\(service)\" is no port or known service",
            fix: "change the tunnel's forward"
        )
    }

    private static func notPermitted(_ upstream: Upstream) -> RstreamError {
        RstreamError(
            code: .upstreamUnreachable,
            origin: .configuration,
            retry: .afterReload,
            what: "upstream \(upstream.address): the socket belongs to another user",
            fix: "list its directory in limits.unixUpstreams if tunnels may use it"
        )
    }

    /// The reason, and whether it may pass by itself, so that a stream may wait for that.
    private static func explain(_ error: any Error) -> (reason: String, passes: Bool) {
        switch error {
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { explain($0.error) } ?? (
                "the name \"\(error.host)\" cannot be resolved", true
            )
        case let error as IOError: explain(errno: error.errnoCode)
        case let error as AbstractSocket.Failure: explain(errno: error.code)
        case ChannelError.connectTimeout: ("no connection within its connectTimeout", true)
        default: ("\(error)", true)
        }
    }

    private static func explain(errno code: CInt) -> (reason: String, passes: Bool) {
        switch code {
        case ECONNREFUSED: ("connection refused", true)
        case ENOENT: ("no such socket", true)
        case EACCES, EPERM: ("permission denied", false)
        case ELOOP, ENAMETOOLONG, ENOTDIR, EPROTOTYPE: (String(cString: strerror(code)), false)
        default: (String(cString: strerror(code)), true)
        }
    }
}

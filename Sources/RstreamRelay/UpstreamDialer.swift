internal import Glibc
internal import NIOCore
internal import NIOPosix
package import RstreamModel
internal import RstreamSocket

/// Where a tunnel's streams go, and how long that may take.
package struct Upstream: Hashable, Sendable {
    package let address: UpstreamAddress
    /// From the request to an open connection, name resolution included.
    package let connectTimeout: Duration
    /// Whose sockets may be dialed; nil permits all.
    package let unixSockets: UnixSocketRule?

    package init(address: UpstreamAddress, connectTimeout: Duration, unixSockets: UnixSocketRule? = nil) {
        self.address = address
        self.connectTimeout = connectTimeout
        self.unixSockets = unixSockets
    }
}

/// Dials local services.
enum UpstreamDialer {
    /// Connects on `eventLoop`. The channel reads nothing until it is asked to. Fails with ``RstreamError``.
    static func dial(_ upstream: Upstream, on eventLoop: any EventLoop) -> EventLoopFuture<any Channel> {
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(upstream.connectTimeout))
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
                return eventLoop.makeFailedFuture(unreachable(upstream, "\"\(service)\" is no port or known service"))
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
                return eventLoop.makeFailedFuture(unreachable(upstream, explain(error)))
            }
        }
        return connected.flatMapErrorThrowing { error in throw unreachable(upstream, explain(error)) }
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

    private static func unreachable(_ upstream: Upstream, _ reason: String) -> RstreamError {
        RstreamError(
            code: .upstreamUnreachable,
            origin: .upstream,
            retry: .afterBackoff,
            what: "upstream \(upstream.address): \(reason)",
            fix: "start the service, or change the tunnel's forward"
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

    private static func explain(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { explain($0.error) } ?? "the name \"\(error.host)\" cannot be resolved"
        case let error as IOError: explain(errno: error.errnoCode)
        case let error as AbstractSocket.Failure: explain(errno: error.code)
        case ChannelError.connectTimeout: "no connection within its connectTimeout"
        default: "\(error)"
        }
    }

    private static func explain(errno code: CInt) -> String {
        switch code {
        case ECONNREFUSED: "connection refused"
        case ENOENT: "no such socket"
        case EACCES: "permission denied"
        default: String(cString: strerror(code))
        }
    }
}

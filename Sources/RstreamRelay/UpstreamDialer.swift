internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import RstreamModel
internal import RstreamSocket

/// Dials local services.
enum UpstreamDialer {
    /// A service name that is no port and is not known here.
    struct UnknownService: Error {
        let name: String
    }

    /// Connects on `eventLoop`. The channel reads nothing until it is asked to. Fails with ``RstreamError``.
    static func dial(_ upstream: Upstream, on eventLoop: any EventLoop) -> EventLoopFuture<any Channel> {
        let connected: EventLoopFuture<any Channel>
        do {
            connected = try connect(upstream, on: eventLoop)
        } catch {
            connected = eventLoop.makeFailedFuture(error)
        }
        return connected.flatMapErrorThrowing { error in throw RstreamError.dial(of: upstream, failed: error) }
    }

    private static func connect(
        _ upstream: Upstream,
        on eventLoop: any EventLoop
    ) throws -> EventLoopFuture<any Channel> {
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(upstream.options.connectTimeout))
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers(OrderlyCloseHandler(), UpstreamHoldHandler())
                }
            }
        switch upstream.address {
        case .tcp(let host, let service):
            let port = try port(of: service)
            let bootstrap =
                bootstrap
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelOption(.socketOption(.so_keepalive), value: 1)
            // A literal needs no resolver and none of its threads.
            if let address = try? SocketAddress(ipAddress: host, port: port) { return bootstrap.connect(to: address) }
            return bootstrap.connect(host: host, port: port)
        case .unix(let path):
            return bootstrap.withConnectedSocket(try UnixSocket.connect(toPath: path, by: upstream.unixSockets))
        case .abstract(let name):
            return bootstrap.withConnectedSocket(try UnixSocket.connect(toAbstract: name, by: upstream.unixSockets))
        }
    }

    /// A number from 1 to 65535, or a name of `/etc/services`, which is looked up here as RUN.md §2.2 wants.
    private static func port(of service: String) throws(UnknownService) -> Int {
        if let number = Int(service) {
            guard (1...65_535).contains(number) else { throw UnknownService(name: service) }
            return number
        }
        var entry = servent()
        var found: UnsafeMutablePointer<servent>?
        var buffer = [CChar](repeating: 0, count: 1_024)
        guard getservbyname_r(service, "tcp", &entry, &buffer, buffer.count, &found) == 0, found != nil else {
            throw UnknownService(name: service)
        }
        return Int(UInt16(bigEndian: UInt16(truncatingIfNeeded: entry.s_port)))
    }
}

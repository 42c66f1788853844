internal import Glibc
internal import Linux
internal import NIOCore
internal import NIOPosix
internal import RstreamCore
internal import RstreamModel
internal import RstreamSocket

/// Opens TCP connections to the first host on the way to the engine: the engine itself or a proxy.
///
/// A name's addresses race each other as RFC 8305 describes (NIO does that). The pipeline of the connection that won
/// holds only its ``OrderlyCloseHandler``, and nothing is read from it: the caller adds the other handlers
/// afterwards, once and not for each connection that races.
///
/// Keep-alive probes detect a lost peer while a connection is idle. `TCP_USER_TIMEOUT` would detect it sooner while
/// there are unsent bytes, but it also cuts the connection of a visitor that is alive and does not read for that long,
/// which is ordinary back pressure. The control channel has heartbeats instead.
struct Dialer: Sendable {
    let bind: TransportOptions.Bind?
    let ipFamily: TransportOptions.IPFamily?
    let multipath: Bool

    init(_ options: TransportOptions) {
        bind = options.bind
        ipFamily = options.ipFamily
        multipath = options.multipath
    }

    /// Dials `address`, whose name `names` resolves, at the addresses that `rule` permits.
    func dial(
        _ address: EngineAddress,
        under rule: RedirectRule? = nil,
        names: NameService,
        on eventLoop: any EventLoop,
        within timeout: Duration
    ) -> EventLoopFuture<any Channel> {
        local(on: eventLoop).flatMap { local in
            dial(address, from: local, under: rule, names: names, on: eventLoop, within: timeout)
        }
    }

    /// The local addresses of connections. The kernel lists the addresses of an interface, which may take a while for
    /// all of them.
    private func local(on eventLoop: any EventLoop) -> EventLoopFuture<LocalAddresses> {
        guard case .interface? = bind else {
            return eventLoop.makeCompletedFuture { try LocalAddresses(bind: bind, ipFamily: ipFamily) }
        }
        return BlockingThreads.kernel.run(on: eventLoop) { try LocalAddresses(bind: bind, ipFamily: ipFamily) }
    }

    private func dial(
        _ address: EngineAddress,
        from local: LocalAddresses,
        under rule: RedirectRule?,
        names: NameService,
        on eventLoop: any EventLoop,
        within timeout: Duration
    ) -> EventLoopFuture<any Channel> {
        let bootstrap = ClientBootstrap(group: eventLoop)
            .enableMPTCP(multipath && Self.hasMultipath)
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                local.bind(channel).flatMap {
                    Self.setSocketOptions(channel)
                    return channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(OrderlyCloseHandler())
                    }
                }
            }
        let connected = names.connect(
            bootstrap,
            to: address.host,
            port: address.port,
            families: local.families,
            under: rule,
            within: timeout,
            on: eventLoop
        )
        // By the next tick the empty pipeline has seen that the channel is active.
        return connected.flatMap { channel in eventLoop.submit { channel } }
    }

    /// Whether the kernel makes multipath sockets; a sysctl can change that at any time.
    private static var hasMultipath: Bool {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), protocolMPTCP)
        guard descriptor >= 0 else { return false }
        close(descriptor)
        return true
    }

    private static let protocolMPTCP: CInt = 262

    /// A multipath socket of an older kernel refuses some of these, and none is worth a connection.
    private static func setSocketOptions(_ channel: any Channel) {
        guard let socket = channel as? any SocketOptionProvider else { return }
        let prompt = ChannelOptions.Types.SocketOption(level: .tcp, name: .tcp_nodelay)
        for (option, value) in [(prompt, 1)] + KeepAlive.options {
            socket.unsafeSetSocketOption(
                level: option.optionLevel,
                name: option.optionName,
                value: CInt(clamping: value)
            ).whenFailure { _ in }
        }
    }
}

/// A literal of a family that is not dialed.
struct WrongFamily: Error {
    let address: IPAddress
}

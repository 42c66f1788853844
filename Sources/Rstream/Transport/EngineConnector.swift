internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import RstreamModel
internal import RstreamSocket

/// Starts TCP and TLS to an engine. What is said on the connection is its last handler's business.
struct EngineConnector: Sendable {
    let tls: NIOSSLContext
    /// The engine that the control channel uses; a configured server name is meant for it only (PROTOCOL.md §6.1).
    let engine: EngineAddress
    let serverName: String?
    /// Whether the certificate must be the engine's.
    let verifiesName: Bool

    /// A connection that is idle for this long is probed, in seconds, so that a lost peer is found out.
    private static let keepAliveSeconds = 15

    /// Dials `address` on `eventLoop`.
    ///
    /// The future succeeds when TCP is connected; TLS goes on, and `handler` sees its end as an event or an error.
    /// Nothing is read but what TLS needs unless `autoRead` is true.
    func connect(
        to address: EngineAddress,
        on eventLoop: any EventLoop,
        within timeout: Duration,
        autoRead: Bool,
        handler: @escaping @Sendable () -> any ChannelHandler
    ) -> EventLoopFuture<any Channel> {
        let name = address == engine ? serverName ?? address.host : address.host
        // An IP literal is verified by the address of the connection and is not sent as a name.
        let verifiedName = IPAddress(name) == nil ? name : nil
        let (tls, verifiesName) = (tls, verifiesName)
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(timeout))
            .channelOption(.autoRead, value: autoRead)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.tcpOption(.tcpKeepIdle), value: Self.keepAliveSeconds)
            .channelOption(.tcpOption(.tcpKeepInterval), value: Self.keepAliveSeconds)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(OrderlyCloseHandler())
                    try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: verifiedName))
                    if verifiesName, let verifiedName {
                        try pipeline.addHandler(ServerNameHandler(name: verifiedName))
                    }
                    try pipeline.addHandler(handler())
                }
            }
        // A literal needs no resolver and none of its threads.
        if let literal = try? SocketAddress(ipAddress: address.host, port: address.port) {
            return bootstrap.connect(to: literal)
        }
        return bootstrap.connect(host: address.host, port: address.port)
    }
}

extension ChannelOption where Self == ChannelOptions.Types.SocketOption {
    /// An option of the TCP layer.
    static func tcpOption(_ name: NIOBSDSocket.Option) -> Self { .init(level: .tcp, name: name) }
}

extension NIOBSDSocket.Option {
    /// Seconds of idleness before the first probe.
    static let tcpKeepIdle = NIOBSDSocket.Option(rawValue: 4)
    /// Seconds between probes.
    static let tcpKeepInterval = NIOBSDSocket.Option(rawValue: 5)
}

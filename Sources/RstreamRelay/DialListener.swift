internal import Glibc
internal import Linux
package import Logging
package import NIOCore
internal import NIOPosix
package import Rstream
internal import RstreamCore
package import RstreamModel
internal import RstreamSocket
internal import Synchronization

/// Takes local connections and relays each to a private tunnel that it dials (contract §3.4).
///
/// What it listens with and what it dials are guarded by a mutex, taken once per connection; the rest is immutable.
package final class DialListener: Sendable {
    /// Where local programs connect to.
    package enum Address: Hashable, Sendable, CustomStringConvertible {
        /// Port 0 takes a free one.
        case tcp(host: String, port: Int)
        /// A socket in the file system. The daemon's user and group may use it.
        case unix(path: String)

        package var description: String {
            switch self {
            case .tcp(let host, let port): host.contains(byte: ":") ? "[\(host)]:\(port)" : "\(host):\(port)"
            case .unix(let path): "unix:\(path)"
            }
        }
    }

    private struct Route {
        var target: String
        var client: Client
        var outage: OutageLog.Subject
        let trust = DialTrust()
    }

    private struct State {
        var route: Route
        var channel: (any Channel)?
        var file: SocketFile?
        var isStopped = false
    }

    /// Long enough for a burst of connections while an event loop is busy.
    private static let backlog: Int32 = 256
    /// How long nothing is taken after the process ran out of descriptors or memory.
    private static let pause = TimeAmount.milliseconds(100)
    private static let mode: mode_t = 0o660

    package let address: Address
    /// The listener's streams. One that replaces another listener may go on with the same.
    package let ledger: StreamLedger
    private let lookUp: StoppableLookUp
    private let patience: Duration
    private let table: StreamTable
    private let logger: Logger
    private let outages: OutageLog
    private let state: Mutex<State>

    /// A listener whose streams are counted in `table` too. A `streamLimit` of zero is none. `patience` is how long the
    /// name of the address may take.
    package init(
        _ address: Address,
        dial target: String,
        client: Client,
        streamLimit: Int = 0,
        ledger: StreamLedger = StreamLedger(),
        names: NameService = .host,
        patience: Duration = .seconds(5),
        table: StreamTable,
        logger: Logger
    ) {
        self.address = address
        self.ledger = ledger
        lookUp = StoppableLookUp(names)
        self.patience = patience
        self.table = table
        self.logger = logger
        outages = .dial(logger, ledger.observer)
        state = Mutex(State(route: Route(target: target, client: client, outage: outages.subject)))
        ledger.setLimit(streamLimit)
    }

    /// Where it listens in fact, once it does.
    package var localAddress: SocketAddress? { state.withLock { $0.channel?.localAddress } }

    /// The listener's streams that are open now.
    package var activeStreams: Int { ledger.activeCount }

    /// From now on connections go to another tunnel, or to the same one in another way. Those that are open stay as they
    /// are; ``retire()`` is about them.
    package func update(dial target: String, client: Client, streamLimit: Int, isSame: Bool = false) {
        ledger.setLimit(streamLimit)
        // What was told about a tunnel is still true of it.
        let outage = isSame ? outages.subject : outages.replaced()
        let route = Route(target: target, client: client, outage: outage)
        state.withLock { $0.route = route }
    }

    /// Another listener takes its place, or none: whatever was wrong with this one does not matter any more.
    package func leave() {
        outages.replaced()
    }

    /// Sets the streams that are open now apart, for a reload or a stop to drain, keep or cut.
    package func retire() -> RetiredStreams {
        outages.replaced()
        return ledger.retire()
    }

    /// Whether it listens now.
    package var isListening: Bool { state.withLock { $0.channel?.isActive == true } }

    /// Listens from now on until ``stop()``; connections live on the event loops of `group`.
    package func start(on group: any EventLoopGroup) async throws(RstreamError) {
        var file: SocketFile?
        do {
            let channel: any Channel
            switch address {
            case .tcp(let host, let port):
                // Found out first, on a thread that may wait for it.
                let addresses = try await lookUp.addresses(of: host, within: patience, on: group.next())
                channel = try await ListeningSocket.bind(to: addresses, port: port) { address in
                    try await bootstrap(group, isAllOfIPv6: address.ipAddress == "::").bind(to: address).get()
                }
            case .unix(let path):
                let bound = try await BlockingThreads.sockets.tryRun { () throws(SocketFile.Failure) in
                    try SocketFile.bind(path: path, mode: Self.mode)
                }
                file = bound.file
                channel = try await bootstrap(group).withBoundSocket(bound.socket).get()
            }
            do {
                try await Self.publish(file)
            } catch {
                channel.close(promise: nil)
                throw error
            }
            await took(channel, file)
        } catch {
            await Self.remove(file)
            throw RstreamError.listening(on: address, failed: error)
        }
    }

    /// Takes no more connections. The streams that are open run on.
    package func stop() async {
        let (channel, file) = state.withLock { state in
            state.isStopped = true
            defer { (state.channel, state.file) = (nil, nil) }
            return (state.channel, state.file)
        }
        lookUp.stop()
        await Self.remove(file)
        if let channel { await ListeningSocket.close(channel) }
    }

    /// Returns when it listens no more and the place is free: it was stopped, or its socket was closed by what NIO or the
    /// kernel met there.
    package func waitUntilClosed() async {
        try? await state.withLock(\.channel)?.closeFuture.get()
        // A stop has taken both.
        let file = state.withLock { state in
            defer { (state.channel, state.file) = (nil, nil) }
            return state.file
        }
        await Self.remove(file)
    }

    private static func publish(_ file: SocketFile?) async throws(SocketFile.Failure) {
        guard let file else { return }
        try await BlockingThreads.sockets.tryRun { () throws(SocketFile.Failure) in try file.publish() }
    }

    private static func remove(_ file: SocketFile?) async {
        guard let file else { return }
        await BlockingThreads.sockets.run { file.remove() }
    }

    private func took(_ channel: any Channel, _ file: SocketFile?) async {
        let isStopped = state.withLock { state in
            (state.channel, state.file) = (channel, file)
            return state.isStopped
        }
        // A stop that came while the socket was made found nothing to close.
        if isStopped { return await stop() }
        channel.closeFuture.whenComplete { [weak self] _ in self?.closed() }
        logger.info("listening", metadata: ["address": "\(address)"])
    }

    /// Taking a connection may report an error of the network, a filter's for one, and NIO closes the socket at some of
    /// them.
    private func closed() {
        guard !state.withLock(\.isStopped) else { return }
        logger.warning("the listening socket was closed", metadata: ["address": "\(address)"])
    }

    /// `[::]` is IPv6 and no more, so that `0.0.0.0` may serve the same port beside it.
    private func bootstrap(_ group: any EventLoopGroup, isAllOfIPv6: Bool = false) -> ServerBootstrap {
        let isTCP = if case .tcp = address { true } else { false }
        let accepting = OutageLog.accept(logger).subject
        var bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: Self.backlog)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let backoff = AcceptBackoffHandler(shouldForwardIOErrorCaught: false) { error in
                        accepting.failed(.accepting(failed: error))
                        return Self.pause
                    }
                    try channel.pipeline.syncOperations.addHandler(backoff)
                }
            }
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture {
                    accepting.reached()
                    let handlers: [any ChannelHandler] = [
                        OrderlyCloseHandler(), UpstreamHoldHandler(), stream(for: channel),
                    ]
                    try channel.pipeline.syncOperations.addHandlers(handlers)
                }
            }
        if isTCP {
            bootstrap =
                bootstrap
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            bootstrap = KeepAlive.options.reduce(bootstrap) { $0.childChannelOption($1.option, value: $1.value) }
        }
        if isAllOfIPv6 {
            let option = ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only)
            bootstrap = bootstrap.serverChannelOption(option, value: 1)
        }
        return bootstrap
    }

    private func stream(for connection: any Channel) -> ListenerStream {
        let route = state.withLock(\.route)
        let relay = Relay(
            engineID: nil,
            source: connection.remoteAddress?.ipAddress.flatMap { IPAddress($0) },
            visitor: .upstream,
            table: table,
            ledger: ledger,
            logger: logger,
            on: connection.eventLoop
        )
        return ListenerStream(
            relay,
            client: route.client,
            target: route.target,
            trust: route.trust,
            outage: route.outage,
            logger: logger
        )
    }
}

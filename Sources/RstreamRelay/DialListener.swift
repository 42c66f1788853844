internal import Linux
package import Logging
package import NIOCore
internal import NIOPosix
package import Rstream
internal import RstreamCore
package import RstreamDaemonModel
package import RstreamModel
internal import RstreamSocket
internal import Synchronization

/// Takes local connections and relays each to a private tunnel that it dials (contract §3.4).
///
/// What it listens with and what it dials are guarded by a mutex, taken once per connection; the rest is immutable.
package final class DialListener: Sendable {
    private struct Route {
        var target: String
        var client: RstreamClient
        var timeout: Duration
        var outage: OutageLog.Subject
        let zeroRTT = ZeroRTTPolicy()
    }

    private struct State {
        var route: Route
        var rights: SocketRights
        /// One for each address of a name.
        var channels: [any Channel] = []
        var file: SocketFile?
        var isStopped = false

        mutating func takeSockets() -> (channels: [any Channel], file: SocketFile?) {
            defer { (channels, file) = ([], nil) }
            return (channels, file)
        }
    }

    /// Long enough for a burst of connections while an event loop is busy.
    private static let backlog: Int32 = 256
    /// How long nothing is taken after the process ran out of descriptors or memory.
    private static let pause = TimeAmount.milliseconds(100)
    /// How long the name of the address may take, unless said otherwise.
    static let patience = Duration.seconds(5)

    /// Where local programs connect to.
    package let address: ListenAddress
    /// The listener's streams. One that replaces another listener may go on with the same.
    package let ledger: StreamLedger
    private let lookUp: StoppableLookUp
    private let patience: Duration
    private let table: StreamTable
    private let logger: Logger
    private let outages: OutageLog
    private let state: Mutex<State>

    /// A listener whose streams are counted in `table` too. `patience` is how long the name of the address may take.
    package init(
        _ address: ListenAddress,
        dial target: String,
        client: RstreamClient,
        options: ListenerOptions = ListenerOptions(),
        ledger: StreamLedger = StreamLedger(),
        names: NameService = .host,
        patience: Duration = DialListener.patience,
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
        let route = Route(target: target, client: client, timeout: options.dialTimeout, outage: outages.subject)
        state = Mutex(State(route: route, rights: options.rights))
        ledger.setLimit(options.streamLimit)
    }

    /// Where it listens in fact, once it does; several addresses of a name have one port.
    package var localAddresses: [SocketAddress] { state.withLock { $0.channels.compactMap(\.localAddress) } }

    /// The same as a configuration says it.
    package var places: [String] {
        guard isListening else { return [] }
        return switch address {
        case .tcp: localAddresses.compactMap(\.place)
        // What the kernel knows is the folder where the socket was made.
        case .unix: ["\(address)"]
        }
    }

    /// The listener's streams that are open now.
    package var activeStreams: Int { ledger.activeCount }

    /// From now on connections go to another tunnel, or to the same one in another way. Those that are open stay as they
    /// are; ``retire()`` is about them. The socket stays as well; ``changeRights(to:)`` is about that.
    package func update(dial target: String, client: RstreamClient, options: ListenerOptions, isSame: Bool = false) {
        ledger.setLimit(options.streamLimit)
        // What was told about a tunnel is still true of it.
        let outage = isSame ? outages.subject : outages.replaced()
        let route = Route(target: target, client: client, timeout: options.dialTimeout, outage: outage)
        state.withLock { $0.route = route }
    }

    /// Gives the Unix socket other rights, now and whenever it is made again. False where the one that is there cannot have
    /// them, and where none is, because it may just be made with those before: another listener has to take its place then.
    package func changeRights(to rights: SocketRights) async -> Bool {
        let (file, before) = state.withLock { state in
            defer { state.rights = rights }
            return (state.file, state.rights)
        }
        guard rights != before else { return true }
        let group = await Self.group(of: rights)
        // Which group a socket has that is given to none is found out by making it.
        guard let file, group?.id != nil || rights.group == before.group else { return false }
        do throws(SocketFile.Failure) {
            try await BlockingThreads.sockets.tryRun { () throws(SocketFile.Failure) in
                try file.change(mode: rights.mode, group: group?.id)
            }
        } catch {
            return false
        }
        complain(about: group, of: rights)
        return true
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
    package var isListening: Bool {
        state.withLock { !$0.channels.isEmpty && $0.channels.allSatisfy(\.isActive) }
    }

    /// Listens from now on until ``stop()``; connections live on the event loops of `group`.
    package func start(on group: any EventLoopGroup) async throws(RstreamError) {
        do {
            switch address {
            case .tcp(let host, let port):
                // Found out first, on a thread that may wait for it.
                let addresses = try await lookUp.addresses(of: host, within: patience, on: group.next())
                let channels = try await ListeningSocket.bind(to: addresses, port: port) { address in
                    try await bootstrap(group, isAllOfIPv6: address.ipAddress == "::").bind(to: address).get()
                } portOf: {
                    $0.localAddress?.port
                } discard: {
                    await ListeningSocket.close($0)
                }
                await took(channels)
            case .unix(let path): try await start(at: path, on: group)
            }
        } catch {
            throw RstreamError.listening(on: address, failed: error)
        }
    }

    private func start(at path: String, on eventLoops: any EventLoopGroup) async throws {
        let rights = state.withLock(\.rights)
        let group = await Self.group(of: rights)
        let (file, socket) = try await BlockingThreads.sockets.tryRun { () throws(SocketFile.Failure) in
            try SocketFile.bind(path: path, mode: rights.mode, group: group?.id)
        }
        do {
            let channel = try await bootstrap(eventLoops).withBoundSocket(socket).get()
            do {
                try await BlockingThreads.sockets.tryRun { () throws(SocketFile.Failure) in try file.publish() }
            } catch {
                channel.close(promise: nil)
                throw error
            }
            await took([channel], file)
            complain(about: group, of: rights)
        } catch {
            await Self.remove(file)
            throw error
        }
    }

    /// Takes no more connections. The streams that are open run on.
    package func stop() async {
        let (channels, file) = state.withLock { state in
            state.isStopped = true
            return state.takeSockets()
        }
        lookUp.stop()
        await Self.remove(file)
        for channel in channels { await ListeningSocket.close(channel) }
    }

    /// Returns when it listens no more and the place is free: it was stopped, or a socket was closed by what NIO or the
    /// kernel met there, and the others with it.
    package func waitUntilClosed() async {
        let channels = state.withLock(\.channels)
        await withTaskGroup { group in
            for channel in channels { group.addTask { try? await channel.closeFuture.get() } }
            await group.next()
            // A stop has taken all.
            let (others, file) = state.withLock { $0.takeSockets() }
            await Self.remove(file)
            for channel in others { await ListeningSocket.close(channel) }
        }
    }

    private static func remove(_ file: SocketFile?) async {
        guard let file else { return }
        await BlockingThreads.sockets.run { file.remove() }
    }

    private func took(_ channels: [any Channel], _ file: SocketFile? = nil) async {
        let isStopped = state.withLock { state in
            (state.channels, state.file) = (channels, file)
            return state.isStopped
        }
        // A stop that came while the sockets were made found nothing to close.
        if isStopped { return await stop() }
        for channel in channels {
            // Nobody was taken in before everybody can be.
            channel.setOption(.autoRead, value: true).whenFailure { _ in channel.close(promise: nil) }
        }
        logger.info("listening", metadata: ["address": "\(places.joined(separator: " "))"])
    }

    // MARK: The group of a Unix socket

    private static func group(of rights: SocketRights) async -> SocketGroup? {
        guard let name = rights.group else { return nil }
        return await BlockingThreads.accounts.run { SocketGroup(named: name) }
    }

    private func complain(about group: SocketGroup?, of rights: SocketRights) {
        let name = rights.group ?? ""
        switch group {
        case .usable, nil: break
        case .unknown:
            logger.warning(
                "the listener's group does not exist, its socket keeps the daemon's own",
                metadata: ["group": "\(name)", "fix": "make the group, or change the listener's group"]
            )
        case .foreign:
            logger.warning(
                "the daemon is not in the listener's group, the socket keeps its own",
                metadata: [
                    "group": "\(name)", "fix": "add the daemon's user to the group, or change the listener's group",
                ]
            )
        }
    }

    // MARK: Sockets

    /// `[::]` is IPv6 and no more, so that `0.0.0.0` may serve the same port beside it.
    private func bootstrap(_ group: any EventLoopGroup, isAllOfIPv6: Bool = false) -> ServerBootstrap {
        let isTCP = if case .tcp = address { true } else { false }
        let accepting = OutageLog.accept(logger).subject
        var bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: Self.backlog)
            .serverChannelOption(.autoRead, value: false)
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
                        OrderlyCloseHandler(), PendingBytesHandler(), stream(for: channel),
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
        let stream = RelayedStream(
            engineID: nil,
            source: connection.remoteAddress?.ipAddress.flatMap { IPAddress($0) },
            visitor: .upstream,
            table: table,
            ledger: ledger,
            logger: logger,
            on: connection.eventLoop
        )
        let dial = PrivateDial(
            route.target,
            client: route.client,
            within: route.timeout,
            zeroRTT: route.zeroRTT,
            outage: route.outage,
            on: connection.eventLoop
        )
        return ListenerStream(stream, dial: dial, zeroRTT: route.zeroRTT, outage: route.outage)
    }
}

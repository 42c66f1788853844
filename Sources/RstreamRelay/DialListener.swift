// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
package import Logging
package import NIOCore
internal import NIOPosix
package import Rstream
internal import RstreamCore
package import RstreamDaemonModel
package import RstreamModel
package import RstreamSocket
internal import Synchronization

/// Accepts local connections and relays each to a private tunnel that it dials (contract §3.4).
///
/// Its sockets and the tunnel it dials are guarded by a mutex, taken once per connection; the rest is immutable.
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
    /// How long no connection is accepted after the process ran out of descriptors or memory.
    private static let pause = TimeAmount.milliseconds(100)
    /// How long resolving the name of the address may take, unless said otherwise.
    static let resolveTimeout = Duration.seconds(5)

    /// Where local programs connect to.
    package let address: ListenAddress
    /// The listener's streams. A listener that replaces another one may take its ledger over.
    package let ledger: StreamLedger
    private let lookUp: CancellableLookup
    private let resolveTimeout: Duration
    private let table: StreamTable
    private let sharedLogger: SharedLogger
    private let outages: OutageLog
    private let state: Lock<State>

    /// A listener whose streams are counted in `table` too. `resolveTimeout` is how long resolving the name of
    /// the address may take.
    package init(
        _ address: ListenAddress,
        dial target: String,
        client: RstreamClient,
        options: ListenerOptions = ListenerOptions(),
        ledger: StreamLedger = StreamLedger(),
        names: NameService = .host,
        resolveTimeout: Duration = DialListener.resolveTimeout,
        table: StreamTable,
        logger: Logger
    ) {
        self.address = address
        self.ledger = ledger
        lookUp = CancellableLookup(names)
        self.resolveTimeout = resolveTimeout
        self.table = table
        sharedLogger = SharedLogger(logger)
        outages = .dial(sharedLogger, ledger.observer)
        let route = Route(target: target, client: client, timeout: options.dialTimeout, outage: outages.subject)
        state = Lock(State(route: route, rights: options.rights))
        ledger.setLimit(options.streamLimit)
    }

    /// The addresses of its sockets, while it listens; all addresses of a name share one port.
    package var localAddresses: [SocketAddress] { state.withLock { $0.channels.compactMap(\.localAddress) } }

    /// The same addresses in the form of the configuration.
    package var places: [String] {
        guard isListening else { return [] }
        return switch address {
        case .tcp: localAddresses.compactMap(\.place)
        // The kernel has the path at which the socket was made, which is another one.
        case .unix: ["\(address)"]
        }
    }

    /// What is logged about the listener and streams that come from now on has the facts of this one.
    package var logger: Logger {
        get { sharedLogger.current }
        set { sharedLogger.current = newValue }
    }

    /// The listener's streams that are open now.
    package var activeStreams: Int { ledger.activeCount }

    /// Relays new connections to another tunnel, or to the same one with other settings. Open streams stay as they are
    /// (see ``retire()``), and so does the socket (see ``changeRights(to:)``).
    package func update(dial target: String, client: RstreamClient, options: ListenerOptions, isSame: Bool = false) {
        ledger.setLimit(options.streamLimit)
        // An outage of the same tunnel goes on.
        let outage = isSame ? outages.subject : outages.replaced()
        let route = Route(target: target, client: client, timeout: options.dialTimeout, outage: outage)
        state.withLock { $0.route = route }
    }

    /// Gives the Unix socket other rights, now and whenever it is made again.
    ///
    /// - Returns: False when the socket cannot have them, and when there is no socket, because one may just be made
    ///   with the rights before. Another listener has to replace this one then.
    package func changeRights(to rights: SocketRights) async -> Bool {
        let (file, before) = state.withLock { state in
            defer { state.rights = rights }
            return (state.file, state.rights)
        }
        guard rights != before else { return true }
        let group = await Self.group(of: rights)
        // The default group of a socket is known only once the socket is made.
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

    /// Stops reporting whether the tunnel can be dialed: the listener is replaced or removed.
    package func leave() {
        outages.replaced()
    }

    /// Marks the streams that are open now as draining, for a reload or a stop to drain, keep or cut.
    package func retire() -> DrainingStreams {
        outages.replaced()
        return ledger.retire()
    }

    /// Whether it listens now.
    package var isListening: Bool {
        state.withLock { !$0.channels.isEmpty && $0.channels.allSatisfy(\.isActive) }
    }

    /// Listens from now on until ``stop()``; connections live on the event loops of `group`. With `inherited`, on these
    /// sockets and not on new ones.
    package func start(
        on group: any EventLoopGroup,
        inherited: InheritedListener? = nil
    ) async throws(RstreamError) {
        do {
            if let inherited { return try await adopt(inherited, on: group) }
            switch address {
            case .tcp(let host, let port):
                // The name is resolved first, on a thread that may block.
                let addresses = try await lookUp.addresses(of: host, within: resolveTimeout, on: group.next())
                let channels = try await ListeningSocket.bind(to: addresses, port: port) { address in
                    try await bootstrap(group, isAllOfIPv6: address.ipAddress == "::").bind(to: address).get()
                } portOf: {
                    $0.localAddress?.port
                } discard: {
                    await ListeningSocket.close($0)
                }
                await bound(channels)
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
            await bound([channel], file)
            complain(about: group, of: rights)
        } catch {
            await Self.remove(file)
            throw error
        }
    }

    private func adopt(_ inherited: InheritedListener, on eventLoops: any EventLoopGroup) async throws {
        var channels: [any Channel] = []
        for (index, socket) in inherited.sockets.enumerated() {
            do {
                channels.append(try await bootstrap(eventLoops).withBoundSocket(socket).get())
            } catch {
                for channel in channels { channel.close(promise: nil) }
                InheritedListener(sockets: Array(inherited.sockets[(index + 1)...]), file: nil).close()
                throw error
            }
        }
        if let file = inherited.file {
            // The rights may be others than those of the process before.
            let rights = state.withLock(\.rights)
            let group = await Self.group(of: rights)
            do throws(SocketFile.Failure) {
                try await BlockingThreads.sockets.tryRun { () throws(SocketFile.Failure) in
                    try file.change(mode: rights.mode, group: group?.id)
                }
            } catch {
                for channel in channels { await ListeningSocket.close(channel) }
                await Self.remove(file)
                throw error
            }
            complain(about: group, of: rights)
        }
        await bound(channels, inherited.file)
    }

    /// Copies of the listening descriptors and which file they have, for another process; nil when it does not listen.
    package func copySockets() async -> (descriptors: [CInt], file: FileStatus.Identity?)? {
        let (channels, file) = state.withLock { ($0.channels, $0.file) }
        let copies = await ListeningSocket.copies(of: channels)
        return copies.isEmpty ? nil : (copies, file?.identity)
    }

    /// Stops accepting, and leaves the sockets and the file to a process that has copies. Open streams go on.
    package func handOver() async {
        let channels = state.withLock { state in
            state.isStopped = true
            return state.takeSockets().channels
        }
        lookUp.cancel()
        for channel in channels { try? await channel.close() }
    }

    /// Stops listening. Open streams go on.
    package func stop() async {
        let (channels, file) = state.withLock { state in
            state.isStopped = true
            return state.takeSockets()
        }
        lookUp.cancel()
        await Self.remove(file)
        for channel in channels { await ListeningSocket.close(channel) }
    }

    /// Returns when it no longer listens and the address is free: it was stopped, or one of its sockets was closed by
    /// an error, which closes the others too.
    package func waitUntilClosed() async {
        let channels = state.withLock(\.channels)
        await withTaskGroup { group in
            for channel in channels { group.addTask { try? await channel.closeFuture.get() } }
            await group.next()
            // After a stop there are none left.
            let (others, file) = state.withLock { $0.takeSockets() }
            await Self.remove(file)
            for channel in others { await ListeningSocket.close(channel) }
        }
    }

    private static func remove(_ file: SocketFile?) async {
        guard let file else { return }
        await BlockingThreads.sockets.run { file.remove() }
    }

    private func bound(_ channels: [any Channel], _ file: SocketFile? = nil) async {
        let isStopped = state.withLock { state in
            (state.channels, state.file) = (channels, file)
            return state.isStopped
        }
        // A stop that came while the sockets were made found none to close.
        if isStopped { return await stop() }
        for channel in channels {
            // Connections are accepted at none of the addresses before all of them are bound.
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
                "listener group not found",
                metadata: ["group": "\(name)", "fix": "create the group, or change the listener's group"]
            )
        case .foreign:
            logger.warning(
                "daemon not in listener group",
                metadata: [
                    "group": "\(name)", "fix": "add the daemon's user to the group, or change the listener's group",
                ]
            )
        }
    }

    // MARK: Sockets

    /// `[::]` is IPv6 only, so that `0.0.0.0` may serve the same port beside it.
    private func bootstrap(_ group: any EventLoopGroup, isAllOfIPv6: Bool = false) -> ServerBootstrap {
        let isTCP = if case .tcp = address { true } else { false }
        let accepting = OutageLog.accept(sharedLogger).subject
        let prepare = isTCP ? StreamSocket.prepareTCP : StreamSocket.prepare
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
            .childChannelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture {
                    accepting.reached()
                    try prepare(channel)
                    let handlers: [any ChannelHandler] = [
                        OrderlyCloseHandler(), PendingBytesHandler(), stream(for: channel),
                    ]
                    try channel.pipeline.syncOperations.addHandlers(handlers)
                }
            }
        if isTCP { bootstrap = bootstrap.serverChannelOption(.socketOption(.so_reuseaddr), value: 1) }
        if isAllOfIPv6 {
            let option = ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only)
            bootstrap = bootstrap.serverChannelOption(option, value: 1)
        }
        return bootstrap
    }

    private func stream(for connection: any Channel) -> ListenerStream {
        let route = state.withLock(\.route)
        let stream = RelayedStream(
            StreamOrigin(source: connection.remoteAddress?.ipAddress.flatMap { IPAddress($0) }),
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

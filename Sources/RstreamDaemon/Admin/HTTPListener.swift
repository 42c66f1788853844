// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import NIOCore
internal import Rstream
internal import RstreamModel
internal import RstreamSocket
internal import Synchronization

/// An HTTP/1.1 server on a Unix socket or a TCP port, with a limit of concurrent clients.
///
/// Built on NIOHTTP1 and not on Hummingbird, whose server binds addresses itself: it takes neither a descriptor from
/// systemd nor one whose file is prepared before it is visible, and does not provide peer credentials.
///
/// The sockets are set by ``listen(at:on:clientLimit:lookUp:lookUpTimeout:timeouts:events:answer:)``; the clients are
/// guarded by a mutex.
final class HTTPListener: Sendable {
    private struct State {
        var clients: [ObjectIdentifier: any Channel] = [:]
        var slots: ClientSlots
        /// How many sockets are served: their accepted clients may not be in ``clients`` yet.
        var accepting = 0
        /// Whether clients that are not served yet are too late.
        var isStopped = false
        /// Whether another process listens on the sockets now.
        var isHandedOver = false
        /// Waits for the last client to leave.
        var waiter: CheckedContinuation<Void, Never>?

        var isIdle: Bool { clients.isEmpty && accepting == 0 }
    }

    /// The limit of concurrent clients where there are descriptors for them.
    static let defaultClientLimit = 64

    typealias Server = NIOAsyncChannel<any Channel, Never>
    /// What a client may do; asked at each of its calls.
    typealias Rights = @Sendable (Peer) -> AdminRights
    /// The names of a page for browsers beside those of this host; asked at each connection.
    typealias Names = @Sendable () -> [String]

    /// A client that can connect may do everything.
    static let rightsOfConnected: Rights = { $0.isTrusted ? .owner : .change }

    /// One for each address of a name.
    private let servers: [Server]
    /// Those that accepted clients are set up on.
    private let eventLoops: [any EventLoop]
    let file: SocketFile?
    /// Whether the socket is also systemd's, and outlives this process.
    private let isShared: Bool
    /// The configured host of a port.
    private let host: String?
    private let timeouts: RequestBoundsHandler.Timeouts
    private let events: EventRing
    private let rights: Rights
    /// Nil where what is served is no page.
    private let names: Names?
    private let answer: HTTPConnection.Answer
    private let state: Lock<State>

    init(
        servers: [Server],
        eventLoops: [any EventLoop],
        file: SocketFile?,
        isShared: Bool,
        host: String?,
        clientLimit: Int,
        timeouts: RequestBoundsHandler.Timeouts,
        events: EventRing,
        rights: @escaping Rights = HTTPListener.rightsOfConnected,
        names: Names? = nil,
        answer: @escaping HTTPConnection.Answer
    ) {
        self.servers = servers
        self.eventLoops = eventLoops
        self.file = file
        self.isShared = isShared
        self.host = host
        self.timeouts = timeouts
        state = Lock(State(slots: ClientSlots(limit: clientLimit, reservesSlots: host == nil)))
        self.events = events
        self.rights = rights
        self.names = names
        self.answer = answer
    }

    /// Sets the limit of concurrent clients; those beyond it stay.
    func limit(clients: Int) { state.withLock { $0.slots.setLimit(clients) } }

    /// The bound addresses; several addresses of a name have one port.
    var localAddresses: [SocketAddress] { servers.compactMap(\.channel.localAddress) }

    /// Serves until ``close()``, and then until the last client has left; at most as long as ``stop()`` waits.
    ///
    /// Must not be cancelled: a connection that was accepted and is not served yet would then have no owner.
    func run() async {
        state.withLock { $0.accepting = servers.count }
        await withDiscardingTaskGroup { group in
            for server in servers { group.addTask { await self.serve(server) } }
        }
        await removeFile()
    }

    private func serve(_ server: Server) async {
        // An error of the listening socket ends the service of all of them, which is all that can be done about it.
        try? await server.executeThenClose { connections in
            try await withThrowingDiscardingTaskGroup { group in
                defer {
                    change { $0.accepting -= 1 }
                    // The addresses of a name are served together or not at all.
                    let isHandedOver = state.withLock(\.isHandedOver)
                    for other in servers.map(\.channel) where other !== server.channel && !isHandedOver {
                        other.eventLoop.execute { ListeningSocket.closeNow(other) }
                    }
                }
                for try await connection in connections {
                    state.withLock { $0.clients[ObjectIdentifier(connection)] = connection }
                    group.addTask { await self.serve(connection) }
                }
            }
        }
    }

    private func serve(_ client: any Channel) async {
        defer { change { $0.clients[ObjectIdentifier(client)] = nil } }
        guard !state.withLock({ $0.isStopped }) else { return client.abort() }
        let peer = await Peer.ofUnixSocket(client) ?? .unknown
        let initial = rights(peer)
        guard state.withLock({ $0.slots.enter(initial) }) else {
            // Any user can make as many of these as they like: they must not cost descriptors.
            guard initial.mayRead else { return client.abort() }
            return await RequestBoundsHandler.refuse(client)
        }
        defer { state.withLock { $0.slots.leave(initial) } }
        guard let channel = try? await Self.takeUp(client) else { return client.abort() }
        let readers = EventSlots {
            self.state.withLock { $0.slots.startReading(initial) }
        } release: {
            self.state.withLock { $0.slots.stopReading(initial) }
        }
        let connection = HTTPConnection(
            channel: channel,
            peer: peer,
            endpoint: endpoint(of: client),
            events: events,
            readers: readers,
            rights: rights,
            answer: answer
        )
        // A client that breaks its connection is no error of the daemon.
        try? await connection.run()
    }

    /// Where a client has connected, which for a port on every address is the client's to choose.
    private func endpoint(of client: any Channel) -> RequestPolicy.Endpoint {
        if let names { return .page(names: [host, SystemCall.hostName].compactMap { $0 } + names()) }
        guard let host else { return .file }
        let address = (client.localAddress?.ipAddress).flatMap { IPAddress($0) }
        guard address?.unmapped.kind == .loopback else { return .network }
        return .loopback(names: [host, SystemCall.hostName].compactMap { $0 })
    }

    // MARK: Closing

    /// Stops accepting, and returns when another listener can bind the address.
    func close() async {
        await removeFile()
        let isHandedOver = state.withLock(\.isHandedOver)
        for channel in servers.map(\.channel) {
            if isShared || isHandedOver {
                await stopAccepting(channel)
                try? await channel.close()
            } else {
                await ListeningSocket.close(channel)
            }
        }
    }

    /// Leaves further clients to the other process that listens, and waits for those that are accepted and on their way
    /// to ``serve(_:)``: a channel that closes before they arrive resets them.
    private func stopAccepting(_ channel: any Channel) async {
        try? await channel.setOption(.autoRead, value: false).get()
        // To the event loop of the client and back, twice: NIO registers it, and then it is configured.
        for _ in 0..<2 {
            for eventLoop in eventLoops { try? await eventLoop.submit {}.get() }
            try? await channel.eventLoop.submit {}.get()
        }
    }

    /// How long clients that connected to the file just before it was removed have to be accepted.
    private static let acceptTime = TimeAmount.seconds(1)

    /// Copies of the listening descriptors, for another process; none when a socket is closed.
    func copySockets() async -> [CInt] { await ListeningSocket.copies(of: servers.map(\.channel)) }

    /// Stops accepting, and leaves the sockets and the file to a process that has copies. Clients stay.
    func handOver() async {
        state.withLock { $0.isHandedOver = true }
        await close()
    }

    /// Gives the clients that are connected a moment to read their replies, and closes them then. Does not wait.
    func endClients() {
        for client in state.withLock({ Array($0.clients.values) }) {
            client.eventLoop.scheduleTask(in: TimeAmount(timeouts.stop)) { client.abort() }
        }
    }

    /// Removes the file, and closes the sockets later: closing drops connections that wait in the kernel.
    func retire() async {
        await removeFile()
        for channel in servers.map(\.channel) {
            channel.eventLoop.scheduleTask(in: Self.acceptTime) { channel.close(promise: nil) }
        }
    }

    /// How long clients have instead when the socket is handed over: nothing waits for this process to end.
    private static let handOverPatience = Duration.seconds(2)

    /// Stops accepting, gives clients a moment to send their requests and read the replies, and closes the rest.
    func stop() async {
        await close()
        let patience = state.withLock(\.isHandedOver) ? Self.handOverPatience : timeouts.stop
        await withTaskGroup { group in
            group.addTask { await self.waitUntilIdle() }
            group.addTask { try? await pause(for: patience) }
            await group.next()
            group.cancelAll()
        }
        let clients = state.withLock { state in
            state.isStopped = true
            return Array(state.clients.values)
        }
        for client in clients { client.abort() }
    }

    /// Closes sockets that were never served.
    func discard() async {
        await removeFile()
        for server in servers { await Self.discard(server) }
    }

    static func discard(_ server: Server) async {
        try? await server.executeThenClose { _ in }
    }

    func removeFile() async {
        guard let file, !state.withLock(\.isHandedOver) else { return }
        await BlockingThreads.sockets.run { file.remove() }
    }

    /// Waits until no client is left, or until the task is cancelled. Only one task may wait at a time.
    private func waitUntilIdle() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    // Cancelled before the waiter was set: the handler below has found none.
                    if state.isIdle || Task.isCancelled { return true }
                    state.waiter = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiter.take() }?.resume()
        }
    }

    private func change(_ body: (inout State) -> Void) {
        state.withLock { state in
            body(&state)
            return state.isIdle ? state.waiter.take() : nil
        }?.resume()
    }
}

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
        /// Waits for the last client to leave.
        var waiter: CheckedContinuation<Void, Never>?

        var isIdle: Bool { clients.isEmpty && accepting == 0 }
    }

    /// The limit of concurrent clients where there are descriptors for them.
    static let defaultClientLimit = 64

    typealias Server = NIOAsyncChannel<any Channel, Never>

    /// One for each address of a name.
    private let servers: [Server]
    let file: SocketFile?
    /// Whether the socket is also systemd's, and outlives this process.
    private let isShared: Bool
    /// The configured host of a port.
    private let host: String?
    private let timeouts: RequestBoundsHandler.Timeouts
    private let events: EventRing
    private let answer: HTTPConnection.Answer
    private let state: Lock<State>

    init(
        servers: [Server],
        file: SocketFile?,
        isShared: Bool,
        host: String?,
        clientLimit: Int,
        timeouts: RequestBoundsHandler.Timeouts,
        events: EventRing,
        answer: @escaping HTTPConnection.Answer
    ) {
        self.servers = servers
        self.file = file
        self.isShared = isShared
        self.host = host
        self.timeouts = timeouts
        state = Lock(State(slots: ClientSlots(limit: clientLimit, reservesSlots: host == nil)))
        self.events = events
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
                    for other in servers.map(\.channel) where other !== server.channel {
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
        let isTrusted = peer.isTrusted
        guard state.withLock({ $0.slots.enter(isTrusted: isTrusted) }) else {
            return await RequestBoundsHandler.refuse(client)
        }
        defer { state.withLock { $0.slots.leave() } }
        guard let channel = try? await Self.takeUp(client) else { return client.abort() }
        let readers = EventSlots {
            self.state.withLock { $0.slots.startReading(isTrusted: isTrusted) }
        } release: {
            self.state.withLock { $0.slots.stopReading() }
        }
        let connection = HTTPConnection(
            channel: channel,
            peer: peer,
            endpoint: endpoint(of: client),
            events: events,
            readers: readers,
            answer: answer
        )
        // A client that breaks its connection is no error of the daemon.
        try? await connection.run()
    }

    /// Where a client has connected, which for a port on every address is the client's to choose.
    private func endpoint(of client: any Channel) -> RequestPolicy.Endpoint {
        guard let host else { return .file }
        let address = (client.localAddress?.ipAddress).flatMap { IPAddress($0) }
        guard address?.unmapped.kind == .loopback else { return .network }
        return .loopback(names: [host, SystemCall.hostName].compactMap { $0 })
    }

    // MARK: Closing

    /// Stops accepting, and returns when another listener can bind the address.
    func close() async {
        await removeFile()
        for channel in servers.map(\.channel) {
            if isShared {
                try? await channel.close()
            } else {
                await ListeningSocket.close(channel)
            }
        }
    }

    /// How long clients that connected to the file just before it was removed have to be accepted.
    private static let acceptTime = TimeAmount.seconds(1)

    /// Removes the file, and closes the sockets later: closing drops connections that wait in the kernel.
    func retire() async {
        await removeFile()
        for channel in servers.map(\.channel) {
            channel.eventLoop.scheduleTask(in: Self.acceptTime) { channel.close(promise: nil) }
        }
    }

    /// Stops accepting, gives clients a moment to send their requests and read the replies, and closes the rest.
    func stop() async {
        await close()
        await withTaskGroup { group in
            group.addTask { await self.waitUntilIdle() }
            group.addTask { try? await pause(for: self.timeouts.stop) }
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
        guard let file else { return }
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

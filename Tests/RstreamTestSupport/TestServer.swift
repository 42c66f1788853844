// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import NIOCore
internal import NIOPosix
package import RstreamDaemonModel
internal import RstreamModel
internal import RstreamSocket

/// A local service in the test's own process.
package final class TestServer: Sendable {
    package enum Place: Sendable {
        /// A free port of 127.0.0.1.
        case tcp
        case unix(path: String)
        /// A name in Linux's abstract name space.
        case abstract(name: String)
        /// A socket that is bound already; the server closes it.
        case bound(CInt)
    }

    /// What it does with a connection.
    package enum Behaviour: Sendable {
        /// Sends everything back, and ends when the visitor does.
        case echo
        /// Reads, and leaves the rest to the test.
        case manual
        /// Not even reads, until the test says so.
        case silent
        /// Says this and is gone, without having read anything.
        case sendAndClose(String)
    }

    /// Every connection since the start, in the order of arrival.
    package let connections: Observed<[TestConnection]>
    private let listener: any Channel

    /// Zero unless the place is TCP.
    package var port: Int { listener.localAddress?.port ?? 0 }

    private init(_ listener: any Channel, _ connections: Observed<[TestConnection]>) {
        self.listener = listener
        self.connections = connections
    }

    /// Serves until `body` returns; then everything is closed.
    package static func with<Value>(
        _ behaviour: Behaviour = .echo,
        at place: Place = .tcp,
        receiveBuffer: Int? = nil,
        _ body: (TestServer) async throws -> Value
    ) async throws -> Value {
        let server = try await start(behaviour, at: place, receiveBuffer: receiveBuffer)
        do {
            let value = try await body(server)
            await server.shutdown()
            return value
        } catch {
            await server.shutdown()
            throw error
        }
    }

    private static func start(
        _ behaviour: Behaviour,
        at place: Place,
        receiveBuffer: Int?
    ) async throws -> TestServer {
        let connections = Observed<[TestConnection]>([])
        let reads = if case .silent = behaviour { false } else { true }
        let echoes = if case .echo = behaviour { true } else { false }
        let words: String? = if case .sendAndClose(let words) = behaviour { words } else { nil }
        var bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.autoRead, value: reads)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let connection = try TestConnection.take(channel, echo: echoes)
                    if let words { try channel.pipeline.syncOperations.addHandler(SendAndCloseHandler(words)) }
                    connections.change { $0.append(connection) }
                }
            }
        if let receiveBuffer {
            bootstrap = bootstrap.serverChannelOption(.socketOption(.so_rcvbuf), value: receiveBuffer)
        }
        let listener =
            switch place {
            case .tcp: try await bootstrap.bind(host: "127.0.0.1", port: 0).get()
            case .unix(let path): try await bootstrap.bind(unixDomainSocketPath: path).get()
            case .abstract(let name):
                try await bootstrap.withBoundSocket(try unixSocket([0] + Array(name.utf8), Glibc.bind)).get()
            case .bound(let socket): try await bootstrap.withBoundSocket(socket).get()
            }
        return TestServer(listener, connections)
    }

    /// The connection that came as number `index`, counted from zero.
    package func connection(_ index: Int = 0) async throws -> TestConnection {
        try await connections.wait(for: "connection \(index) of the service") { $0.count > index }[index]
    }

    private func shutdown() async {
        await RstreamSocket.ListeningSocket.close(listener)
        for connection in connections.value { await connection.close() }
    }

    /// Stops accepting connections, like a stopped service.
    package func stopListening() async {
        await RstreamSocket.ListeningSocket.close(listener)
    }

    /// A port of an address of this host on which no socket listens, nor can while `body` runs.
    package static func withDeadPort<Value>(
        of host: String = "127.0.0.1",
        _ body: (Int) async throws -> Value
    ) async throws -> Value {
        try await withBoundSocket(of: host) { port, _ in try await body(port) }
    }

    /// Whether this host has the loopback address of IPv6; where everything has to be tested, it must.
    package static func hasIPv6() async -> Bool {
        if Binaries.mustBeComplete { return true }
        return (try? await withDeadPort(of: "::1") { _ in }) != nil
    }

    /// The addresses of this host at which a listener at `localhost` is found.
    package static func loopbacks() async -> [String] { await hasIPv6() ? ["127.0.0.1", "::1"] : ["127.0.0.1"] }

    private static func withBoundSocket<Value>(
        of host: String = "127.0.0.1",
        _ body: (Int, CInt) async throws -> Value
    ) async throws -> Value {
        let address = try SocketAddress(ipAddress: host, port: 0)
        // Bound and never listened on: the kernel refuses connections.
        let family = address.protocol == .inet ? AF_INET : AF_INET6
        let descriptor = socket(family, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { Glibc.close(descriptor) }
        let bound = address.withSockAddr { address, length in Glibc.bind(descriptor, address, socklen_t(length)) }
        // The members of `sockaddr_in` and `sockaddr_in6` belong to whichever module the compiler met them in first, so the
        // bytes that they have in common are read: family, then the port in network order.
        var bytes = [UInt8](repeating: 0, count: MemoryLayout<sockaddr_in6>.size)
        var length = socklen_t(bytes.count)
        let named = bytes.withUnsafeMutableBytes { buffer in
            buffer.withMemoryRebound(to: sockaddr.self) { getsockname(descriptor, $0.baseAddress, &length) }
        }
        guard bound == 0, named == 0 else { throw IOError(errnoCode: errno, reason: "bind") }
        return try await body(Int(bytes[2]) << 8 | Int(bytes[3]), descriptor)
    }

    /// A port of this host whose listener never accepts and whose queue is full: a dial gets no answer.
    package static func withFullQueue<Value>(_ body: (Int) async throws -> Value) async throws -> Value {
        try await withBoundSocket { port, descriptor in
            guard Glibc.listen(descriptor, 0) == 0 else { throw IOError(errnoCode: errno, reason: "listen") }
            // One connection more than the backlog is queued; what comes afterwards is dropped by the kernel.
            let filler = try await TestConnection.connect(toPort: port)
            defer { filler.channel.close(promise: nil) }
            return try await body(port)
        }
    }

    /// A Unix socket at `place` that listens and whose queue is full: the kernel refuses connections for now. A
    /// server that takes the socket over, which `body` gets, takes what is queued.
    package static func withFullQueue<Value>(
        at place: UpstreamAddress,
        _ body: (CInt) async throws -> Value
    ) async throws -> Value {
        let name: [UInt8] =
            switch place {
            case .unix(let path): Array(path.utf8) + [0]
            case .abstract(let name): [0] + Array(name.utf8)
            case .tcp: []
            }
        let listener = try unixSocket(name, Glibc.bind)
        var fillers: [CInt] = []
        defer { for descriptor in fillers { Glibc.close(descriptor) } }
        guard Glibc.listen(listener, 0) == 0 else { throw IOError(errnoCode: errno, reason: "listen") }
        while let filler = try? unixSocket(name, Glibc.connect) { fillers.append(filler) }
        return try await body(listener)
    }

    /// A non-blocking Unix socket, bound or connected to these bytes.
    private static func unixSocket(
        _ name: [UInt8],
        _ use: (CInt, UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) throws -> NIOBSDSocket.Handle {
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_UNIX, kind, 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = socklen_t(
            MemoryLayout<sockaddr_un>.size - MemoryLayout.size(ofValue: address.sun_path) + name.count
        )
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { use(descriptor, $0, length) }
        }
        guard descriptor >= 0, result == 0 else {
            let failure = errno
            Glibc.close(descriptor)
            throw IOError(errnoCode: failure, reason: "socket")
        }
        return descriptor
    }
}

/// Sends a text and closes the connection as soon as it is open.
private final class SendAndCloseHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let words: String

    init(_ words: String) { self.words = words }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: words)), promise: nil)
        context.close(promise: nil)
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Rstream
internal import RstreamSocket

/// Binding the sockets of a listener and configuring the channels of its clients.
extension HTTPListener {
    /// What a listener binds.
    enum Binding: Sendable {
        /// A new Unix socket with these rights.
        case file(path: String, mode: UInt32, group: UInt32?)
        /// A socket that systemd has bound.
        case inherited(CInt)
        case tcp(host: String, port: Int)
        /// What the process before this one listened on; `host` is nil for a file.
        case handedOver(InheritedListener, host: String?)
    }

    /// Binds sockets; they are served by ``run()``, and a Unix socket has no name before ``publish(replacing:replacesLink:)``. A
    /// listener that is not run has to be discarded with ``discard()``.
    static func listen(
        at binding: Binding,
        on group: any EventLoopGroup,
        clientLimit: Int = defaultClientLimit,
        lookUp: CancellableLookup = CancellableLookup(),
        lookUpTimeout: Duration = .seconds(5),
        timeouts: RequestBoundsHandler.Timeouts = .init(),
        events: EventRing,
        rights: @escaping Rights = rightsOfConnected,
        names: Names? = nil,
        answer: @escaping HTTPConnection.Answer
    ) async throws -> HTTPListener {
        var (file, isShared, boundHost): (SocketFile?, Bool, String?) = (nil, false, nil)
        let servers: [Server]
        switch binding {
        case .file(let path, let mode, let owner):
            let bound = try await BlockingThreads.sockets.tryRun { () throws(SocketFile.Failure) in
                try SocketFile.bind(path: path, mode: mode, group: owner)
            }
            do {
                servers = [
                    try await bootstrap(on: group).bind(bound.socket, cleanupExistingSocketFile: false) { channel in
                        configure(channel, timeouts)
                    }
                ]
            } catch {
                await BlockingThreads.sockets.run { bound.file.remove() }
                throw error
            }
            file = bound.file
        case .inherited(let socket):
            servers = [try await bootstrap(on: group).bind(socket) { configure($0, timeouts) }]
            isShared = true
        case .handedOver(let inherited, let host):
            boundHost = host
            file = inherited.file
            var adopted: [Server] = []
            for (index, socket) in inherited.sockets.enumerated() {
                do {
                    adopted.append(try await bootstrap(on: group).bind(socket) { configure($0, timeouts) })
                } catch {
                    for server in adopted { await discard(server) }
                    InheritedListener(sockets: Array(inherited.sockets[(index + 1)...]), file: nil).close()
                    throw error
                }
            }
            servers = adopted
        case .tcp(let host, let port):
            boundHost = host
            let addresses = try await lookUp.addresses(of: host, within: lookUpTimeout, on: group.next())
            servers = try await ListeningSocket.bind(to: addresses, port: port) { address in
                try await bootstrap(on: group).serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                    .bind(to: address) { configure($0, timeouts) }
            } portOf: {
                $0.channel.localAddress?.port
            } discard: {
                await discard($0)
            }
        }
        return HTTPListener(
            servers: servers,
            eventLoops: Array(group.makeIterator()),
            file: file,
            isShared: isShared,
            host: boundHost,
            clientLimit: clientLimit,
            timeouts: timeouts,
            events: events,
            rights: rights,
            names: names,
            answer: answer
        )
    }

    private static func bootstrap(on group: any EventLoopGroup) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 128)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    // Without a free descriptor, connections wait in the kernel.
                    let backoff = AcceptBackoffHandler(shouldForwardIOErrorCaught: false) { _ in .milliseconds(100) }
                    try channel.pipeline.syncOperations.addHandler(backoff)
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            // Nothing is read before the connection is served.
            .childChannelOption(.autoRead, value: false)
    }

    /// An accepted connection stays a plain channel until ``takeUp(_:)``: one that arrives while the listener closes is
    /// dropped, and its own timeouts close it. A `NIOAsyncChannel` without an owner would end the process.
    static func configure(
        _ channel: any Channel,
        _ timeouts: RequestBoundsHandler.Timeouts
    ) -> EventLoopFuture<any Channel> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            // A client that asks to close the connection gets the complete reply first.
            try pipeline.addHandler(OrderlyCloseHandler())
            // RequestBoundsHandler answers parser errors with problem documents.
            var limits = NIOHTTPDecoderLimitConfiguration()
            limits.maxHeaderListSize = HTTPConnection.longestRequest
            limits.maxHeaderFieldSize = HTTPConnection.longestRequest
            try pipeline.configureHTTPServerPipeline(
                withErrorHandling: false,
                withEncoderConfiguration: .init(),
                withDecoderLimitConfiguration: limits
            )
            try pipeline.addHandler(RequestBoundsHandler(timeouts))
            return channel
        }
    }

    /// Wraps a client that is served from now on.
    static func takeUp(_ channel: any Channel) async throws -> HTTPConnection.Channel {
        let wrapped = try await channel.eventLoop.submit {
            try HTTPConnection.Channel(
                wrappingChannelSynchronously: channel,
                configuration: .init(isOutboundHalfClosureEnabled: false)
            )
        }.get()
        channel.setOption(.autoRead, value: true).whenFailure { _ in channel.close(promise: nil) }
        return wrapped
    }

    /// Gives a Unix socket its name, replacing `predecessor`'s socket if it has the same one, or a link.
    func publish(
        replacing predecessor: HTTPListener? = nil,
        replacesLink: Bool = false
    ) async throws(SocketFile.Failure) {
        try await BlockingThreads.sockets.tryRun { [file] () throws(SocketFile.Failure) in
            try file?.publish(replacing: predecessor?.file, replacesLink: replacesLink)
        }
    }

    /// Throws the errors that ``publish(replacing:replacesLink:)`` would throw.
    func checkName(
        replacing predecessor: HTTPListener? = nil,
        replacesLink: Bool = false
    ) async throws(SocketFile.Failure) {
        try await BlockingThreads.sockets.tryRun { [file] () throws(SocketFile.Failure) in
            try file?.checkName(replacing: predecessor?.file, replacesLink: replacesLink)
        }
    }

    /// Whether the file was removed or replaced, so that clients cannot connect.
    func isGone() async -> Bool {
        guard let file else { return false }
        return await BlockingThreads.sockets.run { !file.isThere }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import RstreamModel

/// A stub resolver for the name server of `transport.dns`. It asks over UDP, and over TCP if the answer is truncated;
/// or, with a server name for TLS, over TLS only (RFC 7858).
///
/// Each query has its own socket, and so a random source port. Immutable.
struct DNSResolver: NameResolver {
    /// The timeout of each attempt, one element per attempt.
    struct Timeouts: Hashable, Sendable {
        /// Over UDP, where datagrams get lost.
        var datagrams: [Duration] = [.seconds(1), .seconds(2), .seconds(4)]
        /// Over TCP or TLS, including the connection setup.
        var streams: [Duration] = [.seconds(4), .seconds(4)]
    }

    private let server: EngineAddress
    private let tls: (name: String, contexts: TLSContextCache)?
    private let system: any NameResolver
    private let timeouts: Timeouts

    /// A resolver that asks the server of `options`. If the server is a name, `system` resolves that.
    init(
        _ options: TransportOptions.DNS,
        trust: TransportOptions.TLS = TransportOptions.TLS(),
        system: any NameResolver = SystemResolver(),
        timeouts: Timeouts = Timeouts()
    ) {
        server = options.server
        tls = options.tlsServerName.map { ($0, TLSContextCache(.nameServer(trust))) }
        self.system = system
        self.timeouts = timeouts
    }

    func lookUp(_ question: NameQuestion, on eventLoop: any EventLoop) -> EventLoopFuture<NameAnswer> {
        guard let name = DNSName(question.name) else {
            return eventLoop.makeFailedFuture(NameFailure(name: question.name, reason: "it is not a DNS name"))
        }
        let query = DNSQuery(id: .random(in: .min ... .max), name: name, family: question.family)
        return serverAddresses(on: eventLoop).flatMap { servers in
            tls == nil ? overUDP(query, servers, attempt: 0) : overStream(query, servers, attempt: 0)
        }.flatMapErrorThrowing { error in
            if let failure = error as? NameFailure { throw failure }
            throw NameFailure(name: question.name, reason: "name server \(server): \(Self.explain(error))")
        }
    }

    private static func explain(_ error: any Error) -> String {
        (error as? DNSFailure)?.reason ?? ConnectionPeer.nameServer.explain(error).what
    }

    private func serverAddresses(on eventLoop: any EventLoop) -> EventLoopFuture<ServerAddresses> {
        guard !server.isIPLiteral else {
            return eventLoop.makeCompletedFuture {
                ServerAddresses(eventLoop, [try SocketAddress(ipAddress: server.host, port: server.port)])
            }
        }
        let lookups = TransportOptions.IPFamily.allCases.map {
            system.lookUp(NameQuestion(name: server.host, family: $0), on: eventLoop)
        }
        return EventLoopFuture.whenAllComplete(lookups, on: eventLoop).flatMapThrowing { answers in
            let addresses = answers.flatMap { (try? $0.get().addresses) ?? [] }
            guard !addresses.isEmpty else { throw DNSFailure.serverUnresolved }
            return ServerAddresses(
                eventLoop,
                try addresses.map { try SocketAddress(ipAddress: $0.description, port: server.port) }
            )
        }
    }

    /// The addresses of the server, at least one; attempts take turns.
    private struct ServerAddresses: Sendable {
        let eventLoop: any EventLoop
        let addresses: [SocketAddress]

        init(_ eventLoop: any EventLoop, _ addresses: [SocketAddress]) {
            self.eventLoop = eventLoop
            self.addresses = addresses
        }

        func address(_ attempt: Int) -> SocketAddress { addresses[attempt % addresses.count] }
    }

    // MARK: Attempts

    private func overUDP(_ query: DNSQuery, _ servers: ServerAddresses, attempt: Int) -> EventLoopFuture<NameAnswer> {
        let answer = servers.eventLoop.makePromise(of: NameAnswer.self)
        let connected = DatagramBootstrap(group: servers.eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DNSDatagramHandler(query, answer))
                }
            }
            .connect(to: servers.address(attempt))
        return awaitAnswer(on: connected, answer, within: timeouts.datagrams[attempt]).flatMapError { error in
            if error as? DNSFailure == .truncated { return overStream(query, servers, attempt: 0) }
            guard attempt + 1 < timeouts.datagrams.count, Self.isWorthRetrying(error) else {
                return servers.eventLoop.makeFailedFuture(error)
            }
            return overUDP(query, servers, attempt: attempt + 1)
        }
    }

    /// The trust store and the CA file are read first, on a thread that may block on the disk.
    private func overStream(_ query: DNSQuery, _ servers: ServerAddresses, attempt: Int) -> EventLoopFuture<NameAnswer>
    {
        guard let tls else { return overStream(query, servers, nil, attempt: attempt) }
        return BlockingThreads.files.run(on: servers.eventLoop) { try tls.contexts.context() }.flatMap { context in
            overStream(query, servers, (tls.name, context), attempt: attempt)
        }
    }

    private func overStream(
        _ query: DNSQuery,
        _ servers: ServerAddresses,
        _ tls: (name: String, context: TLSClientContext)?,
        attempt: Int
    ) -> EventLoopFuture<NameAnswer> {
        let answer = servers.eventLoop.makePromise(of: NameAnswer.self)
        let connected = ClientBootstrap(group: servers.eventLoop)
            .connectTimeout(TimeAmount(timeouts.streams[attempt]))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls {
                        try pipeline.addHandlers(try TLSClient.handlers(tls.context, to: tls.name))
                    }
                    try pipeline.addHandler(DNSStreamHandler(query, answer, awaitsTLS: tls != nil))
                }
            }
            .connect(to: servers.address(attempt))
        return awaitAnswer(on: connected, answer, within: timeouts.streams[attempt]).flatMapError { error in
            guard attempt + 1 < timeouts.streams.count, Self.isWorthRetrying(error) else {
                return servers.eventLoop.makeFailedFuture(error)
            }
            return overStream(query, servers, tls, attempt: attempt + 1)
        }
    }

    /// Whether another attempt may succeed: not if the server has answered, or failed verification.
    private static func isWorthRetrying(_ error: any Error) -> Bool {
        switch error {
        case DNSFailure.timeout, DNSFailure.closed, ChannelError.connectTimeout: true
        case is IOError: true
        default: false
        }
    }

    /// Waits for the answer on a connection, at most for `limit`, and closes the connection.
    private func awaitAnswer(
        on connected: EventLoopFuture<any Channel>,
        _ answer: EventLoopPromise<NameAnswer>,
        within limit: Duration
    ) -> EventLoopFuture<NameAnswer> {
        let timer = connected.eventLoop.scheduleTask(in: TimeAmount(limit)) { answer.fail(DNSFailure.timeout) }
        connected.whenFailure { answer.fail($0) }
        answer.futureResult.whenComplete { _ in
            timer.cancel()
            connected.whenSuccess { $0.close(promise: nil) }
        }
        return answer.futureResult
    }
}

internal import Linux
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import RstreamModel

/// A name server of the user's own, asked over UDP and, where an answer does not fit, over TCP; or over TLS only
/// (RFC 7858), with a certificate that must have the configured name.
///
/// Each question has a socket of its own, and so a port of its own.
struct DNSAddressSource: AddressSource {
    /// How long each attempt waits for its answer.
    struct Patience: Sendable {
        /// Over UDP, where a lost datagram is sent again.
        var datagrams: [Duration] = [.seconds(1), .seconds(2), .seconds(4)]
        /// Over TCP or TLS, connecting included.
        var streams: [Duration] = [.seconds(4), .seconds(4)]
    }

    private let server: EngineAddress
    private let tls: (name: String, contexts: TLSContextCache)?
    private let system: any AddressSource
    private let patience: Patience

    /// Asks the server of `options`; its own name, if it has one, is known to `system`.
    init(
        _ options: TransportOptions.DNS,
        trust: TransportOptions.TLS = TransportOptions.TLS(),
        system: any AddressSource = SystemAddressSource(),
        patience: Patience = Patience()
    ) {
        server = options.server
        tls = options.tlsServerName.map { ($0, TLSContextCache(.nameServer(trust))) }
        self.system = system
        self.patience = patience
    }

    func lookUp(_ question: NameQuestion, on eventLoop: any EventLoop) -> EventLoopFuture<NameAnswer> {
        guard let name = DNSName(question.name) else {
            return eventLoop.makeFailedFuture(NameFailure(name: question.name, reason: "it is no DNS name"))
        }
        let query = DNSQuery(id: .random(in: .min ... .max), name: name, family: question.family)
        return servers(on: eventLoop).flatMap { servers in
            tls == nil ? overUDP(query, servers, attempt: 0) : overStream(query, servers, attempt: 0)
        }.flatMapErrorThrowing { error in
            if let failure = error as? NameFailure { throw failure }
            throw NameFailure(name: question.name, reason: "name server \(server): \(Self.explain(error))")
        }
    }

    private static func explain(_ error: any Error) -> String {
        (error as? DNSFailure)?.reason ?? ConnectionPeer.nameServer.explain(error).what
    }

    private func servers(on eventLoop: any EventLoop) -> EventLoopFuture<Servers> {
        guard !server.isIPLiteral else {
            return eventLoop.makeCompletedFuture {
                Servers(eventLoop, [try SocketAddress(ipAddress: server.host, port: server.port)])
            }
        }
        let asked = TransportOptions.IPFamily.allCases.map {
            system.lookUp(NameQuestion(name: server.host, family: $0), on: eventLoop)
        }
        return EventLoopFuture.whenAllComplete(asked, on: eventLoop).flatMapThrowing { answers in
            let addresses = answers.flatMap { (try? $0.get().addresses) ?? [] }
            guard !addresses.isEmpty else { throw DNSFailure.nowhere }
            return Servers(
                eventLoop,
                try addresses.map { try SocketAddress(ipAddress: $0.description, port: server.port) }
            )
        }
    }

    /// Where the server is, never nowhere; attempts take turns.
    private struct Servers: Sendable {
        let eventLoop: any EventLoop
        let addresses: [SocketAddress]

        init(_ eventLoop: any EventLoop, _ addresses: [SocketAddress]) {
            self.eventLoop = eventLoop
            self.addresses = addresses
        }

        func address(_ attempt: Int) -> SocketAddress { addresses[attempt % addresses.count] }
    }

    // MARK: Attempts

    private func overUDP(_ query: DNSQuery, _ servers: Servers, attempt: Int) -> EventLoopFuture<NameAnswer> {
        let answer = servers.eventLoop.makePromise(of: NameAnswer.self)
        let connected = DatagramBootstrap(group: servers.eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DNSDatagramHandler(query, answer))
                }
            }
            .connect(to: servers.address(attempt))
        return end(connected, answer, within: patience.datagrams[attempt]).flatMapError { error in
            if error as? DNSFailure == .truncated { return overStream(query, servers, attempt: 0) }
            guard attempt + 1 < patience.datagrams.count, Self.mayHelp(error) else {
                return servers.eventLoop.makeFailedFuture(error)
            }
            return overUDP(query, servers, attempt: attempt + 1)
        }
    }

    /// The trust store and its file are read before there is a connection, on a thread that may wait for a disk.
    private func overStream(_ query: DNSQuery, _ servers: Servers, attempt: Int) -> EventLoopFuture<NameAnswer> {
        guard let tls else { return overStream(query, servers, nil, attempt: attempt) }
        return BlockingThreads.files.run(on: servers.eventLoop) { try tls.contexts.context() }.flatMap { context in
            overStream(query, servers, (tls.name, context), attempt: attempt)
        }
    }

    private func overStream(
        _ query: DNSQuery,
        _ servers: Servers,
        _ tls: (name: String, context: TLSClientContext)?,
        attempt: Int
    ) -> EventLoopFuture<NameAnswer> {
        let answer = servers.eventLoop.makePromise(of: NameAnswer.self)
        let connected = ClientBootstrap(group: servers.eventLoop)
            .connectTimeout(TimeAmount(patience.streams[attempt]))
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
        return end(connected, answer, within: patience.streams[attempt]).flatMapError { error in
            guard attempt + 1 < patience.streams.count, Self.mayHelp(error) else {
                return servers.eventLoop.makeFailedFuture(error)
            }
            return overStream(query, servers, tls, attempt: attempt + 1)
        }
    }

    /// Whether another attempt can end otherwise: not when the server has answered, or is not whom we want.
    private static func mayHelp(_ error: any Error) -> Bool {
        switch error {
        case DNSFailure.timeout, DNSFailure.closed, ChannelError.connectTimeout: true
        case is IOError: true
        default: false
        }
    }

    /// Waits for the answer on a connection for a while, and closes it.
    private func end(
        _ connected: EventLoopFuture<any Channel>,
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

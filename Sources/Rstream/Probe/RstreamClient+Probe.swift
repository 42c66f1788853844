// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import NIOCore
internal import NIOSSL
internal import NIOTLS
internal import RstreamCore
internal import RstreamModel
internal import RstreamSocket
internal import Synchronization

extension RstreamClient {
    /// Connects to the engine step by step and reports the result of each step. Ends at the first one that fails;
    /// certificates are reported before they are verified.
    ///
    /// The last step opens a control channel and closes it again.
    ///
    /// - Parameter report: Gets each result, in order.
    package func probe(_ report: (ProbeStep) async -> Void) async {
        do throws(RstreamError) {
            let token = try await step(report) { () throws(RstreamError) in
                (token: try await options.token(), expiry: await tokenExpiry())
            } found: {
                .credential($0.map { $0.expiry })
            }.token
            if case .hardwareKey = options.credential {
                _ = try await step(report) { () throws(RstreamError) in
                    let start = ContinuousClock.now
                    try await contexts.threads.tryRun { [contexts] () throws(RstreamError) in _ = try contexts.context()
                    }
                    return start.duration(to: .now)
                } found: {
                    .key($0)
                }
            }
            let engine = try await step(report) { () throws(RstreamError) in
                try await resolver.resolve(token: token)
            } found: {
                .engine($0.map(\.address))
            }.address
            let route = try await step(report) { () throws(RstreamError) in
                try EngineRoute(to: engine, by: options.transport.proxy)
            } found: {
                .proxy($0.map(\.proxy?.description))
            }
            try await dial(route.proxy?.address ?? engine, isProxy: route.proxy != nil, report)
            try await secure(engine, report)
            let start = ContinuousClock.now
            _ = try await step(report) { () throws(RstreamError) in
                let channel = try await connect()
                let answer = ProbeAnswer(
                    clientID: channel.clientID,
                    server: channel.serverDetails,
                    livenessTimeout: channel.livenessTimeout,
                    after: start.duration(to: .now)
                )
                await channel.close()
                return answer
            } found: {
                .answered($0)
            }
        } catch {
            // Already reported.
        }
    }

    private func step<Found: Sendable>(
        _ report: (ProbeStep) async -> Void,
        _ body: () async throws(RstreamError) -> Found,
        found name: (Result<Found, RstreamError>) -> ProbeStep
    ) async throws(RstreamError) -> Found {
        do throws(RstreamError) {
            let found = try await body()
            await report(name(.success(found)))
            return found
        } catch {
            await report(name(.failure(error)))
            throw error
        }
    }

    // MARK: TCP

    private func dial(
        _ address: EngineAddress,
        isProxy: Bool,
        _ report: (ProbeStep) async -> Void
    ) async throws(RstreamError) {
        let (transport, timeout, eventLoop) = (options.transport, options.timeouts.connect, group.any())
        let service = isProxy ? names.proxy : names.engine
        if IPAddress(address.host) == nil {
            let families = transport.ipFamily.map { [$0] } ?? TransportOptions.IPFamily.allCases
            _ = try await step(report) { () throws(RstreamError) in
                try await Self.addresses(of: address, families, service, on: eventLoop)
            } found: {
                .addresses(of: address.host, $0)
            }
        }
        let start = ContinuousClock.now
        _ = try await step(report) { () throws(RstreamError) in
            do {
                let channel = try await Dialer(transport)
                    .dial(address, names: service, on: eventLoop, within: timeout).get()
                channel.abort()
                return start.duration(to: .now)
            } catch {
                throw RstreamError.connection(to: address, error)
            }
        } found: {
            .connected(to: "\(address)", $0)
        }
    }

    private static func addresses(
        of address: EngineAddress,
        _ families: [TransportOptions.IPFamily],
        _ service: NameService,
        on eventLoop: any EventLoop
    ) async throws(RstreamError) -> [IPAddress] {
        var (found, failure): ([IPAddress], (any Error)?) = ([], nil)
        for family in families {
            // The future never fails.
            let question = NameQuestion(name: address.host, family: family)
            switch try? await service.outcome(question, on: eventLoop).get() {
            case .success(let answer): found += answer.addresses
            case .failure(let error): failure = error
            case nil: break
            }
        }
        guard found.isEmpty else { return found }
        let reason = failure ?? NameFailure(name: address.host, reason: "it has no address")
        throw RstreamError.connection(to: address, reason)
    }

    // MARK: TLS

    /// A bound of the reported certificates.
    private static let mostCertificates = 10

    private func secure(
        _ engine: EngineAddress,
        _ report: (ProbeStep) async -> Void
    ) async throws(RstreamError) {
        let seen = Lock<[PresentedCertificate]>([])
        do throws(RstreamError) {
            var connector = try await connector(to: engine)
            let collect: @Sendable ([NIOSSLCertificate]) -> Void = { chain in
                let shown = chain.prefix(Self.mostCertificates).map(PresentedCertificate.init)
                seen.withLock { $0 = shown }
            }
            connector.inspect = collect
            _ = try await handshake(connector, engine)
            await report(.certificates(.success(seen.withLock { $0 })))
        } catch {
            // The inspecting handshake always fails; the certificates came before that.
            let shown = seen.withLock { $0 }
            await report(.certificates(shown.isEmpty ? .failure(error) : .success(shown)))
            if shown.isEmpty { throw error }
        }
        _ = try await step(report) { () throws(RstreamError) in
            try await handshake(try await connector(to: engine), engine)
        } found: {
            .secured($0)
        }
    }

    /// The negotiated application protocol (ALPN), after the TLS handshake.
    private func handshake(
        _ connector: EngineConnector,
        _ engine: EngineAddress
    ) async throws(RstreamError) -> String? {
        let eventLoop = group.any()
        let agreed = eventLoop.makePromise(of: String?.self)
        let timeout = options.timeouts.connect
        let connecting = connector.connect(to: engine, on: eventLoop, within: timeout, autoRead: true) {
            HandshakeWatcher(agreed)
        }
        connecting.whenFailure { agreed.fail($0) }
        let timer = eventLoop.scheduleTask(in: TimeAmount(timeout)) { agreed.fail(HandshakeTimeout(duration: timeout)) }
        defer {
            timer.cancel()
            connecting.whenSuccess { $0.abort() }
        }
        do {
            return try await agreed.futureResult.get()
        } catch {
            let route = (try? EngineRoute(to: engine, by: options.transport.proxy)) ?? .direct
            throw RstreamError.connection(to: engine, route, error)
        }
    }
}

/// Completes a promise when the TLS handshake ends. Confined to the channel's event loop.
private final class HandshakeWatcher: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let agreed: EventLoopPromise<String?>

    init(_ agreed: EventLoopPromise<String?>) { self.agreed = agreed }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted(let negotiated) = event { agreed.succeed(negotiated) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        agreed.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        agreed.fail(ChannelError.eof)
        context.fireChannelInactive()
    }
}

extension EngineRoute {
    fileprivate var proxy: ProxyHop? {
        switch self {
        case .direct: nil
        case .proxy(let hop): hop
        }
    }
}

extension PresentedCertificate {
    /// A bound of the reported names of one certificate.
    private static let mostNames = 16

    fileprivate init(_ certificate: NIOSSLCertificate) {
        self.init(
            names: (try? CertificateContents(certificate))?.shownNames(Self.mostNames) ?? [],
            notBefore: Int64(certificate.notValidBefore),
            notAfter: Int64(certificate.notValidAfter)
        )
    }
}

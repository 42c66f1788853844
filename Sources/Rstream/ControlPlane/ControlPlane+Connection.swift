// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ClientConfiguration
internal import Linux
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import RstreamCore
internal import RstreamModel

/// The connection to a control plane. It uses the engine's proxy, local address and name servers.
extension ControlPlane {
    /// The TLS contexts for the control plane and an `https` proxy; nil without TLS.
    struct Contexts: Sendable {
        let controlPlane: TLSClientContext?
        let proxy: TLSClientContext?
    }

    /// Connects and sends the request. `answer` gets the response or the error; the caller sets its timeout.
    func connect(
        to url: ControlPlaneURL,
        on eventLoop: any EventLoop,
        asking request: HTTPRequestHead,
        _ token: Secret,
        _ contexts: Contexts,
        answer: EventLoopPromise<ExchangeHandler.Answer>
    ) -> EventLoopFuture<any Channel> {
        let route: EngineRoute
        do {
            route = try EngineRoute(to: url.address, by: transport.proxy)
        } catch {
            return eventLoop.makeFailedFuture(error)
        }
        let exchange = Exchange(url: url, request: request, token: token, tls: contexts.controlPlane, answer: answer)
        let dialer = Dialer(transport)
        let connected: EventLoopFuture<any Channel> =
            switch route {
            case .direct:
                dialer.dial(url.address, names: names.engine, on: eventLoop, within: timeout)
                    .flatMapThrowing { channel in
                        try exchange.start(on: channel, at: .last)
                        return channel
                    }
            case .proxy(let hop):
                ProxyTarget(transport: transport, names: names.engine)
                    .address(for: url.address, on: eventLoop, within: timeout)
                    .flatMap { target in
                        dialer.dial(hop.address, names: names.proxy, on: eventLoop, within: timeout)
                            .flatMapThrowing { channel in
                                try start(exchange, through: hop, to: target, contexts.proxy, on: channel)
                                return channel
                            }
                    }
            }
        return connected.flatMapErrorThrowing { error in
            if case .proxy(let hop) = route { throw Self.error(at: url, through: hop, .proxy, error) }
            throw error
        }.flatMap { channel -> EventLoopFuture<any Channel> in
            guard channel.isActive else { return eventLoop.makeFailedFuture(ChannelError.eof) }
            channel.pipeline.fireChannelActive()
            // A response ends with the connection, so a half-close by the server closes it.
            return channel.setOption(.allowRemoteHalfClosure, value: false)
                .flatMap { channel.setOption(.autoRead, value: true) }
                .map { channel }
        }
    }

    private func start(
        _ exchange: Exchange,
        through hop: ProxyHop,
        to target: EngineAddress,
        _ context: TLSClientContext?,
        on channel: any Channel
    ) throws {
        let pipeline = channel.pipeline.syncOperations
        if hop.language == .https {
            guard let context else { throw ChannelError.operationUnsupported }
            let name = hop.tls.serverName ?? hop.address.host
            let verification: TLSClient.Verification = hop.tls.insecureSkipVerify ? .none : .full
            try pipeline.addHandlers(try TLSClient.handlers(context, to: name, verification: verification))
        }
        let url = exchange.url
        let proxy = ProxyHandler(
            hop.machine(to: target),
            awaitsTLS: hop.language == .https,
            deadline: .now() + TimeAmount(timeout),
            timeout: timeout
        ) { error in
            Self.error(at: url, through: hop, .proxy, error)
        } open: { handler, channel in
            let errors = ProxyErrorHandler { Self.error(at: url, through: hop, .controlPlane, $0) }
            try exchange.start(on: channel, at: .after(handler), behind: [errors])
        }
        try pipeline.addHandler(proxy)
        // Completes `answer` if the connection fails before the request's handlers are added.
        try pipeline.addHandler(FailureHandler(exchange.answer))
    }

    /// The error of a connection through a proxy; `peer` is what failed, the proxy or the control plane behind it.
    private static func error(
        at url: ControlPlaneURL,
        through hop: ProxyHop,
        _ peer: ConnectionPeer,
        _ error: any Error
    ) -> RstreamError {
        if let error = error as? RstreamError { return error }
        let failure = error as? ProxyFailure
        let (reason, fix) = failure.map { ($0.what, $0.fix) } ?? peer.explain(error)
        return RstreamError(
            code: .controlPlane,
            origin: failure?.origin == .configuration ? .configuration : .host,
            retry: .afterBackoff,
            what: "control plane \(url.address) through \(hop): \(reason)",
            fix: fix
        )
    }
}

/// One HTTP request and the promise of its response.
private struct Exchange: Sendable {
    let url: ControlPlaneURL
    let request: HTTPRequestHead
    let token: Secret
    let tls: TLSClientContext?
    let answer: EventLoopPromise<ExchangeHandler.Answer>

    /// Adds the handlers of the request, which is sent when the channel becomes active for them.
    func start(
        on channel: any Channel,
        at position: ChannelPipeline.SynchronousOperations.Position,
        behind others: [any ChannelHandler] = []
    ) throws {
        var handlers: [any ChannelHandler] = []
        if let tls { handlers = try TLSClient.handlers(tls, to: url.address.host) + others }
        handlers.append(RequestWriter(token: token))
        handlers.append(ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes)))
        handlers.append(ExchangeHandler(request, waitsForTLS: tls != nil, answer: answer))
        try channel.pipeline.syncOperations.addHandlers(handlers, position: position)
    }
}

/// The last handler of a pipeline while the proxy is negotiated: fails the response with an error of the connection.
/// Confined to the channel's event loop.
private final class FailureHandler: ChannelInboundHandler {
    typealias InboundIn = Any

    private let answer: EventLoopPromise<ExchangeHandler.Answer>

    init(_ answer: EventLoopPromise<ExchangeHandler.Answer>) {
        self.answer = answer
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        answer.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context _: ChannelHandlerContext) { answer.fail(ChannelError.eof) }
}

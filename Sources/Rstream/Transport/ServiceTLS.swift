// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
package import NIOCore
internal import NIOTLS
package import RstreamModel

/// TLS to services, for the daemon's upstreams: files, verification and errors are those of connections to proxies.
///
/// Files are read before the first connection, and again in the background, once a second at most, while connections
/// are made. Two are equal when their settings are. Immutable; the cache of the TLS context guards itself.
package final class ServiceTLS: Hashable, Sendable {
    package struct Settings: Hashable, Sendable {
        package let tls: TransportOptions.TLS
        /// The certificate to show a service that asks for one.
        package let credential: ConfiguredCredential

        package init(_ tls: TransportOptions.TLS, credential: ConfiguredCredential = .none) {
            (self.tls, self.credential) = (tls, credential)
        }
    }

    package let settings: Settings
    private let cache: TLSContextCache

    package init(_ settings: Settings) {
        self.settings = settings
        cache = Self.cache(settings)
    }

    private static func cache(_ settings: Settings) -> TLSContextCache {
        TLSContextCache(.upstream(settings.tls), credential: RstreamClientOptions.Credential(settings.credential))
    }

    /// The errors of the files that the settings name. Blocks on the disk.
    package static func problems(of settings: Settings) -> [RstreamError] {
        cache(settings).problems(authorities: .engineAuthority).map(\.error)
    }

    /// Starts TLS on a connection that carries no bytes yet, with its handlers in front of `handler`. `host` is the name
    /// of the service unless the settings have one.
    ///
    /// The future succeeds after the handshake. It fails with ``RstreamError``, whose `what` does not name the service;
    /// the connection is then the caller's to drop.
    package func start(
        on channel: any Channel,
        before handler: any ChannelHandler,
        host: String
    ) -> EventLoopFuture<Void> {
        let eventLoop = channel.eventLoop
        return context(on: eventLoop).assumeIsolated().flatMap { context in
            let done = eventLoop.makePromise(of: Void.self)
            do {
                guard channel.isActive else { throw ChannelError.eof }
                let tls = try TLSClient.handlers(
                    context,
                    to: self.settings.tls.serverName ?? host,
                    verification: self.settings.tls.insecureSkipVerify ? .none : .full
                )
                let handlers: [any ChannelHandler] = [HalfCloseFilter()] + tls + [ServiceHandshakeHandler(done)]
                try channel.pipeline.syncOperations.addHandlers(handlers, position: .before(handler))
                channel.read()
            } catch {
                done.fail(error)
            }
            return done.futureResult
        }.nonisolated().flatMapErrorThrowing { error in throw Self.failed(error) }
    }

    private func context(on eventLoop: any EventLoop) -> EventLoopFuture<TLSClientContext> {
        if let context = cache.lastContext() { return eventLoop.makeSucceededFuture(context) }
        return cache.threads.run(on: eventLoop) { [cache] in try cache.context() }
    }

    private static func failed(_ error: any Error) -> RstreamError {
        if let error = error as? RstreamError { return error }
        let (what, fix) = ConnectionPeer.upstream.explain(error)
        return RstreamError(
            code: .upstreamUnreachable,
            origin: .upstream,
            retry: .afterBackoff,
            what: "TLS: \(what)",
            fix: fix ?? "look at the service's own log, or change the tunnel's upstream.tls"
        )
    }

    package static func == (left: ServiceTLS, right: ServiceTLS) -> Bool { left.settings == right.settings }

    package func hash(into hasher: inout Hasher) { hasher.combine(settings) }
}

/// Reads for the handshake, reports its end, and removes itself.
///
/// Confined to the channel's event loop.
private final class ServiceHandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let done: EventLoopPromise<Void>
    private var isDone = false

    init(_ done: EventLoopPromise<Void>) {
        self.done = done
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if isDone { context.fireChannelReadComplete() } else { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case TLSUserEvent.handshakeCompleted = event else {
            return context.fireUserInboundEventTriggered(event)
        }
        isDone = true
        done.succeed()
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        isDone = true
        done.fail(error)
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        isDone = true
        done.fail(ChannelError.eof)
        context.fireChannelInactive()
    }
}

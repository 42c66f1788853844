public import NIOCore
public import NIOHTTP1
internal import RstreamModel

/// HTTP/1.1 on the streams of a tunnel, as engines speak it to tunnels with `protocol: .http`.
extension RstreamTunnel {
    /// The parts of the requests on one connection: a head, its body, its end, and then the next head.
    public typealias HTTPRequestParts = NIOAsyncChannelInboundStream<HTTPServerRequestPart>
    /// Takes the parts of the responses, in the order of the requests.
    public typealias HTTPResponseWriter = NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>

    /// Serves HTTP/1.1 with a closure that is called once for each connection.
    ///
    /// NIO's HTTP server pipeline is in place: pipelined requests come one after the other, and requests that are no HTTP
    /// get status 400. Concurrency, ends and errors are those of ``serve(maxConcurrentStreams:_:)``.
    ///
    /// - Parameters:
    ///   - maxConcurrentStreams: How many connections are served at the same time; 1 at least, 1,024 unless given.
    ///   - handler: Answers the requests of one connection. The connection is closed when it returns, and reset when it
    ///     throws.
    /// - Throws: `CancellationError` when the task was cancelled, otherwise the ``RstreamError`` that ended the tunnel.
    public func serveHTTP(
        maxConcurrentStreams: Int = RstreamTunnel.defaultConcurrentStreams,
        _ handler:
            @escaping @Sendable (_ requests: HTTPRequestParts, _ responses: HTTPResponseWriter) async throws -> Void
    ) async throws {
        try await serve(maxConcurrentStreams: maxConcurrentStreams) { stream in
            let parts: NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart> = try await stream.start {
                channel in
                try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                return try channel.wrapped()
            }
            try await parts.executeThenReset(handler)
        }
    }

    /// Serves HTTP/1.1 with channel handlers.
    ///
    /// - Parameters:
    ///   - maxConcurrentStreams: How many connections are served at the same time; 1 at least, 1,024 unless given.
    ///   - configure: Adds your handlers behind NIO's HTTP server pipeline, on the channel's event loop. They read
    ///     `HTTPServerRequestPart`, write `HTTPServerResponsePart`, and close the channel.
    /// - Throws: `CancellationError` when the task was cancelled, otherwise the ``RstreamError`` that ended the tunnel.
    public func serveHTTP(
        maxConcurrentStreams: Int = RstreamTunnel.defaultConcurrentStreams,
        configure: @escaping @Sendable (_ channel: any Channel) throws -> Void
    ) async throws {
        try await serve(maxConcurrentStreams: maxConcurrentStreams) { stream in
            try await stream.serve { channel in
                try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                try configure(channel)
            }
        }
    }

    /// Serves HTTP/1.1 whose connections may be upgraded to another protocol, WebSocket for instance.
    ///
    /// - Parameters:
    ///   - maxConcurrentStreams: How many connections are served at the same time; 1 at least, 1,024 unless given.
    ///   - upgrade: Makes NIO's description of the upgrades for one connection, on its event loop: which requests are
    ///     upgraded, and what becomes of the channel with and without an upgrade, mostly a `NIOAsyncChannel` in a case of
    ///     an enum.
    ///   - handler: Serves what `upgrade` made of the connection, which is closed when the handler returns.
    /// - Throws: `CancellationError` when the task was cancelled, otherwise the ``RstreamError`` that ended the tunnel.
    public func serveHTTP<Negotiated: Sendable>(
        maxConcurrentStreams: Int = RstreamTunnel.defaultConcurrentStreams,
        upgrade:
            @escaping @Sendable (_ channel: any Channel) throws -> NIOTypedHTTPServerUpgradeConfiguration<Negotiated>,
        _ handler: @escaping @Sendable (_ negotiated: Negotiated) async throws -> Void
    ) async throws {
        try await serve(maxConcurrentStreams: maxConcurrentStreams) { stream in
            let negotiated = try await stream.start { channel in
                try channel.pipeline.syncOperations.configureUpgradableHTTPServerPipeline(
                    configuration: NIOUpgradableHTTPServerPipelineConfiguration(
                        upgradeConfiguration: try upgrade(channel)
                    )
                )
            }
            try await handler(try await negotiated.get())
        }
    }
}

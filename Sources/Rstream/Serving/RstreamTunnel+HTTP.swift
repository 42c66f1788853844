// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

public import NIOCore
public import NIOHTTP1

extension RstreamTunnel {
    /// Serves HTTP/1.1 with a closure that is called once for each connection.
    ///
    /// Concurrency, ends and errors are those of ``serve(maxConcurrentStreams:_:)``.
    ///
    /// - Parameters:
    ///   - maxConcurrentStreams: How many connections are served at the same time; 1 at least, 1,024 unless given.
    ///   - handler: Answers the requests of one connection; see ``RstreamAcceptedStream/withHTTP(_:)``.
    /// - Throws: `CancellationError` when the task was cancelled, otherwise the ``RstreamError`` that ended the tunnel.
    public func serveHTTP(
        maxConcurrentStreams: Int = RstreamTunnel.defaultConcurrentStreams,
        _ handler:
            @escaping @Sendable (
                _ requests: RstreamAcceptedStream.HTTPRequestParts,
                _ responses: RstreamAcceptedStream.HTTPResponseWriter
            ) async throws -> Void
    ) async throws {
        try await serve(maxConcurrentStreams: maxConcurrentStreams) { stream in
            try await stream.withHTTP(handler)
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
    ///   - upgrade: Makes NIO's description of the upgrades for one connection; see
    ///     ``RstreamAcceptedStream/withHTTP(upgrade:_:)``.
    ///   - handler: Serves what `upgrade` made of the connection.
    /// - Throws: `CancellationError` when the task was cancelled, otherwise the ``RstreamError`` that ended the tunnel.
    public func serveHTTP<Negotiated: Sendable>(
        maxConcurrentStreams: Int = RstreamTunnel.defaultConcurrentStreams,
        upgrade:
            @escaping @Sendable (_ channel: any Channel) throws -> NIOTypedHTTPServerUpgradeConfiguration<Negotiated>,
        _ handler: @escaping @Sendable (_ negotiated: Negotiated) async throws -> Void
    ) async throws {
        try await serve(maxConcurrentStreams: maxConcurrentStreams) { stream in
            try await stream.withHTTP(upgrade: upgrade, handler)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

public import NIOCore
public import NIOHTTP1
internal import RstreamSocket

/// HTTP/1.1 on one stream, as engines speak it to tunnels with `protocol: .http`.
extension RstreamAcceptedStream {
    /// The parts of the requests on one connection: a head, its body, its end, and then the next head.
    public typealias HTTPRequestParts = NIOAsyncChannelInboundStream<HTTPServerRequestPart>
    /// Takes the parts of the responses, in the order of the requests.
    public typealias HTTPResponseWriter = NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>

    /// Starts the stream as an HTTP/1.1 connection and answers its requests.
    ///
    /// NIO's HTTP server pipeline is in place: pipelined requests come one after the other, and what is no HTTP gets
    /// status 400.
    ///
    /// - Parameter body: Answers the requests. When it returns, what was written is delivered and the connection
    ///   closed; when it throws, or the task is cancelled, the connection is reset.
    /// - Throws: What `body` throws, or a `ChannelError` when the connection was gone before it began.
    public func withHTTP(
        _ body: (_ requests: HTTPRequestParts, _ responses: HTTPResponseWriter) async throws -> Void
    ) async throws {
        let channel = channel
        try await withTaskCancellationHandler {
            let parts: NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart> = try await start { channel in
                try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                return try channel.wrapped()
            }
            try await parts.executeThenReset(body)
        } onCancel: {
            channel.abort()
        }
    }

    /// Starts the stream as an HTTP/1.1 connection that may be upgraded to another protocol, WebSocket for instance.
    ///
    /// - Parameters:
    ///   - upgrade: Makes NIO's description of the upgrades, on the channel's event loop: which requests are upgraded,
    ///     and what becomes of the channel with and without an upgrade, mostly a `NIOAsyncChannel` in a case of an
    ///     enum.
    ///   - body: Serves what `upgrade` made of the connection. The connection is closed when it returns, and reset when
    ///     it throws or the task is cancelled.
    /// - Throws: What `upgrade` and `body` throw, or a `ChannelError` when the connection ended before the first
    ///   request.
    public func withHTTP<Negotiated: Sendable>(
        upgrade:
            @escaping @Sendable (_ channel: any Channel) throws -> NIOTypedHTTPServerUpgradeConfiguration<Negotiated>,
        _ body: (_ negotiated: Negotiated) async throws -> Void
    ) async throws {
        let channel = channel
        try await withTaskCancellationHandler {
            let negotiated = try await start { channel in
                try channel.pipeline.syncOperations.configureUpgradableHTTPServerPipeline(
                    configuration: NIOUpgradableHTTPServerPipelineConfiguration(
                        upgradeConfiguration: try upgrade(channel)
                    )
                )
            }
            do {
                try await body(try await negotiated.get())
                channel.close(promise: nil)
            } catch {
                channel.abort()
                throw error
            }
            try await channel.closeFuture.get()
        } onCancel: {
            channel.abort()
        }
    }
}

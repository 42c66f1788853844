// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOHTTP1
import NIOWebSocket
import Rstream
import RstreamTestSupport

/// The service behind a published `http` tunnel: answers requests with a greeting, and sends WebSocket messages back.
struct Site: Sendable {
    /// Visitors who came through to us.
    let visitors = Observed(0)

    private enum Request {
        case page(NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>)
        case webSocket(NIOAsyncChannel<WebSocketFrame, WebSocketFrame>)
    }

    /// Serves the streams of `tunnel` until `body` returns.
    static func serving(_ tunnel: RstreamTunnel, _ body: (Site) async throws -> Void) async throws {
        let site = Site()
        try await withThrowingTaskGroup { group in
            group.addTask { await site.serve(tunnel) }
            try await body(site)
            group.cancelAll()
        }
    }

    private func serve(_ tunnel: RstreamTunnel) async {
        await withDiscardingTaskGroup { group in
            for await stream in tunnel.streams {
                group.addTask {
                    await withTaskCancellationHandler {
                        // A visitor that goes away is its own business.
                        try? await serve(stream)
                    } onCancel: {
                        stream.channel.close(promise: nil)
                    }
                }
            }
        }
    }

    private func serve(_ stream: RstreamAcceptedStream) async throws {
        let request = try await stream.start { channel in
            try channel.pipeline.syncOperations.configureUpgradableHTTPServerPipeline(
                configuration: NIOUpgradableHTTPServerPipelineConfiguration(upgradeConfiguration: Self.upgrade)
            )
        }
        visitors.change { $0 += 1 }
        switch try await request.get() {
        case .page(let page): try await Self.greet(page)
        case .webSocket(let socket): try await Self.echo(socket)
        }
    }

    private static var upgrade: NIOTypedHTTPServerUpgradeConfiguration<Request> {
        let upgrader = NIOTypedWebSocketServerUpgrader<Request>(
            shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture([:]) },
            upgradePipelineHandler: { channel, _ in
                channel.eventLoop.makeCompletedFuture {
                    .webSocket(try NIOAsyncChannel(wrappingChannelSynchronously: channel))
                }
            }
        )
        return NIOTypedHTTPServerUpgradeConfiguration(
            upgraders: [upgrader],
            notUpgradingCompletionHandler: { channel in
                channel.eventLoop.makeCompletedFuture {
                    .page(try NIOAsyncChannel(wrappingChannelSynchronously: channel))
                }
            }
        )
    }

    /// Answers with what the request was for.
    private static func greet(
        _ page: NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>
    ) async throws {
        try await page.executeThenClose { inbound, outbound in
            for try await case .head(let request) in inbound {
                let body = ByteBuffer(string: "Hello, \(request.uri)!")
                let headers: HTTPHeaders = ["Content-Length": "\(body.readableBytes)", "Connection": "close"]
                try await outbound.write(.head(HTTPResponseHead(version: .http1_1, status: .ok, headers: headers)))
                try await outbound.write(.body(.byteBuffer(body)))
                return try await outbound.write(.end(nil))
            }
        }
    }

    private static func echo(_ socket: NIOAsyncChannel<WebSocketFrame, WebSocketFrame>) async throws {
        try await socket.executeThenClose { inbound, outbound in
            for try await frame in inbound {
                let answer = WebSocketFrame(fin: frame.fin, opcode: frame.opcode, data: frame.unmaskedData)
                try await outbound.write(answer)
                if frame.opcode == .connectionClose { return }
            }
        }
    }
}

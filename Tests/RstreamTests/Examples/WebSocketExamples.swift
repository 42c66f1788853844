// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOHTTP1
import NIOWebSocket
import Rstream

func serveWebSockets(_ tunnel: RstreamTunnel) async throws {
    try await tunnel.serveHTTP(upgrade: webSocketUpgrade) { visitor in
        switch visitor {
        case .webSocket(let socket):
            try await socket.executeThenClose { frames, outbound in
                for try await frame in frames {
                    let answer = WebSocketFrame(fin: frame.fin, opcode: frame.opcode, data: frame.unmaskedData)
                    try await outbound.write(answer)
                    if frame.opcode == .connectionClose { return }
                }
            }
        case .page(let page):
            try await page.executeThenClose { _, responses in
                let headers: HTTPHeaders = ["Content-Length": "0", "Connection": "close"]
                let head = HTTPResponseHead(version: .http1_1, status: .upgradeRequired, headers: headers)
                try await responses.write(.head(head))
                try await responses.write(.end(nil))
            }
        }
    }
}

/// What a connection turned out to be.
enum Visitor: Sendable {
    case page(NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>)
    case webSocket(NIOAsyncChannel<WebSocketFrame, WebSocketFrame>)
}

/// Upgrades every request that asks for a WebSocket.
func webSocketUpgrade(_: any Channel) -> NIOTypedHTTPServerUpgradeConfiguration<Visitor> {
    let upgrader = NIOTypedWebSocketServerUpgrader<Visitor>(
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

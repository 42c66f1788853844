// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOHTTP1
import Rstream

// The code of README.md and of the articles in Rstream.docc; `DocumentedExampleTests` finds each block here.

func makeClient(token: String) throws -> RstreamClient {
    let client = try RstreamClient(engine: "1a2b3c4d.cluster.example", token: token)
    return client
}

func serveGreetings(through client: RstreamClient, print: @Sendable (String) -> Void) async throws {
    try await client.withControlChannel { control in
        try await control.withTunnel(TunnelSpec(protocol: .http)) { tunnel in
            print(tunnel.forwardingAddress)
            try await tunnel.serveHTTP { requests, responses in
                for try await case .head(let request) in requests {
                    let body = ByteBuffer(string: "Hello, \(request.uri)!\n")
                    let headers: HTTPHeaders = ["Content-Length": "\(body.readableBytes)"]
                    try await responses.write(.head(HTTPResponseHead(version: .http1_1, status: .ok, headers: headers)))
                    try await responses.write(.body(.byteBuffer(body)))
                    try await responses.write(.end(nil))
                    guard request.isKeepAlive else { return }
                }
            }
        }
    }
}

func serveGreetings(_ tunnel: RstreamTunnel) async throws {
    try await tunnel.serveHTTP(maxConcurrentStreams: 256) { channel in
        try channel.pipeline.syncOperations.addHandler(Greeter())
    }
}

/// Answers every request with the path that was asked for.
final class Greeter: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(let request) = unwrapInboundIn(data) else { return }
        let body = ByteBuffer(string: "Hello, \(request.uri)!\n")
        let headers: HTTPHeaders = ["Content-Length": "\(body.readableBytes)", "Connection": "close"]
        let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }
}

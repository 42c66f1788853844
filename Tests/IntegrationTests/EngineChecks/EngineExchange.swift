// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Crypto
import NIOCore
import Rstream
import RstreamTestSupport
import Testing

/// A question and its answer over a private tunnel, 256 KiB each.
///
/// The agent answers only when it has seen the end of the question, and the dialer reads to the end of the answer: each
/// direction ends on its own.
struct EngineExchange: Sendable {
    private static let count = 262_144
    private let question = ByteBuffer.pattern(count)
    private let answer = ByteBuffer.pattern(count, from: count)

    /// Dials `target`, which must lead to `tunnel`.
    func run(through client: RstreamClient, to target: String, of tunnel: RstreamTunnel) async throws {
        try await within("the exchange", limit: .seconds(60)) {
            async let asked = serve(tunnel)
            // Without an answer there is no need to wait for the question.
            try #require(try await ask(target, through: client) == SHA256.hash(answer))
            #expect(try await asked == SHA256.hash(question))
        }
    }

    /// What came as answer.
    private func ask(_ target: String, through client: RstreamClient) async throws -> SHA256Digest {
        let stream = try await client.dial(target)
        return try await stream.start(Self.bytes).executeThenClose { inbound, outbound in
            try await outbound.write(question)
            outbound.finish()
            return try await SHA256.hash(everything: inbound)
        }
    }

    /// What came as question.
    private func serve(_ tunnel: RstreamTunnel) async throws -> SHA256Digest {
        var streams = tunnel.streams.makeAsyncIterator()
        guard let stream = await streams.next() else {
            throw DeadlinePassed(what: "a stream", state: "the tunnel has ended")
        }
        return try await stream.start(Self.bytes).executeThenClose { inbound, outbound in
            let digest = try await SHA256.hash(everything: inbound)
            try await outbound.write(answer)
            return digest
        }
    }

    @Sendable private static func bytes(_ channel: any Channel) throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        try NIOAsyncChannel(
            wrappingChannelSynchronously: channel,
            configuration: .init(isOutboundHalfClosureEnabled: true)
        )
    }
}

extension SHA256 {
    fileprivate static func hash(_ bytes: ByteBuffer) -> SHA256Digest {
        var hash = SHA256()
        hash.update(bytes)
        return hash.finalize()
    }

    fileprivate static func hash(
        everything parts: NIOAsyncChannelInboundStream<ByteBuffer>
    ) async throws -> SHA256Digest {
        var hash = SHA256()
        for try await part in parts { hash.update(part) }
        return hash.finalize()
    }

    private mutating func update(_ bytes: ByteBuffer) {
        bytes.withUnsafeReadableBytes { update(bufferPointer: $0) }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("The bytes of a stream", .serialized, .timeLimit(.hang))
struct BytesTests {
    private struct Failed: Error {}

    private func withStream(
        _ body: (RstreamDialedStream, RstreamAcceptedStream) async throws -> Void
    ) async throws {
        try await TestEngine.with { engine in
            let client = engine.client()
            let control = try await client.connect()
            let tunnel = try await control.createTunnel(unpublished())
            let dialed = try await client.dial("private", zeroRTT: false)
            let accepted = try await tunnel.next()
            #expect(dialed.acceptance == .confirmed(streamID: accepted.id))
            try await body(dialed, accepted)
            await control.close()
            try await engine.waitUntilDeserted()
        }
    }

    @Test("go on in one direction when the other has ended, for both sides")
    func halfClose() async throws {
        try await withStream { dialed, accepted in
            let service = Task {
                try await accepted.withBytes { inbound, outbound in
                    var question = ByteBuffer()
                    for try await bytes in inbound { question.writeImmutableBuffer(bytes) }
                    // The dialer's half has ended; ours has not.
                    try await outbound.write(ByteBuffer(string: "answer to "))
                    try await outbound.write(question)
                    return question.readableBytes
                }
            }
            let answer = try await within("the answer") {
                try await dialed.withBytes { inbound, outbound in
                    try await outbound.write(ByteBuffer(string: "question"))
                    outbound.finish()
                    var text = ""
                    for try await bytes in inbound { text += String(buffer: bytes) }
                    return text
                }
            }
            #expect(answer == "answer to question")
            #expect(try await within("the service") { try await service.value } == 8)
        }
    }

    @Test("end with a reset when the closure throws, so that the peer does not take it for an end")
    func failure() async throws {
        try await withStream { dialed, accepted in
            let peer = try await dialed.take()
            let result = await Task {
                try await accepted.withBytes { _, outbound in
                    try await outbound.write(ByteBuffer(string: "half of it"))
                    throw Failed()
                }
            }.result
            #expect(throws: Failed.self) { try result.get() }
            try await peer.state.wait(for: "the end of the stream") { $0.isOver }
            #expect(!peer.state.value.isInputEnded)
            await peer.close()
        }
    }

    @Test("are refused when the connection is gone before they are wanted")
    func gone() async throws {
        try await withStream { dialed, accepted in
            accepted.channel.close(promise: nil)
            try await accepted.channel.closeFuture.get()
            let result = await Task { try await accepted.withBytes { _, _ in } }.result
            #expect(throws: ChannelError.self) { try result.get() }
            let requests = await Task { try await accepted.withHTTP { _, _ in } }.result
            #expect(throws: (any Error).self) { try requests.get() }
            dialed.channel.close(promise: nil)
        }
    }
}

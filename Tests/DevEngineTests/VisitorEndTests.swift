// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import NIOCore
import RstreamModel
import RstreamTestSupport
import Testing

@Suite("A visitor's end", .timeLimit(.hang))
struct VisitorEndTests {
    /// The head of a request with so many bytes behind it.
    private static func head(_ count: Int) -> String {
        "POST /form HTTP/1.1\r\nHost: \(TestEdge.hostname)\r\nContent-Length: \(count)\r\n\r\n"
    }

    private static func request(_ count: Int, behind head: String? = nil) -> ByteBuffer {
        var request = ByteBuffer(string: head ?? Self.head(count))
        request.writeImmutableBuffer(.pattern(count))
        return request
    }

    /// What of it reaches the service of a tunnel.
    private static func forwarded(_ count: Int, by name: String) -> ByteBuffer {
        request(count, behind: name == "http" ? TestEdge.forwarded(head(count)) : nil)
    }

    @Test(
        "without close_notify is a regular end, behind everything that was sent",
        arguments: ["http", "tls"],
        [200, 20_000, 200_000]
    )
    func withoutGoodbye(name: String, count: Int) async throws {
        try await TestEdge.with {
            $0.protocol = name
        } _: { edge in
            for end in [TestConnection.SocketEnd.output, .whole] {
                let visitor = try await edge.visit()
                try await visitor.send(Self.head(count))
                let service = try await edge.bring()
                try await visitor.send(.pattern(count))
                try await visitor.endSocket(end)
                let expected = Self.forwarded(count, by: name)
                #expect(try await service.receive(expected.readableBytes) == expected, "\(end)")
                await service.close()
                await visitor.close()
            }
        }
    }

    @Test("that comes before its agent does loses nothing", arguments: ["http", "tls"])
    func beforeTheAgent(name: String) async throws {
        try await TestEdge.with {
            $0.protocol = name
        } _: { edge in
            let visitor = try await edge.visit()
            try await visitor.send(Self.request(5_000))
            try await visitor.endSocket(.whole)
            let service = try await edge.bring()
            let expected = Self.forwarded(5_000, by: name)
            #expect(try await service.receive(expected.readableBytes) == expected)
            await service.close()
        }
    }

    @Test("of its own direction leaves the way of the answer open")
    func answered() async throws {
        try await TestEdge.with { edge in
            let visitor = try await edge.visit()
            try await visitor.send(Self.head(0))
            try await visitor.endSocket(.output)
            let service = try await edge.bring()
            let head = TestEdge.forwarded(Self.head(0))
            #expect(try await service.receive(asLongAs: head) == head)
            try await service.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK"
            #expect(try await visitor.receive(asLongAs: answer) == answer)
            await visitor.close()
            await service.close()
            try await edge.engine.wait { $0.connections == 1 }
        }
    }

    @Test("who has said all and left does not reset the service that answers")
    func left() async throws {
        try await TestEdge.with { edge in
            let visitor = try await edge.visit()
            try await visitor.send(Self.head(0))
            try await visitor.endSocket(.whole)
            let service = try await edge.bring()
            let head = TestEdge.forwarded(Self.head(0))
            #expect(try await service.receive(asLongAs: head) == head)
            // The peer's socket is closed, so the kernel answers with a reset.
            try await service.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nO")
            try await edge.engine.wait { $0.relays == 0 && $0.relaysTotal == 1 }
            // The control channel and the service's connection are left, now that everything is done to them.
            #expect(try await edge.engine.statistics().connections == 2)
            try await service.finish()
            let state = try await service.state.wait(for: "the close") { $0.isClosed }
            #expect(!state.isReset)
        }
    }

    @Test("in the middle of a record, and a reset, reset the service", arguments: [true, false])
    func broken(resets: Bool) async throws {
        try await TestEdge.with { edge in
            let visitor = try await edge.visit()
            try await visitor.send(Self.head(0))
            let service = try await edge.bring()
            let head = TestEdge.forwarded(Self.head(0))
            #expect(try await service.receive(asLongAs: head) == head)
            // A record of a hundred bytes, of which the first is there.
            let begun = ByteBuffer(bytes: [0x17, 0x03, 0x03, 0x00, 0x64, 0x00])
            if resets {
                try await visitor.endSocket(.reset)
            } else {
                try await visitor.endSocket(.output, behind: begun)
            }
            try await service.waitForReset()
            await visitor.close()
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOEmbedded
import NIOHPACK
import NIOHTTP1
import NIOHTTP2
import Testing

@testable import DevEngine

@Suite("A visitor's stream of HTTP/2")
struct VisitorStreamTests {
    private static func channel() -> EmbeddedChannel {
        EmbeddedChannel(handlers: [AuthorityHandler(), EndStreamHandler(), HTTP2FramePayloadToHTTP1ServerCodec()])
    }

    @Test(
        "names its host in :authority or in host, and in both only if it is the same",
        arguments: [
            ([(":authority", "a:1")], ["a:1"]),
            ([("host", "a:1")], ["a:1"]),
            ([(":authority", "a:1"), ("host", "A:1")], ["A:1"]),
            ([(":authority", "a:1"), ("host", "b:1")], ["b:1", "a:1"]),
        ]
    )
    func hosts(said: [(String, String)], read: [String]) throws {
        let channel = Self.channel()
        let fields = HPACKHeaders([(":method", "GET"), (":scheme", "https"), (":path", "/")] + said)
        try channel.writeInbound(HTTP2Frame.FramePayload.headers(.init(headers: fields, endStream: true)))
        guard case .head(let head) = try channel.readInbound(as: HTTPServerRequestPart.self) else {
            Issue.record("there is no head")
            return
        }
        #expect(head.headers["host"] == read)
    }

    @Test("ends with the headers where nothing follows them, and nowhere else")
    func ends() throws {
        let head = HTTPServerResponsePart.head(HTTPResponseHead(version: .http2, status: .ok))
        let body = HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: "x")))
        for (parts, ends) in [
            ([head, .end(nil)], [true]),
            ([head, body, .end(nil)], [false, false, true]),
            ([head, .end(["x": "y"])], [false, true]),
            ([head, head, .end(nil)], [false, true]),
        ] {
            let channel = Self.channel()
            for part in parts { channel.write(part, promise: nil) }
            channel.flush()
            #expect(try Self.frames(of: channel) == ends)
        }
        let channel = Self.channel()
        channel.writeAndFlush(head, promise: nil)
        #expect(try Self.frames(of: channel) == [false])
        channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
        #expect(try Self.frames(of: channel) == [true])
    }

    /// Whether they are the end, of all frames that were sent.
    private static func frames(of channel: EmbeddedChannel) throws -> [Bool] {
        var ends: [Bool] = []
        while let frame = try channel.readOutbound(as: HTTP2Frame.FramePayload.self) {
            switch frame {
            case .headers(let headers): ends.append(headers.endStream)
            case .data(let data): ends.append(data.endStream)
            default: Issue.record("another frame was sent: \(frame)")
            }
        }
        return ends
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamRelay
import RstreamTestSupport
import Testing

@Suite("An inspection")
struct InspectionTests {
    struct Exchange: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let request: String
        let response: String
        let seen: [String]

        init(_ name: String, _ request: String, _ response: String, _ seen: String...) {
            (testDescription, self.request, self.response, self.seen) = (name, request, response, seen)
        }
    }

    private static let exchanges = [
        Exchange(
            "Content-Length",
            "POST /a HTTP/1.1\r\nHost: h\r\ncontent-length:  5 \r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
            "POST /a 5 200 3 complete"
        ),
        Exchange(
            "chunks, with an extension and a trailer",
            "PUT /a HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\nA\r\n0123456789\r\n00\r\nX: y\r\n\r\n",
            "PUT /a 5 200 10 complete"
        ),
        Exchange(
            "lines that end with a line feed",
            "GET / HTTP/1.1\n\n",
            "HTTP/1.1 200 OK\n\n",
            "GET / 0 200 0 complete"
        ),
        Exchange(
            "a response that ends with its connection",
            "GET / HTTP/1.0\r\n\r\n",
            "HTTP/1.0 200\r\n\r\nas long as it takes",
            "GET / 0 200 19 complete"
        ),
        Exchange(
            "keep-alive, with lines left over in front of a request",
            "GET /1 HTTP/1.1\r\n\r\n\r\n\r\nGET /2 HTTP/1.1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 404 Not\r\nContent-Length: 2\r\n\r\nab",
            "GET /1 0 200 1 complete",
            "GET /2 0 404 2 complete"
        ),
        Exchange(
            "HEAD, 204 and 304, which have no body whatever their length says",
            "HEAD /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n\r\nGET /4 HTTP/1.1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "HTTP/1.1 304 Not\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            "HEAD /1 0 200 0 complete",
            "GET /2 0 204 0 complete",
            "GET /3 0 304 0 complete",
            "GET /4 0 200 0 complete"
        ),
        Exchange(
            "interim responses",
            "POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 201 Ok\r\nContent-Length: 0\r\n\r\n",
            "POST /a 2 201 0 complete"
        ),
        Exchange(
            "an upgrade, after which nothing is looked at",
            "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
            "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
            "GET /ws 0 101 0 upgraded"
        ),
        Exchange(
            "CONNECT, after which nothing is looked at",
            "CONNECT h:1 HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
            "CONNECT h:1 0 200 0 upgraded"
        ),
        Exchange(
            "CONNECT that is refused",
            "CONNECT h:1 HTTP/1.1\r\n\r\n",
            "HTTP/1.1 405 No\r\nContent-Length: 2\r\n\r\nab",
            "CONNECT h:1 0 405 2 complete"
        ),
        Exchange(
            "CONNECT that is refused, and what did not wait for that",
            "CONNECT h:1 HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "HTTP/1.1 405 No\r\nContent-Length: 2\r\n\r\nab",
            "CONNECT h:1 0 405 0 malformedRequest"
        ),
        Exchange("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0", "", "- - 0 - 0 http2"),
        Exchange("TLS", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0", "", "- - 0 - 0 malformedRequest"),
        Exchange("a service that speaks first", "", "220 mail.example\r\n", "- - 0 - 0 unaskedResponse"),
        Exchange(
            "a response without a request",
            "GET / HTTP/1.1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 408 Timeout\r\n\r\n",
            "GET / 0 200 0 complete",
            "- - 0 - 0 unaskedResponse"
        ),
        Exchange(
            "another protocol's answer",
            "GET / HTTP/1.1\r\n\r\n",
            "SSH-2.0-x\r\n",
            "GET / 0 - 0 malformedResponse"
        ),
        Exchange(
            "chunks that are none",
            "GET / HTTP/1.1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello",
            "GET / 0 200 0 malformedResponse"
        ),
    ]

    @Test("understands each way to delimit a message, byte by byte too", arguments: exchanges, [1, 2, 7, 1 << 20])
    func pieces(exchange: Exchange, length: Int) {
        var stream = InspectedStream()
        stream.says(.visitor, exchange.request, inPiecesOf: length)
        stream.says(.service, exchange.response, inPiecesOf: length)
        stream.endsInOrder()
        #expect(stream.ended.map(\.summary) == exchange.seen)
        #expect(stream.machine.isOver && stream.machine.size == 0)
    }

    @Test(
        "stops where two receivers may understand a request differently",
        arguments: [
            "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: \r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 9999999999999999999\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 1\r\n 2\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length : 1\r\n\r\n",
            "GET / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
            "GET / HTTP/1.1\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nTransfer-Encoding: identity\r\n\r\n", "GET / HTTP/1.1\r\nnothing\r\n\r\n",
            "GET / HTTP/1.1\r\n: nameless\r\n\r\n", "GET /\r\n\r\n", "GET  HTTP/1.1\r\n\r\n", "GET / HTTP/3.0\r\n\r\n",
            "GET / HTTP/1.x\r\n\r\n", "GET / FTP/1.11\r\n\r\n", "G(T / HTTP/1.1\r\n\r\n", " GET / HTTP/1.1\r\n\r\n",
            "GET /\u{7F} HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n Content-Length: 1\r\n\r\n",
            "GET / HTTP/1.1\r\nX: a\rContent-Length: 1\r\n\r\n", "GET / HTTP/1.1\r\nX: a\0b\r\n\r\n",
            "GET / HTTP/1.1\r\r\n\r\n", "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
        ]
    )
    func ambiguous(head: String) {
        for length in [1, 1 << 20] {
            var stream = InspectedStream()
            stream.says(.visitor, "GET /before HTTP/1.1\r\n\r\n" + head, inPiecesOf: length)
            #expect(stream.machine.isOver)
            #expect(stream.ended.map(\.summary) == ["GET /before 0 - 0 malformedRequest"])
            stream.visitor("GET / HTTP/1.1\r\n\r\n")
            stream.service("HTTP/1.1 200 OK\r\n\r\n")
            stream.endsInOrder()
            #expect(stream.ended.count == 1)
        }
    }

    @Test(
        "stops where two receivers may understand a response differently",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.Z 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\rX: y\r\n\r\n", "HTTP/1.1 200 OK\r\nX: \0\r\n\r\n", "HTTP/1.1 200 OK\r\n X: y\r\n\r\n",
            "\r\nHTTP/1.1 200 OK\r\n\r\n",
        ]
    )
    func ambiguousResponse(head: String) {
        for length in [1, 1 << 20] {
            var stream = InspectedStream()
            stream.visitor("GET / HTTP/1.1\r\n\r\n")
            stream.says(.service, head, inPiecesOf: length)
            #expect(stream.machine.isOver && stream.machine.size == 0)
            #expect(stream.ended.map(\.end) == [.malformedResponse])
        }
    }

    @Test(
        "stops where two receivers may take a chunk's lines for different ones",
        arguments: [
            "5\nhello\r\n0\r\n\r\n", "5;a\nhello\r\n0\r\n\r\n", "5;a\rb\r\nhello\r\n0\r\n\r\n",
            "5\r\nhello\n0\r\n\r\n", "5\r\nhello\r\r\n0\r\n\r\n", "5\r\nhello0\r\n\r\n", "0\r\n\n", "0\r\n\r\r\n",
            "0\r\nX: y\n\r\n", "0\r\nX: y\rz\r\n\r\n", " 0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n",
            "1000000000000000\r\n", "\r\n",
        ]
    )
    func ambiguousChunks(body: String) {
        for length in [1, 1 << 20] {
            var asked = InspectedStream()
            asked.says(.visitor, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\(body)", inPiecesOf: length)
            #expect(asked.machine.isOver && asked.ended.map(\.end) == [.malformedRequest])
            var answered = InspectedStream()
            answered.visitor("GET / HTTP/1.1\r\n\r\n")
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            answered.says(.service, head + body, inPiecesOf: length)
            #expect(answered.machine.isOver && answered.ended.map(\.end) == [.malformedResponse])
        }
    }

    @Test("goes on behind a CONNECT that is refused")
    func refusedConnect() {
        var stream = InspectedStream()
        for _ in 0..<2 {
            stream.visitor("CONNECT h:1 HTTP/1.1\r\n\r\n")
            stream.service("HTTP/1.1 407 Proxy\r\nContent-Length: 0\r\n\r\n")
        }
        stream.visitor("GET / HTTP/1.1\r\n\r\n")
        stream.service("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na")
        let refused = "CONNECT h:1 0 407 0 complete"
        #expect(stream.ended.map(\.summary) == [refused, refused, "GET / 0 200 1 complete"])
    }

    @Test("takes the same length twice for one length")
    func sameLength() {
        var stream = InspectedStream()
        stream.visitor("POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab")
        stream.service("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        #expect(stream.ended.map(\.summary) == ["POST / 2 200 0 complete"])
    }

    @Test("says how long a request took, from its first byte to the last one of its response")
    func duration() {
        var stream = InspectedStream()
        stream.waits(.seconds(9))
        stream.visitor("GET / HT")
        stream.waits(.seconds(1))
        stream.visitor("TP/1.1\r\n\r\n")
        stream.waits(.seconds(2))
        stream.service("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na")
        stream.waits(.seconds(4))
        #expect(stream.ended.isEmpty)
        stream.service("b")
        #expect(stream.ended.map(\.duration) == [.seconds(7)])
    }

    @Test("a request whose stream ends before its response does is cut")
    func cut() {
        var stream = InspectedStream()
        stream.visitor("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n")
        stream.service("HTTP/1.1 200 OK\r\n\r\nhalf of")
        stream.ends()
        #expect(stream.ended.map(\.summary) == ["GET /1 0 200 7 cut", "GET /2 0 - 0 cut"])
    }

    @Test("a response that comes before all of its request waits for it, or for the end")
    func early() {
        for isSent in [true, false] {
            var stream = InspectedStream()
            stream.visitor("POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nab")
            stream.service("HTTP/1.1 413 Large\r\nContent-Length: 0\r\n\r\n")
            #expect(stream.ended.isEmpty)
            if isSent { stream.visitor("cd") } else { stream.ends() }
            #expect(stream.ended.map(\.summary) == ["POST / \(isSent ? 4 : 2) 413 0 complete"])
        }
    }

    @Test("remembers so many requests that wait, and stops at one more")
    func pipelined() {
        var stream = InspectedStream()
        let most = InspectionStateMachine.mostWaiting
        for number in 0..<most { stream.visitor("GET /\(number) HTTP/1.1\r\n\r\n") }
        #expect(stream.ended.isEmpty && !stream.machine.isOver)
        stream.visitor("GET /last HTTP/1.1\r\n\r\n")
        #expect(stream.ended.count == most && stream.ended.allSatisfy { $0.end == .pipelined })
        #expect(stream.machine.isOver)
    }

    @Test("stops at a head that is longer than any", arguments: [true, false])
    func longHead(isLine: Bool) {
        var stream = InspectedStream()
        stream.visitor("GET / HTTP/1.1\r\n")
        for number in 0..<5_000 where !stream.machine.isOver {
            #expect(stream.machine.size <= InspectionStateMachine.mostMemory)
            stream.visitor(isLine ? "X-\(number)-a-part-of-a-line" : "X: a line that is not kept\r\n")
        }
        #expect(stream.ended.map(\.end) == [.longHead])
        #expect(stream.machine.size == 0)
    }

    @Test("how long a head may be does not depend on its pieces", arguments: [1, 2, 1 << 20])
    func longestHead(length: Int) {
        var stream = InspectedStream()
        let line = "X: \(String(repeating: "v", count: 8_000))\r\n"
        let head = "GET / HTTP/1.1\r\n" + String(repeating: line, count: 8) + "\r\n"
        stream.says(.visitor, head, inPiecesOf: length)
        stream.service("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        #expect(stream.ended.map(\.summary) == ["GET / 0 200 0 complete"])
    }

    @Test("keeps no more headers than there is memory for, and stops where there is none")
    func memory() {
        let (target, value) = (String(repeating: "a", count: 300), String(repeating: "b", count: 400))
        let head = "GET /\(target) HTTP/1.1\r\nX: \(value)\r\n\r\n"
        var stream = InspectedStream()
        stream.room = 1_200
        stream.visitor(head)
        stream.service("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        #expect(stream.ended.map(\.end) == [.complete])
        #expect(stream.ended.first?.requestHeaders.isCut == true)
        #expect(stream.ended.first?.requestHeaders.pairs.isEmpty == true)
        stream.room = 100
        stream.visitor(head)
        #expect(stream.ended.map(\.end) == [.complete, .noMemory])
        #expect(stream.machine.size == 0)
    }

    @Test("weighs a first line that comes alone, whole or not", arguments: ["", "\r\n"])
    func firstLine(end: String) {
        var stream = InspectedStream()
        stream.room = 100
        stream.visitor("GET /\(String(repeating: "a", count: 300)) HTTP/1.1\(end)")
        #expect(stream.ended.map(\.end) == [.noMemory])
        #expect(stream.machine.size == 0)
    }

    @Test("takes no more memory than it may, however many large requests come at once")
    func bound() {
        let line = "X: \(String(repeating: "x", count: 1_000))\r\n"
        let target = String(repeating: "p", count: 3_000)
        let request = "GET /\(target) HTTP/1.1\r\n\(String(repeating: line, count: 20))\r\n"
        var stream = InspectedStream()
        stream.visitor(String(repeating: request, count: 20))
        #expect(stream.machine.size <= InspectionStateMachine.mostMemory)
        #expect(stream.ended.allSatisfy { $0.size <= InspectedRequest.largest })
        #expect(stream.ended.last?.end == .noMemory)
    }
}

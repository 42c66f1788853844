// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOHTTP1
import RstreamModel
import Testing

@testable import DevEngine

@Suite("A request head at the edge")
struct ForwardedHeadTests {
    private static let facts: [(String, String)] = [
        ("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "a:1"),
    ]

    private func applied(
        _ said: [(String, String)],
        _ uri: String = "/",
        method: HTTPMethod = .GET,
        version: NIOHTTP1.HTTPVersion = .http1_1,
        hidesToken: Bool = false,
        hasBody: Bool = false
    ) -> HTTPRequestHead {
        let request = HTTPRequestHead(version: version, method: method, uri: uri, headers: HTTPHeaders(said))
        let rules = ForwardedHead(source: IPAddress("192.0.2.1"), host: "a:1", hidesToken: hidesToken)
        return rules.applied(to: request, target: RequestTarget(request), hasBody: hasBody)
    }

    private func expect(_ head: HTTPRequestHead, _ fields: [(String, String)]) {
        let expected = fields + Self.facts
        #expect(head.headers.map { "\($0.name): \($0.value)" } == expected.map { "\($0.0): \($0.1)" })
    }

    @Test("gets what the edge knows in the place of what its visitor says of itself, and keeps the rest in its order")
    func facts() {
        let cases: [(said: [(String, String)], kept: [(String, String)])] = [
            ([], [("Host", "a:1")]),
            ([("host", "b"), ("A", "1"), ("a", "2")], [("host", "a:1"), ("A", "1"), ("a", "2")]),
            (
                [("X-Forwarded-For", "1"), ("Host", "a"), ("x-forwarded-PROTO", "http"), ("X-Forwarded-Host", "b")],
                [("Host", "a:1")]
            ),
            ([("Host", "a"), ("X-Forwarded-Format", "1")], [("Host", "a:1"), ("X-Forwarded-Format", "1")]),
            (
                [("Host", "a"), ("Cookie", "a=b; rstream_auth=c; d=e")],
                [("Host", "a:1"), ("Cookie", "a=b; d=e")]
            ),
            ([("Host", "a"), ("cookie", "rstream_auth=c")], [("Host", "a:1")]),
            ([("Host", "a"), ("cookie", "a=rstream_auth=c")], [("Host", "a:1"), ("cookie", "a=rstream_auth=c")]),
        ]
        for (said, kept) in cases {
            for hidesToken in [true, false] { expect(applied(said, hidesToken: hidesToken), kept) }
        }
    }

    @Test("keeps a token that the engine did not check, and removes one that it did")
    func token() {
        let said = [("Host", "a"), ("Authorization", "Bearer t")]
        let kept = applied(said, "/?a=1&rstream%2Etoken=t&b", hidesToken: false)
        #expect(kept.uri == "/?a=1&rstream%2Etoken=t&b")
        expect(kept, [("Host", "a:1"), ("Authorization", "Bearer t")])
        let hidden = applied(said, "/?a=1&rstream%2Etoken=t&b", hidesToken: true)
        #expect(hidden.uri == "/?a=1&b")
        expect(hidden, [("Host", "a:1")])
        #expect(applied(said, "/a?rstream.token=t", hidesToken: true).uri == "/a")
        #expect(applied(said, "/a?rstream.tokens=t&x", hidesToken: true).uri == "/a?rstream.tokens=t&x")
    }

    @Test("loses what was about the visitor's connection, and says where its body ends on the service's")
    func connection() {
        let said = [
            ("Host", "a"), ("Connection", "keep-alive, X-Own"), ("Keep-Alive", "timeout=5"), ("x-own", "1"),
            ("TE", "gzip"),
            ("Proxy-Connection", "close"),
        ]
        expect(applied(said), [("Host", "a:1")])
        // The service would take the body for a request.
        let named = [("Host", "a"), ("Connection", "content-length, host"), ("Content-Length", "5")]
        expect(applied(named, method: .POST), [("Content-Length", "5"), ("Host", "a:1")])
        let long = [("Host", "a"), ("Transfer-Encoding", "chunked"), ("Content-Length", "5")]
        expect(applied(long, method: .POST), [("Host", "a:1"), ("Transfer-Encoding", "chunked")])
        let http2 = NIOHTTP1.HTTPVersion(major: 2, minor: 0)
        expect(
            applied([("host", "a")], version: http2, hasBody: true),
            [("host", "a:1"), ("Transfer-Encoding", "chunked")]
        )
        expect(
            applied([("host", "a"), ("content-length", "1")], version: http2, hasBody: true),
            [("host", "a:1"), ("content-length", "1")]
        )
        expect(applied([("host", "a"), ("te", "trailers")], version: http2), [("host", "a:1"), ("TE", "trailers")])
    }

    @Test("asks for another protocol where HTTP/1.1 did")
    func upgrade() {
        let said = [("Host", "a"), ("Connection", "keep-alive, upgrade"), ("upgrade", "websocket"), ("Sec-A", "1")]
        expect(
            applied(said),
            [("Host", "a:1"), ("Sec-A", "1"), ("Connection", "Upgrade"), ("Upgrade", "websocket")]
        )
        expect(applied(said, version: .http1_0), [("Host", "a:1"), ("Sec-A", "1")])
        expect(applied([("Host", "a"), ("Upgrade", "websocket")]), [("Host", "a:1")])
    }

    @Test("of HTTP/2 that could not stand in one of HTTP/1.1 is none")
    func characters() {
        let http2 = NIOHTTP1.HTTPVersion(major: 2, minor: 0)
        func problem(_ method: String, _ uri: String, _ name: String, _ value: String) -> String? {
            let headers = HTTPHeaders([("host", "a"), (name, value)])
            return RequestTarget(
                HTTPRequestHead(version: http2, method: HTTPMethod(rawValue: method), uri: uri, headers: headers)
            ).problem
        }
        #expect(problem("GET", "/", "a", "b\tc \u{E4}") == nil)
        for (method, uri, name, value) in [
            ("GET", "/", "a", "b\r\nc: d"), ("GET", "/", "a", "b\0"), ("GET", "/", "a b", "c"),
            ("GET", "/", "a\r\nb", "c"),
            ("GET", "/ HTTP/1.1\r\nb: c", "a", "b"), ("GET", "/a b", "a", "b"), ("GET /", "/", "a", "b"),
            ("GET", "/\u{E4}", "a", "b"),
        ] {
            #expect(problem(method, uri, name, value) == "The request has invalid characters.")
        }
        for target in ["a", "?a", "*a", "a:1", "ftp://a/"] {
            #expect(problem("GET", target, "a", "b") == "The target of the request is not valid.")
        }
        for length in ["+5", "-0", "5 5", "5, 5", "0x5", ""] {
            #expect(problem("POST", "/", "content-length", length) == "The length of the request is not valid.")
        }
        let twice = HTTPHeaders([("host", "a"), ("content-length", "5"), ("content-length", "5")])
        let head = HTTPRequestHead(version: http2, method: .POST, uri: "/", headers: twice)
        #expect(RequestTarget(head).problem == "The length of the request is not valid.")
        #expect(problem("POST", "/", "content-length", "5") == nil)
        for (method, target) in [("OPTIONS", "*"), ("CONNECT", "a:1"), ("GET", "http://a"), ("GET", "//a")] {
            #expect(problem(method, target, "a", "b") == nil)
        }
    }
}

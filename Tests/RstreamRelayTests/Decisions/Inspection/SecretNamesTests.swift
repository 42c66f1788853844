// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamTestSupport
import Testing

@testable import RstreamRelay

@Suite("Secrets in what is inspected")
struct SecretNamesTests {
    private static func hidden(_ text: String) -> String {
        Array(text.utf8).withUnsafeBytes { SecretNames.hidden(in: $0).map { String(decoding: $0, as: UTF8.self) } }
            ?? text
    }

    private static func isSecret(_ name: String) -> Bool {
        Array(name.utf8).withUnsafeBytes { SecretNames.isSecret($0) }
    }

    @Test(
        "are known by their names, in upper and lower case",
        arguments: [
            "Authorization", "proxy-authorization", "COOKIE", "Set-Cookie", "X-Api-Key", "x-auth-token", "access_token",
            "client_secret", "Password", "passwd", "X-Session-Id", "X-Amz-Signature", "X-Amz-Credential", "code", "SIG",
            "apikey", "sec-websocket-key", "OTP", "auth", "jwt", "Cf-Access-Jwt-Assertion",
        ]
    )
    func names(name: String) {
        #expect(Self.isSecret(name))
    }

    @Test(
        "are not seen where there are none",
        arguments: [
            "", "Host", "Accept", "Keep-Alive", "Connection", "Content-Length", "User-Agent", "X-Request-Id", "codec",
            "author", "signal", "toke", "ke", "Content-Security-Policy", "Status",
        ]
    )
    func others(name: String) {
        #expect(!Self.isSecret(name))
    }

    @Test(
        "are hidden in queries, fragments, lists and URLs",
        arguments: [
            ("/a?token=x", "/a?token=***"), ("/a?b=1&api_key=x/y==&c=2", "/a?b=1&api_key=***&c=2"),
            ("/a?to%6ben=x", "/a?to%6ben=***"), ("/a?TOKEN=x#id_token=y&z=1", "/a?TOKEN=***#id_token=***&z=1"),
            ("/a;jsessionid=x?b=1", "/a;jsessionid=***"), ("/a?token=", "/a?token="),
            ("/a?token=x,y;z", "/a?token=***"),
            ("Bearer realm=\"a\", token=\"x y\", b=c", "Bearer realm=\"a\", token=***, b=c"),
            ("Bearer token=\"x y", "Bearer token=***"), ("</a?key=x>; rel=next", "</a?key=***>; rel=next"),
            ("https://user:secret@h.example/a@b", "https://***@h.example/a@b"),
            ("https://h.example/?u=https://a:b@c/&code=x", "https://h.example/?u=https://***@c/&code=***"),
            ("token=x", "token=***"), ("a=b=c", "a=b=c"), ("a=token=b", "a=token=***"), ("/a?b=c", "/a?b=c"),
            ("a@b", "a@b"), ("", ""),
            ("://@", "://@"), ("=", "="),
        ]
    )
    func values(text: String, shown: String) {
        #expect(Self.hidden(text) == shown)
    }

    @Test("in headers are hidden before they are cut, and the others are there as they came")
    func headers() {
        var stream = InspectedStream()
        let long = String(repeating: "v", count: InspectedHeaders.longestValue)
        stream.visitor(
            "GET /a?password=hunter2 HTTP/1.1\r\nAuthorization: Basic hunter2\r\nHost:  h \r\nX-Long: \(long)w\r\n"
                + "Cookie: a=hunter2\r\n folded hunter2\r\nReferer: https://h/?\(long)&token=hunter2\r\n\r\n"
        )
        stream.service("HTTP/1.1 302 Found\r\nSet-Cookie: hunter2\r\nLocation: /b?code=hunter2\r\nA: \u{FF}\r\n\r\n")
        stream.endsInOrder()
        let request = stream.ended.first
        #expect(request?.target == "/a?password=***")
        let asked = request?.requestHeaders.pairs ?? []
        #expect(asked.map(\.name) == ["Authorization", "Host", "X-Long", "Cookie", "Referer"])
        #expect(asked.prefix(2).map(\.value) == ["***", "h"])
        #expect(asked.map(\.value.utf8.count).max() == InspectedHeaders.longestValue)
        #expect(asked.dropFirst(2).first?.value.hasSuffix("v…") == true)
        #expect(request?.responseHeaders.pairs.map(\.value) == ["***", "/b?code=***", "\u{FF}"])
        let shown = "\(asked)\(request?.responseHeaders.pairs ?? [])"
        #expect(!shown.contains("hunter2"))
    }

    @Test(
        "take a step a byte, whatever the text is",
        arguments: ["a=", "token=", "://a@", "%6", "\"", "?", "token=\"a"]
    )
    func growth(unit: String) {
        Growth.expectLinear(unit) {
            Growth.text(unit, $0)
        } _: {
            _ = Self.hidden($0)
        }
    }

    @Test("headers beyond what is kept are left out, from the first of them on")
    func cut() {
        var stream = InspectedStream()
        let line = "X: \(String(repeating: "x", count: 1_000))\r\n"
        stream.visitor("GET / HTTP/1.1\r\n\(String(repeating: line, count: 12))Y: z\r\n\r\n")
        stream.service("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        let headers = stream.ended.first?.requestHeaders
        #expect(headers?.isCut == true)
        #expect(headers?.pairs.map(\.name) == Array(repeating: "X", count: InspectedHeaders.most / 1_004))
    }
}

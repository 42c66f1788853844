// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import RstreamTestSupport
import Testing

@testable import RstreamRelay

@Suite("Secrets in what is inspected")
struct SecretNamesTests {
    private static func hidden(_ text: String) -> String {
        Array(text.utf8).withUnsafeBytes { HiddenSecrets.shown(in: $0).map { String(decoding: $0, as: UTF8.self) } }
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
            "apikey", "sec-websocket-key", "OTP", "auth", "jwt", "Cf-Access-Jwt-Assertion", "PHPSESSID", "sessid",
            "JSESSIONID", "connect.sid", "sid", "X-Amz-Security-Token", "AWSAccessKeyId", "X-Goog-Signature",
            "X-Auth-User", "basic_auth", "authCode", "accessSig", "db-pwd", "mysql_pwd2", "user[pass]", "id:otp",
            "passwort_hash", "X-Hub-Signature-256", "X-Shopify-Hmac-Sha256", "X-CSRF", "xsrf", "DPoP", "SAMLResponse",
            "client_assertion", "oauth_verifier", "X-Amzn-Oidc-Data", "Sec-WebSocket-Protocol", "Authentication-Info",
            "signed_request", "passphrase", "2fa", "ticket",
        ]
    )
    func names(name: String) {
        #expect(Self.isSecret(name))
    }

    @Test(
        "are not seen where there are none",
        arguments: [
            "", "Host", "Accept", "Keep-Alive", "Connection", "Content-Length", "User-Agent", "X-Request-Id", "codec",
            "author", "signal", "toke", "ke", "Content-Security-Policy", "Status", "Authenticate", "assign", "sidebar",
            "PINE", "spin", "compass", "machine", "Design", "state", "WWW-Authenticate", "Origin", "Referer", "ETag",
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
            ("password='a b', c=1", "password=***, c=1"), ("Bearer token=\"x y", "Bearer token=***"),
            ("</a?key=x>; rel=next", "</a?key=***>; rel=next"),
            ("https://user:secret@h.example/a@b", "https://***@h.example/a@b"),
            ("https://h.example/?u=https://a:b@c/&code=x", "https://h.example/?u=https://***@c/&code=***"),
            ("token=x", "token=***"), ("a=b=c", "a=b=c"), ("a=token=b", "a=token=***"), ("/a?b=c", "/a?b=c"),
            ("a@b", "a@b"), ("", ""),
            ("://@", "://@"), ("=", "="), ("token = \"x\", a=b", "token = ***, a=b"),
            ("a token = x", "a token = ***"),
            ("token=\"x\\\"y\", a=b", "token=***, a=b"), ("a b=c", "a b=c"), ("/a?authCode=x", "/a?authCode=***"),
            ("/login;sid=x", "/login;sid=***"), ("//user@h/a", "//***@h/a"), ("///user:p@h", "///***@h"),
            ("user:pass@h:443", "***@h:443"), ("/a?{token=x", "/a?{token=***"), ("100%", "100%"), ("%", "%"),
            ("%2=", "%2="), ("a=%", "a=%"), ("token=%", "token=***"), ("token=%2", "token=***"),
        ]
    )
    func values(text: String, shown: String) {
        #expect(Self.hidden(text) == shown)
    }

    @Test(
        "are hidden where they are percent-encoded, as often as they may be",
        arguments: [
            // Names.
            ("/a?to%6ben=x", "/a?to%6ben=***"), ("/a?%74oken=x&b=c", "/a?%74oken=***&b=c"),
            ("/a?to%256ben=x", "/a?to%256ben=***"), ("/a?user%5Bpassword%5D=x&b=c", "/a?user%5Bpassword%5D=***&b=c"),
            ("/a?my%20token%20=x", "/a?my%20token%20=***"), ("/a?tok%en=x", "/a?tok%en=x"),
            // A URL in a parameter.
            (
                "/a?next=https%3A%2F%2Fhost%2F%3Ftoken%3Dabc&b=c",
                "/a?next=https%3A%2F%2Fhost%2F%3Ftoken%3D***&b=c"
            ),
            (
                "/a?next=https%3a%2f%2fhost%2f%3fb%3dc%26token%3dabc%26d%3de",
                "/a?next=https%3a%2f%2fhost%2f%3fb%3dc%26token%3d***%26d%3de"
            ),
            ("/a?next=%2Fb%23id_token%3Dabc%20d", "/a?next=%2Fb%23id_token%3D***%20d"),
            ("/a?next=/b?token%3Dabc%2526d&b=c", "/a?next=/b?token%3D***&b=c"),
            ("/a?b=c%26token=abc", "/a?b=c%26token=***"),
            ("/a?next=%3Fb%3Bjsessionid%3Dabc", "/a?next=%3Fb%3Bjsessionid%3D***"),
            ("/a?next=%3Ftoken%3D%20abc", "/a?next=%3Ftoken%3D%20***"),
            // And in a parameter of that.
            (
                "/a?v=https%3A%2F%2Fh%2F%3Fu%3Dhttps%253A%252F%252Fi%253Ftoken%253Dabc%2526d%253De%26f%3Dg&b=c",
                "/a?v=https%3A%2F%2Fh%2F%3Fu%3Dhttps%253A%252F%252Fi%253Ftoken%253D***%2526d%253De%26f%3Dg&b=c"
            ),
            ("?%2525253Ftoken%2525253Dabc&b=c", "?%2525253Ftoken%2525253D***&b=c"),
            // What is encoded once more than the equals sign is a part of the value.
            ("/a?token=b%26c%23d%20e&f=g", "/a?token=***&f=g"), ("/a?token=%22b%22c&d=e", "/a?token=***&d=e"),
            ("/a?u=%3Ftoken%3Db%2526c%26d%3De", "/a?u=%3Ftoken%3D***%26d%3De"),
            // The user of a URL.
            ("/a?u=https%3A%2F%2Fuser%3Apass%40host%2Fb&c=d@e", "/a?u=https%3A%2F%2F***%40host%2Fb&c=d@e"),
            ("/a?u=https%3A%2F%2Fhost&c=d@e", "/a?u=https%3A%2F%2Fhost&c=d@e"),
            ("/a?u=https%253A%252F%252Fuser%253Apass%2540host", "/a?u=https%253A%252F%252F***%2540host"),
            ("https://us%40er:pa%2Fss@host/", "https://***@host/"),
        ]
    )
    func encoded(text: String, shown: String) {
        #expect(Self.hidden(text) == shown)
    }

    @Test("are hidden where a header has a URL", arguments: ["Referer", "Location", "Origin", "Refresh", "Link"])
    func urls(header: String) {
        let url = "https://u:hunter2@h/a;jsessionid=hunter2?b=https%3A%2F%2Fh%2F%3Fcode%3Dhunter2#id_token=hunter2"
        var stream = InspectedStream()
        stream.visitor("GET / HTTP/1.1\r\n\(header): <\(url)>\r\n\r\n")
        stream.service("HTTP/1.1 200 OK\r\n\(header): \(url)\r\nContent-Length: 0\r\n\r\n")
        let request = stream.ended.first
        let shown = "\(request?.requestHeaders.pairs ?? [])\(request?.responseHeaders.pairs ?? [])"
        #expect(shown.contains("https://***@h/a;jsessionid=***") && !shown.contains("hunter2"), "\(shown)")
    }

    @Test(
        "are known by the names that the manual and the contract list",
        arguments: ["man/rstreamd.yaml.5", "docs/contract.md"]
    )
    func listed(file: String) throws {
        let page = try String(contentsOfFile: "\(Binaries.packageRoot)/\(file)", encoding: .utf8)
        let words = Set(page.split { " ,\n`".contains($0) })
        for name in SecretNames.parts + SecretNames.words { #expect(words.contains("\(name)"), "\(name)") }
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
        arguments: [
            "a=", "token=", "://a@", "%6", "\"", "?", "token=\"a", "%25", "%3D", "token%3D", "//a",
            "//a%2F%2Fa%252F%252F", " ", "token= ", "a ", "token=\"\\", "s", "pas", "sS",
        ]
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

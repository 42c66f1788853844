import NIOCore
import RstreamModel
import Testing

@testable import DevEngine

@Suite("A request head at the edge")
struct ForwardedHeadTests {
    private static let facts = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: a:1\r\n\r\n"

    private func applied(_ text: String, hidesToken: Bool) -> String {
        let head = ForwardedHead(source: IPAddress("192.0.2.1"), host: "a:1", hidesToken: hidesToken)
        return String(buffer: head.applied(to: ByteBuffer(string: text)))
    }

    @Test(
        "gets what the edge knows in the place of what its visitor says of itself",
        arguments: [
            ("GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n"),
            ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n"),
            (
                "GET / HTTP/1.1\r\nX-Forwarded-For: 1\r\n 2\r\nHost: a\r\nx-forwarded-PROTO:http\r\nX-Forwarded-Host: b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\n"
            ),
            (
                "GET / HTTP/1.1\r\nX-Forwarded-Format: 1\r\nA: b\r\n c\r\n\r\n",
                "GET / HTTP/1.1\r\nX-Forwarded-Format: 1\r\nA: b\r\n c\r\n"
            ),
            ("GET / HTTP/1.1\r\nCookie: a=b; rstream_auth=c; d=e\r\n\r\n", "GET / HTTP/1.1\r\nCookie: a=b; d=e\r\n"),
            ("GET / HTTP/1.1\r\ncookie:rstream_auth=c\r\n\r\n", "GET / HTTP/1.1\r\n"),
            ("GET / HTTP/1.1\r\ncookie:a=rstream_auth=c\r\n\r\n", "GET / HTTP/1.1\r\ncookie:a=rstream_auth=c\r\n"),
        ]
    )
    func facts(said: String, expected: String) {
        for hidesToken in [true, false] { #expect(applied(said, hidesToken: hidesToken) == expected + Self.facts) }
    }

    @Test("keeps the token where it opened no door of the edge, and loses it where it did")
    func token() {
        let said = "GET /?a=1&rstream%2Etoken=t&b HTTP/1.1\r\nAuthorization: Bearer t\r\n\r\n"
        #expect(applied(said, hidesToken: false) == said.dropLast() + Self.facts)
        #expect(applied(said, hidesToken: true) == "GET /?a=1&b HTTP/1.1\r\n" + Self.facts)
        let alone = "GET /a?rstream.token=t HTTP/1.1\r\n\r\n"
        #expect(applied(alone, hidesToken: true) == "GET /a HTTP/1.1\r\n" + Self.facts)
    }

    @Test("ends at the first empty line: what is behind it stays as it is")
    func body() {
        let body = "X-Forwarded-For: 1\r\n\r\nGET /?rstream.token=t HTTP/1.1\r\nCookie: rstream_auth=c\r\n\r\n"
        #expect(
            applied("POST / HTTP/1.1\r\n\r\n" + body, hidesToken: true) == "POST / HTTP/1.1\r\n" + Self.facts + body
        )
    }
}

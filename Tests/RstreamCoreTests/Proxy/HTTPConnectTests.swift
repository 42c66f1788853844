// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamModel
import Testing

@Suite("a tunnel is asked for at an HTTP proxy")
struct HTTPConnectTests {
    private static let engine = "engine.example:443"

    private func asking(
        _ target: String = engine,
        headers: [String: String] = [:],
        credentials: Proxy.Credentials? = nil
    ) throws -> (machine: HTTPConnectStateMachine, request: String) {
        var machine = HTTPConnectStateMachine(
            target: try EngineAddress(target),
            headers: headers,
            credentials: credentials
        )
        guard case .send(let bytes) = machine.connected() else { throw Unexpected() }
        return (machine, String(decoding: bytes, as: UTF8.self))
    }

    private struct Unexpected: Error {}

    private func action(
        after answer: String,
        headers: [String: String] = [:],
        credentials: Proxy.Credentials? = nil
    ) throws -> ProxyAction {
        var (machine, _) = try asking(headers: headers, credentials: credentials)
        return machine.received(Array(answer.utf8))
    }

    @Test("the request names the engine twice, and nothing else unless configured")
    func request() throws {
        #expect(
            try asking().request == "CONNECT engine.example:443 HTTP/1.1\r\nHost: engine.example:443\r\n\r\n"
        )
        #expect(try asking("[2001:db8::1]:8443").request.hasPrefix("CONNECT [2001:db8::1]:8443 HTTP/1.1\r\n"))
    }

    @Test("of what a proxy asks for no more is kept than a proxy can mean: words of 32 bytes, sixteen of them")
    func schemes() throws {
        func schemes(_ words: [String]) throws -> [String] {
            let fields = words.map { "Proxy-Authenticate: \($0) realm=x\r\n" }.joined()
            let action = try action(after: "HTTP/1.1 407 Who are you\r\n\(fields)\r\n")
            guard case .fail(.authenticationRequired(_, let schemes, _)) = action else { throw Unexpected() }
            return schemes
        }
        let (longest, longer) = (String(repeating: "s", count: 32), String(repeating: "s", count: 33))
        #expect(try schemes(["NTLM", longest]) == ["ntlm", longest])
        #expect(try schemes(["Basic", longer, "Digest"]) == ["basic", "digest"])
        #expect(try schemes([String(repeating: "\u{301}", count: 20)]).joined().utf8.count <= 32)
        let many = (0..<40).map { "s\($0)" }
        #expect(try schemes(many) == Array(many.prefix(16)))
    }

    @Test("credentials and headers stand in it, credentials as Basic")
    func headers() throws {
        let credentials = Proxy.Credentials(username: "Aladdin", password: Secret("open sesame"))
        let request = try asking(headers: ["X-B": "2", "X-A": "1"], credentials: credentials).request
        // The pair is RFC 7617's own example.
        #expect(
            request.hasSuffix(
                "\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\nX-A: 1\r\nX-B: 2\r\n\r\n"
            )
        )
    }

    @Test(
        "Base64 is padded as it should be",
        arguments: [("", "Og=="), ("f", "Zjo="), ("fo", "Zm86"), ("foob", "Zm9vYjo="), ("ü", "w7w6")]
    )
    func base64(user: String, encoded: String) throws {
        let credentials = Proxy.Credentials(username: user, password: Secret(""))
        #expect(try asking(credentials: credentials).request.contains(" Basic \(encoded)\r\n"))
    }

    @Test(
        "every 2xx opens the tunnel, whatever the reason, the version and the ends of lines",
        arguments: [
            "HTTP/1.1 200 Connection established\r\n\r\n", "HTTP/1.0 200 OK\r\nVia: x\r\n\r\n", "HTTP/1.1 200\r\n\r\n",
            "HTTP/1.1 201 Created\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 299 x\r\n\r\n",
            // What it says about a body means nothing here.
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 102 Wait\r\nX: y\r\n\r\nHTTP/1.1 103 Hints\n\nHTTP/1.0 201\r\n\r\n",
            "HTTP/1.1 200 OK\n\n", "HTTP/1.1 200 \r\nX: y\n\r\n\r\n",
        ]
    )
    func success(head: String) throws {
        #expect(try action(after: head) == .open(rest: []))
        #expect(try action(after: head + "\u{16}tls") == .open(rest: Array("\u{16}tls".utf8)))
    }

    @Test("the answer may come byte by byte, and is not judged before its end")
    func dripFeed() throws {
        var (machine, _) = try asking()
        let head = Array("HTTP/1.1 200 OK\r\nVia: 1.1 proxy\r\n\r\n".utf8)
        for byte in head.dropLast() { #expect(machine.received([byte]) == .none) }
        #expect(machine.received([head[head.count - 1], 7]) == .open(rest: [7]))
        #expect(machine.received([8]) == .none)
    }

    @Test(
        "any other status is a refusal that shows the status line",
        arguments: ["403 Forbidden", "502 Bad Gateway", "101 Switching Protocols", "301 Moved", "500"]
    )
    func refused(status: String) throws {
        let failure = ProxyFailure.refused(statusLine: "HTTP/1.1 \(status)")
        #expect(try action(after: "HTTP/1.1 \(status)\r\nX: y\r\n\r\nbody") == .fail(failure))
        #expect(failure.what == "failed to CONNECT: HTTP/1.1 \(status)")
        #expect(failure.origin == .host)
    }

    @Test("interim answers may come byte by byte, and not without end")
    func interim() throws {
        var (machine, _) = try asking()
        for byte in Array("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r".utf8) {
            #expect(machine.received([byte]) == .none)
        }
        #expect(machine.received(Array("\nabc".utf8)) == .open(rest: Array("abc".utf8)))
        let answer = "HTTP/1.1 100 Continue\r\n\r\n"
        let most = String(repeating: answer, count: HTTPConnectStateMachine.mostInterim)
        #expect(try action(after: most) == .none)
        #expect(try action(after: most + answer) == .fail(.refused(statusLine: "HTTP/1.1 100 Continue")))
        #expect(try action(after: answer + "SSH-2.0-x\r\n\r\n") == .fail(.malformed))
    }

    @Test("407 says which setting is missing, wrong, or of no use")
    func authentication() throws {
        let head = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: "
        let credentials = Proxy.Credentials(username: "u", password: Secret("p"))
        let mixedUp = try action(after: "HTTP/1.0 401 Unauthorized\r\n\r\n", credentials: credentials)
        #expect(
            mixedUp
                == .fail(
                    .authenticationRequired(
                        statusLine: "HTTP/1.0 401 Unauthorized",
                        schemes: [],
                        sentCredentials: true
                    )
                )
        )
        guard case .fail(let missing) = try action(after: head + "Basic realm=\"x\"\r\n\r\n"),
            case .fail(let wrong) = try action(after: head + "basic\r\n\r\n", credentials: credentials),
            case .fail(let other) = try action(after: head + "Digest realm=x\r\n\r\n", credentials: credentials)
        else { throw Unexpected() }
        #expect(missing.fix == "set transport.proxy.username and transport.proxy.password")
        #expect(wrong.fix == "check transport.proxy.username and transport.proxy.password")
        #expect(other.fix == "let the proxy offer Basic; it offers digest")
        for failure in [missing, wrong, other] {
            #expect(failure.origin == .configuration)
            #expect(failure.what == "failed to CONNECT: HTTP/1.1 407 Proxy Authentication Required")
        }
    }

    @Test(
        "what is not HTTP is noticed at once",
        arguments: ["SSH-2.0-OpenSSH\r\n", "\u{15}", "HTTP/2 200\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1\r\n\r\n"]
    )
    func malformed(answer: String) throws {
        #expect(try action(after: answer) == .fail(.malformed))
    }

    @Test("a head without an end is given up")
    func endless() throws {
        var (machine, _) = try asking()
        #expect(machine.received(Array("HTTP/1.1 200 OK\r\n".utf8)) == .none)
        var received = 17
        while received + 100 < HTTPConnectStateMachine.largestHead {
            #expect(machine.received([UInt8](repeating: 0x61, count: 100)) == .none)
            received += 100
        }
        #expect(machine.received([UInt8](repeating: 0x61, count: 100)) == .fail(.headTooLong))
        #expect(machine.received(Array("\r\n\r\n".utf8)) == .none)
    }

    @Test("a status line is cut and cleaned before it is shown")
    func printable() throws {
        let line = "HTTP/1.1 500 \u{1B}[31m" + String(repeating: "x", count: 500)
        guard case .fail(.refused(let shown)) = try action(after: line + "\r\n\r\n") else { throw Unexpected() }
        #expect(shown.hasPrefix("HTTP/1.1 500  [31mxxx"))
        #expect(shown.count == 200)
    }

    @Test("what the proxy was told is not shown, in whatever form it repeats it, whole or cut by us or by it")
    func repeated() throws {
        let credentials = Proxy.Credentials(username: "user", password: Secret("pass-word?1"))
        // Of user and password, as they were sent.
        let sent = "dXNlcjpwYXNzLXdvcmQ/MQ=="
        for repeated in [
            "pass-word?1", "pass-word%3f1", sent, sent.replacing("/", with: "_"), String(sent.prefix(12)),
            String(sent.prefix(16)), "cGFzcy13b3JkPzE=", "pass-wor", "c2VjcmV0LXZhbHVl", "secret-value",
        ] {
            for filling in ["", String(repeating: "x", count: 180) + " "] {
                let action = try action(
                    after: "HTTP/1.1 403 \(filling)\(repeated)\r\n\r\n",
                    headers: ["X-Key": "Basic secret-value"],
                    credentials: credentials
                )
                guard case .fail(.refused(let shown)) = action else { throw Unexpected() }
                #expect(!shown.contains(repeated.prefix(8)), "\(shown)")
                #expect(shown.contains("***") || shown.utf8.count == 200, "\(shown)")
            }
            let head = "HTTP/1.1 407 no\r\nProxy-Authenticate: \(repeated)\r\n\r\n"
            guard case .fail(let failure) = try action(after: head, credentials: credentials) else {
                throw Unexpected()
            }
            if !repeated.hasPrefix("secret"), !repeated.hasPrefix("c2V") {
                #expect(failure.fix == "let the proxy offer Basic; it offers ***", "\(failure)")
            }
        }
    }
}

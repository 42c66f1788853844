// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import NIOCore
import RstreamModel
import RstreamTestSupport
import RstreamWire
import Testing

@Suite("A request at the edge", .timeLimit(.hang))
struct EdgeRequestTests {
    private static let ours = TestEdge.hostname

    @Test("goes to the tunnel that it names, however it names it and whatever its method is")
    func routed() async throws {
        try await TestEdge.with { edge in
            for (request, forwarded, host) in [
                ("GET / HTTP/1.1\r\nHost: \(Self.ours).", nil, "\(Self.ours)."),
                ("GET / HTTP/1.1\r\nHost: WEB.t.localhost.:443", nil, "WEB.t.localhost.:443"),
                (
                    "GET https://\(Self.ours):8443/x?y=http:// HTTP/1.1\r\nHost: nobody.t.localhost",
                    "GET /x?y=http:// HTTP/1.1\r\nHost: \(Self.ours):8443", "\(Self.ours):8443"
                ),
                (
                    "GET HTTP://\(Self.ours)?x HTTP/1.1\r\nHost: \(Self.ours)",
                    "GET /?x HTTP/1.1\r\nHost: \(Self.ours)", Self.ours
                ),
                (
                    "GET http://\(Self.ours)/ HTTP/1.0\r\nAccept: */*",
                    "GET / HTTP/1.1\r\nAccept: */*\r\nHost: \(Self.ours)", Self.ours
                ),
                ("FOO / HTTP/1.1\r\nHost: \(Self.ours)", nil, Self.ours),
                ("get /a HTTP/1.1\r\nhost:\(Self.ours)", "get /a HTTP/1.1\r\nhost: \(Self.ours)", Self.ours),
                ("M-SEARCH * HTTP/1.1\r\nHost: \(Self.ours)", nil, Self.ours),
                ("X!#$%&'*+-.^_`|~9 / HTTP/1.1\r\nHost: \(Self.ours)", nil, Self.ours),
            ] as [(String, String?, String)] {
                let visitor = try await edge.visit()
                try await visitor.send(request + "\r\n\r\n")
                let service = try await edge.bring()
                let expected = TestEdge.forwarded((forwarded ?? request) + "\r\n\r\n", host: host)
                #expect(try await service.receive(asLongAs: expected) == expected)
                await service.close()
                await visitor.close()
            }
        }
    }

    @Test("to a tunnel with token_auth shows the service no token of the engine")
    func token() async throws {
        try await TestEdge.with {
            $0.tokenAuth = true
        } _: { edge in
            let host = "Host: \(Self.ours)\r\n"
            #expect(try await edge.answer(to: "GET / HTTP/1.1\r\n\(host)\r\n").hasPrefix("HTTP/1.1 401 "))
            for request in [
                "GET /a?b HTTP/1.1\r\n\(host)Authorization: Bearer token\r\n\r\n",
                "GET /a?rstream.token=token&b HTTP/1.1\r\n\(host)\r\n",
            ] {
                let visitor = try await edge.visit()
                try await visitor.send(request)
                let service = try await edge.bring()
                let expected = TestEdge.forwarded("GET /a?b HTTP/1.1\r\n\(host)\r\n")
                #expect(try await service.receive(asLongAs: expected) == expected)
                await service.close()
                await visitor.close()
            }
        }
    }

    @Test("that cannot be meant is answered with a sentence, and asks no agent")
    func refused() async throws {
        try await TestEdge.with { edge in
            for (head, status, sentence) in [
                (
                    "GET / HTTP/1.1\r\nHost: \(Self.ours)\r\nHost: \(Self.ours)", 400,
                    "The request has more than one host."
                ),
                ("GET / HTTP/1.1\r\nAccept: */*", 400, "The request has no host."),
                ("GET http://\(Self.ours)/ HTTP/1.1\r\nAccept: */*", 400, "The request has no host."),
                ("GET / HTTP/1.1\r\nHost: a@\(Self.ours)", 400, "The host of the request is not valid."),
                ("GET / HTTP/1.1\r\nHost: web t", 400, "The host of the request is not valid."),
                ("GET / HTTP/1.1\r\nHost: \(Self.ours):http", 400, "The host of the request is not valid."),
                ("GE(T / HTTP/1.1\r\nHost: \(Self.ours)", 400, "This is not an HTTP request."),
                ("PRI * HTTP/2.0\r\nHost: \(Self.ours)", 400, "This is not an HTTP request."),
                ("GET / HTTP/1.0\r\nAccept: */*", 404, "The request has no host."),
                ("GET / HTTP/1.1\r\nHost: nobody.t.localhost", 404, "No tunnel is published at nobody.t.localhost."),
                (
                    "GET http://nobody.t.localhost/ HTTP/1.1\r\nHost: \(Self.ours)", 404,
                    "No tunnel is published at nobody.t.localhost."
                ),
                (
                    "GET / HTTP/1.1\r\nHost: www.example.org", 404,
                    "No tunnel is published at www.example.org; the engine itself has only /api."
                ),
            ] {
                let answer = try await edge.answer(to: head + "\r\n\r\n")
                #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(head): \(answer)")
                #expect(answer.hasSuffix("\r\n\r\n\(sentence)\n"), "\(head): \(answer)")
            }
            #expect(try await edge.engine.statistics().relaysTotal == 0)
        }
    }

    @Test("for the head only is answered without a body, but with its length")
    func headOnly() async throws {
        try await TestEdge.with { edge in
            for host in ["nobody.t.localhost", "localhost", "a@b"] {
                let answer = try await edge.answer(to: "HEAD / HTTP/1.1\r\nHost: \(host)\r\n\r\n")
                #expect(answer.hasPrefix("HTTP/1.1 4"))
                #expect(answer.hasSuffix("\r\n\r\n"))
                #expect(!answer.contains("Content-Length: 0\r\n"))
            }
        }
    }

    @Test("without TLS is answered with an explanation, and other bytes are not")
    func plain() async throws {
        try await TestEdge.with { edge in
            func answer(to bytes: String, port: Int) async throws -> String {
                let visitor = try await TestConnection.connect(toPort: port)
                try await visitor.send(bytes)
                let answer = try await visitor.receiveText()
                await visitor.close()
                return answer
            }
            let port = edge.engine.address.port
            for request in ["GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "POST", "FOO /"] {
                let text = try await answer(to: request, port: port)
                #expect(text.hasPrefix("HTTP/1.1 400 "))
                #expect(text.hasSuffix("This port speaks TLS; the address begins with https:// here.\n"))
            }
            #expect(try await answer(to: "\0\0", port: port) == "")
            #expect(try await answer(to: "GET /", port: edge.engine.redirectAddress.port) == "")
        }
    }

    private static let request = "GET / HTTP/1.1\r\nHost: \(ours)\r\n\r\n"

    @Test("whose agent refuses it is answered with 502 and the agent's error")
    func agentRefuses() async throws {
        try await TestEdge.with { edge in
            let visitor = try await edge.visit()
            try await visitor.send(Self.request)
            try await visitor.finish()
            let asked = try #require(try await edge.agent.proxyConnectionRequest())
            let error = EngineError(code: .serviceUnavailable, message: "the service is away")
            let refusal = ProxyConnectionResponse(streamID: asked.streamID, error: error)
            try await edge.agent.send(.proxyConnectionResponse(refusal))
            let answer = try await visitor.receiveText()
            #expect(answer.hasPrefix("HTTP/1.1 502 "))
            #expect(answer.contains("the service is away"))
            await visitor.close()
        }
    }

    @Test("whose service ends or breaks before the first byte is answered with 502, and the log says why")
    func serviceFails() async throws {
        let log = LogCapture()
        try await TestEdge.with(logger: log.logger) { edge in
            for (end, sentence) in [
                (nil, "The service closed the connection without a response."),
                (.reset, "The connection to the service failed: connection reset."),
                (.output, "The connection to the service failed: connection closed without close_notify."),
            ] as [(TestConnection.SocketEnd?, String)] {
                let visitor = try await edge.visit()
                try await visitor.send(Self.request)
                try await visitor.finish()
                let service = try await edge.bring()
                _ = try await service.receive(asLongAs: Self.request)
                // The engine may be gone before the socket is told, as its peer's end is all that it waits for.
                if let end { try? await service.endSocket(end) } else { try? await service.finish() }
                let answer = try await visitor.receiveText()
                #expect(answer.hasPrefix("HTTP/1.1 502 "))
                #expect(answer.contains(sentence), "\(answer)")
                #expect(log.lines("stream failed").last?.metadata["error"]?.contains(sentence) == true)
                await service.close()
                await visitor.close()
            }
        }
    }

    @Test("whose service breaks within its answer is reset: what it got is not all there was")
    func serviceBreaks() async throws {
        try await TestEdge.with { edge in
            let visitor = try await edge.visit()
            try await visitor.send(Self.request)
            let service = try await edge.bring()
            try await service.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n1234")
            _ = try await visitor.receive(10)
            try await service.endSocket(.reset)
            try await visitor.waitForReset()
        }
    }

    @Test("whose service should speak TLS and does not is answered with 502, and the log says so")
    func upstreamTLS() async throws {
        let log = LogCapture()
        try await TestEdge.with(logger: log.logger) {
            $0.upstreamTLS = true
        } _: { edge in
            let visitor = try await edge.visit()
            try await visitor.send(Self.request)
            try await visitor.finish()
            let service = try await edge.bring()
            // The engine's hello.
            _ = try await service.receive(1)
            try await service.send("HTTP/1.1 400 Bad Request\r\n\r\n")
            let answer = try await visitor.receiveText()
            #expect(answer.hasPrefix("HTTP/1.1 502 "))
            #expect(answer.contains("The connection to the service failed: TLS failed."))
            #expect(log.lines("stream failed").count == 1)
            await service.close()
            await visitor.close()
        }
    }

    @Test("to a tunnel with mtls_auth needs a registered certificate, and no cookie of the engine beside it")
    func certificate() async throws {
        try await TestEdge.with {
            $0.mtlsAuth = true
        } _: { edge in
            let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
            let head = "GET / HTTP/1.1\r\nHost: \(Self.ours)\r\n"
            let cookie = "Cookie: a=b; rstream_auth=c\r\n"
            for (request, showsCertificate) in [
                (head, false), (head + upgrade, false), (head + cookie, false), (head + cookie, true),
                (head + upgrade + cookie, true),
            ] {
                let answer = try await edge.answer(to: request + "\r\n", showsCertificate: showsCertificate)
                #expect(answer.hasPrefix("HTTP/1.1 401 "), "\(request)")
            }
            for request in [head, head + upgrade, head + "Cookie: a=rstream_auth=b; xrstream_auth=c\r\n"] {
                let visitor = try await edge.visit(showsCertificate: true)
                try await visitor.send(request + "\r\n")
                let service = try await edge.bring()
                let expected = TestEdge.forwarded(request + "\r\n")
                #expect(try await service.receive(asLongAs: expected) == expected)
                await service.close()
                await visitor.close()
            }
        }
    }

    @Test("for the inventory of certificate holders is answered without authentication, with the requested host")
    func inventory() async throws {
        try await TestEdge.with { edge in
            let port = edge.engine.address.port
            for (host, label) in [("localhost:\(port)", "localhost"), ("1a2b.localhost", "1a2b")] {
                let answer = try await edge.answer(
                    to: "GET /.well-known/rstream/engine HTTP/1.1\r\nHost: \(host)\r\n\r\n"
                )
                let name = label == "localhost" ? label : "\(label).localhost"
                let json = """
                    {"capabilities":["engine-api-mtls"],"mtlsApiUrl":"https://\(name):\(port)/api",\
                    "projectEndpoint":"\(label)","version":1}
                    """
                #expect(answer.hasPrefix("HTTP/1.1 200 "))
                #expect(answer.contains("Cache-Control: no-store\r\n"))
                #expect(answer.hasSuffix("\r\n\r\n\(json)"), "\(answer)")
            }
        }
    }

    @Test("of the API for what belongs to a user finds nothing: there are none")
    func users() async throws {
        try await TestEdge.with { edge in
            for kind in ["tunnels", "clients"] {
                for (user, isFound) in [("%22u%22", false), ("null", true)] {
                    let path = "/api/\(kind)?params=%7B%22filters%22:%7B%22user_id%22:\(user)%7D%7D"
                    let answer = try await edge.answer(
                        to: "GET \(path) HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer token\r\n\r\n"
                    )
                    #expect(answer.hasPrefix("HTTP/1.1 200 "))
                    #expect(answer.hasSuffix("\r\n\r\n[]") == !isFound, "\(answer)")
                }
            }
        }
    }

    @Test("counts for payload-reset, though it came before the agent did")
    func payloadReset() async throws {
        try await TestEdge.with { edge in
            let forwarded = TestEdge.forwarded(Self.request)
            await edge.engine.setFaults([try Fault("payload-reset=\(forwarded.utf8.count)*1")])
            let visitor = try await edge.visit()
            try await visitor.send(Self.request)
            let service = try await edge.bring()
            try await service.waitForReset()
            try await visitor.waitForReset()
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Logging
import NIOPosix
import NIOSSL
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("A project's description")
struct ProjectDocumentTests {
    private func engine(_ json: String, region: String? = nil) throws(RstreamError) -> ResolvedEngine {
        let project = ManagedProject(endpoint: "1a2b", region: region)
        return try ProjectDocument.engine(of: project, in: Data(json.utf8))
    }

    private static let marks = String(repeating: "\u{301}\u{323}", count: 100_000)

    @Test("costs no more than its length, whatever it is made of", arguments: Growth.units)
    func growth(unit: String) {
        let part = unit.replacing("\r\n", with: #"\r\n"#).replacing("\u{1B}", with: #"\u001b"#)
        for head in [#"{"domain":""#, #"{"url":""#, #"{"regionalEndpoints":[{"region":""#] {
            Growth.expectLinear(length: 500_000) {
                head + Growth.text(part, $0) + (head.contains("[") ? #""}]}"# : #""}"#)
            } _: {
                _ = try? engine($0, region: "a")
            }
        }
        Growth.expectLinear(length: 250_000) { length in
            let entry = #"{"region":"r\#(unit.unicodeScalars.count)","domain":"d"}"#
            return
                #"{"regionalEndpoints":[\#(Array(repeating: entry, count: length / entry.utf8.count).joined(separator: ","))]}"#
        } _: {
            _ = try? engine($0, region: "a")
        }
    }

    private let regional = """
        {"domain":"d.example","regionalEndpoints":[
            {"provider":"x","region":"EU-West-3","domain":"eu.d.example","enginePort":8443},
            {"provider":"x","region":"us","domain":"us.d.example"},
            {"provider":"x","region":"twice","domain":"t.d.example"},
            {"provider":"y","region":"Twice","domain":"u.d.example"},
            {"region":"nowhere"}, {}
        ]}
        """

    @Test(
        "names the engine by domain and port, or by its older address",
        arguments: [
            (#"{"domain":"d.example"}"#, "1a2b.d.example:443"),
            (#"{"domain":"D.example","enginePort":8443,"url":"x"}"#, "1a2b.d.example:8443"),
            (#"{"url":"old.example"}"#, "old.example:443"),
            (#"{"domain":" ","url":"old.example:1"}"#, "old.example:1"),
            (#"{"domain":"d.example","future":[1],"regionalEndpoints":7}"#, "1a2b.d.example:443"),
        ]
    )
    func own(json: String, expected: String) throws {
        let engine = try engine(json)
        #expect(engine.address.description == expected)
        #expect(engine.project == engine.address)
    }

    @Test("names the engine of a region in any case, and still the project's own")
    func region() throws {
        let first = try engine(regional, region: "eu-west-3")
        #expect(first.address.description == "1a2b.eu.d.example:8443")
        #expect(first.project?.description == "1a2b.d.example:443")
        #expect(try engine(regional, region: "US").address.description == "1a2b.us.d.example:443")
        let alone = #"{"regionalEndpoints":[{"region":"a","domain":"a.example"}]}"#
        #expect(try engine(alone, region: "a").project == nil)
    }

    @Test("without the region lists those there are")
    func unavailable() throws {
        let error = #expect(throws: RstreamError.self) { try engine(regional, region: "mars") }
        #expect(error?.code == .regionUnavailable)
        #expect(error?.retry == .afterReload)
        #expect(error?.fix == "available: eu-west-3, nowhere, twice, us")
        let none = #expect(throws: RstreamError.self) { try engine(#"{"domain":"d"}"#, region: "mars") }
        #expect(none?.fix == "it has no regions; leave the region out")
    }

    @Test("with the region twice is ambiguous")
    func ambiguous() {
        let error = #expect(throws: RstreamError.self) { try engine(regional, region: "twice") }
        #expect(error?.code == .regionAmbiguous)
    }

    @Test(
        "that says not where the engine is, is one to ask for again",
        arguments: [
            ("", nil), ("[]", nil), ("{}", nil), (#"{"domain":7}"#, nil), (#"{"domain":"a b"}"#, nil),
            (#"{"domain":"d","enginePort":0}"#, nil), (#"{"regionalEndpoints":7}"#, "a"),
            (#"{"regionalEndpoints":[{"region":"a"}]}"#, "a"), (String(repeating: "[", count: 513), nil),
            (#"{"domain":"d.example","a":"# + String(repeating: "[", count: 513), nil),
            (#"{"domain":"d.example","a":"# + String(repeating: "{\"a\":", count: 513), "a"),
            (#"{"domain":""# + Self.marks + #""}"#, nil), (#"{"url":""# + Self.marks + #""}"#, nil),
            (#"{"url":"\#(String(repeating: "e", count: 300))"}"#, nil), (#"{"domain":"d\u0301.example"}"#, nil),
            (#"{"domain":"d.example","enginePort":9223372036854775807}"#, nil),
            (#"{"domain":"d.example","enginePort":-1}"#, nil), (#"{"domain":"d.example","enginePort":1e400}"#, nil),
            (#"{"regionalEndpoints":[{"region":""# + Self.marks + #"","domain":"d"}]}"#, "a"),
        ] as [(String, String?)]
    )
    func unusable(json: String, region: String?) {
        let error = #expect(throws: RstreamError.self) { try engine(json, region: region) }
        #expect(error?.code == .controlPlane)
        #expect(error?.retry == .afterBackoff)
    }
}

@Suite("The control plane", .serialized, .timeLimit(.hang))
struct ControlPlaneTests {
    private func ask(
        _ plane: TestControlPlane,
        endpoint: String = "1a2b",
        headers: [String: String] = [:],
        token: Secret? = Secret("secret-token"),
        timeout: Duration = testTimeout
    ) async throws(RstreamError) -> ResolvedEngine {
        try await ask(plane.url, endpoint: endpoint, headers: headers, token: token, timeout: timeout)
    }

    private func ask(
        _ url: String,
        endpoint: String = "1a2b",
        headers: [String: String] = [:],
        token: Secret? = Secret("secret-token"),
        timeout: Duration = testTimeout
    ) async throws(RstreamError) -> ResolvedEngine {
        var client = ControlPlane(agent: .library, group: MultiThreadedEventLoopGroup.singleton)
        client.timeout = timeout
        let project = ManagedProject(apiURL: url + "/base/", endpoint: endpoint, headers: headers)
        return try await client.engine(of: project, token: token)
    }

    @Test("is never named with a user and a password", arguments: ["u:hidden@127.0.0.1:1", "u/:hidden@127.0.0.1:1"])
    func user(authority: String) async throws {
        let error = await #expect(throws: RstreamError.self) { _ = try await ask("https://\(authority)") }
        let text = try #require(error?.description)
        #expect(text.contains("https://***@127.0.0.1:1"))
        #expect(!text.contains("hidden"))
    }

    @Test("is asked for the project with the token and the user's headers")
    func request() async throws {
        try await TestControlPlane.with(.json(#"{"domain":"d.example"}"#)) { plane in
            let engine = try await ask(plane, headers: ["x-company": "acme", "accept": "text/x"])
            #expect(engine.address.description == "1a2b.d.example:443")
            // No path component of the caller's becomes more than one.
            _ = try? await ask(plane, endpoint: "../a b?c")
            let requests = plane.requests.value
            #expect(
                requests.map(\.path) == [
                    "/base/api/projects/tunnels/resolve/1a2b",
                    "/base/api/projects/tunnels/resolve/%2E%2E%2Fa%20b%3Fc",
                ]
            )
            let headers = try #require(requests.first).headers
            #expect(headers["authorization"] == "Bearer secret-token")
            #expect(headers["x-company"] == "acme")
            #expect(headers["accept"] == "text/x")
            #expect(headers["host"].map { plane.url.hasSuffix("//\($0)") } == true)
        }
    }

    @Test(
        "says no, and the error says what to do about it",
        arguments: [
            (401, "not authenticated", RstreamError.Retry.afterReload), (403, "not authorized", .afterReload),
            (404, "there is no project \"1a2b\"", .afterReload), (400, "it answered 400", .afterReload),
            (429, "it answered 429", .afterBackoff), (500, "it answered 500", .afterBackoff),
        ]
    )
    func refusal(status: Int, words: String, retry: RstreamError.Retry) async throws {
        try await TestControlPlane.with(.status(status, #"{"error":"because\n of it"}"#)) { plane in
            let error = try await failure { _ = try await ask(plane) }
            #expect(error.code == .controlPlane)
            #expect(error.retry == retry)
            #expect(error.what == "control plane \(plane.url)/base/: \(words): because of it")
        }
    }

    @Test("that sends us elsewhere is not followed, since the token would go along")
    func redirect() async throws {
        try await TestControlPlane.with(.json("{}")) { other in
            try await TestControlPlane.with(.redirect(to: other.url + "/")) { plane in
                let error = try await failure { _ = try await ask(plane) }
                #expect(error.what.contains("redirects"))
                #expect(other.requests.value.isEmpty)
            }
        }
    }

    @Test("that hangs up, talks without end, or is not there is one that may come back")
    func unreachable() async throws {
        for (answer, words) in [
            (TestControlPlane.Answer.none, "the connection was closed"),
            (.long(ExchangeHandler.longest + 1), "longer than 1048576 bytes"),
        ] {
            try await TestControlPlane.with(answer) { plane in
                let error = try await failure { _ = try await ask(plane) }
                #expect(error.what.hasSuffix(words) || error.what.contains(words), "\(error)")
                #expect(error.retry == .afterBackoff)
            }
        }
        try await TestServer.withDeadPort { port in
            let error = try await failure { _ = try await ask("http://127.0.0.1:\(port)") }
            #expect(error.what.contains("refused"))
            #expect(error.origin == .host)
            #expect(error.retry == .afterBackoff)
        }
    }

    private static let deep = String(repeating: "[", count: 513)
    private static let ok = "HTTP/1.1 200 OK\r\n"

    @Test(
        "that answers at the limits of HTTP and JSON, or beyond them, ends nothing",
        arguments: [
            ok + "Content-Length: 513\r\n\r\n\(deep)", "HTTP/1.1 401 No\r\nContent-Length: 513\r\n\r\n\(deep)",
            "HTTP/1.1 500 No\r\nContent-Length: 513\r\n\r\n\(deep)", "HTTP/1.1 500 No\r\n\r\n{\"error\":\(deep)",
            ok + "Content-Length: 18446744073709551616\r\n\r\n{}", ok + "Content-Length: -1\r\n\r\n{}",
            ok + "Content-Length: 9223372036854775807\r\n\r\n{}",
            ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
            ok + "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n{}",
            ok + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n{}",
            ok + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: \(String(repeating: "x", count: 300_000))",
            ok + "Transfer-Encoding: chunked\r\n\r\n1;\(String(repeating: "x", count: 300_000))\r\n",
            ok + "X: \(String(repeating: "x", count: 300_000))", ok + String(repeating: "X: x\r\n", count: 20_000),
            ok + "\u{301}: x\r\n\r\n", "HTTP/1.1 99999 X\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 0 \r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n", "\0\0\0\0\r\n\r\n",
            String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 10_000),
        ]
    )
    func limits(answer: String) async throws {
        try await TestServer.with(.manual) { server in
            let url = "http://127.0.0.1:\(server.port)"
            async let asked = within("the error") { try await failure { _ = try await ask(url) } }
            let connection = try await server.connection()
            try? await connection.send(answer)
            await connection.close()
            let error = try await asked
            #expect(error.code == .controlPlane)
            #expect(error.what.utf8.count < 400)
            #expect(!error.what.unicodeScalars.contains { $0.isHidden })
        }
    }

    @Test("that does not answer is given up, in time or when the caller cancels")
    func silent() async throws {
        try await TestControlPlane.with(.silence) { plane in
            let error = try await failure { _ = try await ask(plane, timeout: .milliseconds(200)) }
            #expect(error.what.contains("no answer within"))
            #expect(error.retry == .afterBackoff)
            let before = plane.requests.value.count
            let asking = Task { try await failure { _ = try await ask(plane, timeout: .seconds(600)) } }
            try await plane.requests.wait(for: "the request") { $0.count > before }
            asking.cancel()
            let cancelled = try await within("the end of a cancelled request") { try await asking.value }
            #expect(cancelled.code == .clientClosed)
        }
    }

    @Test("is asked nothing without a token, with one that breaks the request, or with headers of ours")
    func refused() async throws {
        try await TestControlPlane.with(.json("{}")) { plane in
            let missing = try await failure { _ = try await ask(plane, token: nil) }
            #expect(missing.code == .authRequired)
            let broken = try await failure { _ = try await ask(plane, token: Secret("hunter2\r\nX: y")) }
            #expect(broken.code == .invalidConfig)
            #expect(!"\(broken)".contains("hunter2"))
            let reserved = try await failure { _ = try await ask(plane, headers: ["host": "x"]) }
            #expect(reserved.what == "reserved control plane header \"host\"")
            #expect(plane.requests.value.isEmpty)
        }
    }

    @Test("over TLS must prove who it is before it sees the token")
    func trust() async throws {
        // The engine's own API stands for a control plane: it knows no projects.
        try await TestEngine.with { engine in
            var plane = ControlPlane(agent: .library, group: MultiThreadedEventLoopGroup.singleton)
            let project = ManagedProject(apiURL: "https://\(engine.address)", endpoint: "1a2b")
            let untrusted = try await failure { _ = try await plane.engine(of: project, token: TestEngine.token) }
            #expect(untrusted.what.contains("the certificate is not trusted"))
            plane.additionalTrust = try NIOSSLCertificate.fromPEMBytes(Array(engine.caPEM.utf8))
            let trusted = try await failure { _ = try await plane.engine(of: project, token: TestEngine.token) }
            #expect(trusted.what.contains("there is no project"))
        }
    }
}

@Suite("A managed project", .serialized, .timeLimit(.hang))
struct ManagedProjectTests {
    /// An address is a name too: `127` at `0.0.1`.
    private func document(of engine: TestEngine, regional: Bool = false) -> String {
        let place = #""domain":"0.0.1","enginePort":\#(engine.address.port)"#
        guard regional else { return "{\(place)}" }
        return #"{"domain":"project.example","regionalEndpoints":[{"region":"here",\#(place)}]}"#
    }

    private func client(
        _ plane: TestControlPlane,
        _ engine: TestEngine,
        region: String? = nil,
        logger: Logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    ) -> RstreamClient {
        engine.client(logger: logger) {
            $0.engine = .project(ManagedProject(apiURL: plane.url, endpoint: "127", region: region))
        }
    }

    @Test("is looked up, connected to, dialed through, and shows its token to both")
    func connect() async throws {
        try await TestEngine.with { engine in
            try await TestControlPlane.with(.json(document(of: engine))) { plane in
                let client = client(plane, engine)
                let control = try await client.connect()
                #expect(control.engine == engine.address)
                #expect(control.projectEngine == engine.address)
                let request = try #require(plane.requests.value.first)
                #expect(request.path == "/api/projects/tunnels/resolve/127")
                #expect(request.headers["authorization"] == "Bearer \(TestEngine.token.reveal())")
                let tunnel = try await control.createTunnel(unpublished())
                let dialed = try await client.dial("private").take()
                let accepted = try await tunnel.next().take(echo: true)
                try await dialed.send("hello")
                #expect(try await dialed.receive(asLongAs: "hello") == "hello")
                // A dial does not ask again what was answered just now.
                #expect(plane.requests.value.count == 1)
                await dialed.close()
                await accepted.close()
                await control.close()
                try await engine.waitUntilDeserted()
            }
        }
    }

    @Test("in a region is dialed there, and keeps its own name for stable domains")
    func region() async throws {
        try await TestEngine.with { engine in
            try await TestControlPlane.with(.json(document(of: engine, regional: true))) { plane in
                let control = try await client(plane, engine, region: "here").connect()
                #expect(control.engine == engine.address)
                #expect(control.projectEngine?.description == "127.project.example:443")
                await control.close()
                let error = try await failure { _ = try await client(plane, engine, region: "mars").connect() }
                #expect(error.code == .regionUnavailable)
            }
        }
    }

    private static let silence = "control plane unreachable, using last known engine"

    @Test("is resolved at every connect, and its last address is used without an answer")
    func fallback() async throws {
        try await TestEngine.with { engine in
            try await TestControlPlane.with(.status(503)) { plane in
                let log = LogCapture()
                let client = client(plane, engine, logger: log.logger)
                let down = try await failure { _ = try await client.connect() }
                #expect(down.code == .controlPlane)
                plane.answer.change { $0 = .json(document(of: engine)) }
                await (try client.connect()).close()
                plane.answer.change { $0 = .status(503) }
                await (try client.connect()).close()
                #expect(plane.requests.value.count == 3)
                await (try client.connect()).close()
                #expect(log.lines(Self.silence).count == 1, "an outage is told once")
                #expect(log.lines(at: .warning).isEmpty)
                plane.answer.change { $0 = .json(document(of: engine)) }
                await (try client.connect()).close()
                await (try client.connect()).close()
                #expect(log.lines("control plane reachable again").count == 1)
                plane.answer.change { $0 = .status(503) }
                await (try client.connect()).close()
                #expect(log.lines(Self.silence).count == 2, "and so is the next one")
                // A no is not an outage.
                plane.answer.change { $0 = .status(403) }
                let refused = try await failure { _ = try await client.connect() }
                #expect(refused.what.contains("not authorized"))
                await plane.stop()
                await (try client.connect()).close()
            }
        }
    }

    @Test("is not looked up with an expired token")
    func expired() async throws {
        try await TestEngine.with { engine in
            try await TestControlPlane.with(.json(document(of: engine))) { plane in
                let client = engine.client {
                    $0.engine = .project(ManagedProject(apiURL: plane.url, endpoint: "127"))
                    $0.credential = .token(token(claiming: #"{"exp":1}"#))
                }
                let refused = try await failure { _ = try await client.connect() }
                #expect(refused.code == .tokenExpired)
                #expect(plane.requests.value.isEmpty)
            }
        }
    }
}

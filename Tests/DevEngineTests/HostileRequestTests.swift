// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import RstreamTestSupport
import Testing

@testable import DevEngine

@Suite("Requests that an engine cannot mean", .timeLimit(.hang))
struct HostileRequestTests {
    private static let deep = String(repeating: "[", count: 513)

    private static func encoded(_ text: String) -> String {
        Data(text.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing(
            "=",
            with: ""
        )
    }

    @Test("a token whose header is nested without end ends nothing: it is read before the signature is judged")
    func token() {
        for part in [
            Self.deep, #"{"alg":"# + Self.deep, String(repeating: #"{"alg":"#, count: 513),
            String(repeating: "[", count: 100_000),
            #"{"alg":""# + String(repeating: "\u{301}\u{323}", count: 5_000) + #""}"#,
            "\u{FEFF}" + Self.deep, "{\"alg\":\"\0\"}", String(repeating: "{\"a\":1},", count: 10_000),
        ] {
            for token in ["\(Self.encoded(part)).e30.c2ln", "\(part).\(part).\(part)", "\(part)"] {
                #expect(!JSONWebToken.isValid(token, secret: [1, 2, 3], now: Date()))
            }
        }
    }

    @Test("filters and faults that are nested without end are answered with 400, and the engine goes on")
    func api() async throws {
        let folder = try ProcessFolder()
        let engine = try await ProcessEngine.start(in: folder)
        let deep = Self.deep.replacing("[", with: "%5B")
        let filters = String(repeating: "%7B%22filters%22:", count: 513)
        for path in [
            "/api/tunnels?params=\(deep)", "/api/clients?params=\(filters)",
            "/api/tunnels?params=%7B%22limit%22:1e400%7D",
        ] {
            #expect(try await engine.https.request("GET", path, token: ProcessEngine.token).status == 400)
        }
        for body in [Self.deep, #"["a","# + Self.deep, "\u{FEFF}" + Self.deep, #"["\u0000"]"#, "[\"a\0\"]"] {
            let answer = try await engine.https.request(
                "PUT",
                "/api/dev/faults",
                token: ProcessEngine.token,
                body: body
            )
            #expect(answer.status == 400)
        }
        let limit = "/api/tunnels?params=%7B%22limit%22:9223372036854775807%7D"
        #expect(try await engine.https.request("GET", limit, token: ProcessEngine.token).status == 200)
        await engine.process.kill()
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import NIOCore
import Rstream
import RstreamDaemonModel
import RstreamModel
import RstreamRelay
import RstreamTestSupport
import Testing

@Suite("A stream whose upstream is down", .serialized, .timeLimit(.hang))
struct RefusedUpstreamTests {
    private static let answer = "the tunnel's upstream cannot be reached"

    /// The messages of a kind that the engine got.
    private func messages(_ kind: String, _ fixture: RelayFixture) async throws -> [AgentMessage] {
        try await fixture.engine.engine.wait { _ in true }.messages.filter { $0.kind == kind }
    }

    @Test("is refused with an error to the engine, which is not asked for the visitor", arguments: [true, false])
    func refused(zeroRTT: Bool) async throws {
        try await TestServer.withDeadPort { port in
            try await RelayFixture.with(.port(port), zeroRTT: zeroRTT) { fixture in
                let visitor = try await fixture.visit()
                try await visitor.state.wait(for: "the end") { $0.isOver }
                #expect(try await fixture.engine.refusals() == [Self.answer])
                #expect(try await messages("ProxyReq", fixture).isEmpty)
                let end = try await fixture.waitForEnds()
                #expect(end.first?.metadata["outcome"] == "upstream_failed")
                #expect(end.first?.metadata["error"] == "upstream 127.0.0.1:\(port) refuses connections")
                #expect(fixture.log.lines("upstream unreachable").count == 1)
                #expect(fixture.acceptor.ledger.totals.ended == [.upstreamFailed: 1])
                await visitor.close()
            }
        }
    }

    @Test("is answered with 502 by the engine of an http tunnel, without a word about the upstream's address")
    func badGateway() async throws {
        try await TestServer.withDeadPort { port in
            try await RelayFixture.with(.port(port), way: .http) { fixture in
                let hostname = try #require(fixture.tunnel.properties.hostname)
                let answer = try await fixture.engine.get(from: hostname)
                #expect(answer.hasPrefix("HTTP/1.1 502 "), "\(answer)")
                #expect(answer.contains(Self.answer), "\(answer)")
                #expect(!answer.contains("\(port)"), "\(answer)")
                try await fixture.waitForEnds()
            }
        }
    }

    @Test("is told to a private dialer")
    func privateDial() async throws {
        try await TestServer.withDeadPort { port in
            try await RelayFixture.with(.port(port), way: .dial) { fixture in
                let error = await #expect(throws: RstreamError.self) {
                    _ = try await fixture.client.dial("relayed", zeroRTT: false)
                }
                #expect(error?.what.contains(Self.answer) == true, "\(String(describing: error))")
                try await fixture.waitForEnds()
            }
        }
    }

    @Test("is taken when the upstream does not answer soon, and closed when it never does")
    func slow() async throws {
        try await TestServer.withFullQueue { port in
            // Long enough for the engine half, which must be there before it is over.
            let options = UpstreamOptions(connectTimeout: longestStall)
            try await RelayFixture.with(.port(port), options: options, requestDelay: .milliseconds(50)) { fixture in
                let visitor = try await fixture.visit()
                try await fixture.engine.waitForAnswers(1)
                try await visitor.state.wait(for: "the end") { $0.isOver }
                let answers = try await messages("ProxyConnRsp", fixture)
                #expect(answers.map(\.errorMessage) == [nil])
                try await fixture.waitForEnds()
                #expect(fixture.acceptor.ledger.totals.ended == [.upstreamFailed: 1])
                await visitor.close()
            }
        }
    }

    @Test(
        "is served when the upstream comes back in time, before or after the engine was told",
        arguments: [true, false]
    )
    func held(isTold: Bool) async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            try await RelayFixture.with(
                .unix(path: path),
                options: UpstreamOptions(holdTimeout: .seconds(600)),
                requestDelay: isTold ? .milliseconds(50) : .seconds(600)
            ) { fixture in
                let visitor = try await fixture.visit()
                try await visitor.send("question")
                try await fixture.heldStream()
                if isTold {
                    try await fixture.engine.waitForAnswers(1)
                } else {
                    #expect(try await messages("ProxyReq", fixture).isEmpty)
                }
                try await TestServer.with(at: .unix(path: path)) { _ in
                    #expect(try await visitor.receive(asLongAs: "question") == "question")
                    try await visitor.finish()
                    try await fixture.waitForEnds()
                }
                #expect(try await messages("ProxyConnRsp", fixture).map(\.errorMessage) == [nil])
                await visitor.close()
            }
        }
    }

    @Test("is given up when the tunnel is closed meanwhile")
    func tunnelClosed() async throws {
        try await TestServer.withDeadPort { port in
            let options = UpstreamOptions(holdTimeout: .seconds(600))
            try await RelayFixture.with(.port(port), options: options, requestDelay: .seconds(600)) { fixture in
                let visitor = try await fixture.visit()
                try await fixture.heldStream()
                fixture.control.closeTunnel(fixture.tunnel.id)
                try await visitor.state.wait(for: "the end") { $0.isOver }
                try await fixture.waitForEnds()
                #expect(fixture.acceptor.ledger.totals.ended == [.cut: 1])
                await visitor.close()
            }
        }
    }
}

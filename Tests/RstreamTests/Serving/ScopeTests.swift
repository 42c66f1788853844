// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import NIOCore
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("Calls that close what they open", .serialized, .timeLimit(.hang))
struct ScopeTests {
    private struct Failed: Error {}

    @Test(
        "close the tunnel, then the control channel, on every way out",
        arguments: ["returns", "throws", "is cancelled"]
    )
    func order(way: String) async throws {
        try await TestEngine.with { engine in
            let client = engine.client()
            let isOpen = Observed(false)
            let task = Task {
                try await client.withControlChannel { control in
                    try await control.withTunnel(unpublished()) { tunnel in
                        isOpen.change { $0 = true }
                        switch way {
                        case "throws": throw Failed()
                        case "is cancelled": try await tunnel.serve { _ in }
                        default: break
                        }
                        return tunnel.id
                    }
                }
            }
            try await isOpen.wait(for: "the tunnel") { $0 }
            if way == "is cancelled" { task.cancel() }
            let result = try await within("the end") { await task.result }
            switch way {
            case "throws": #expect(throws: Failed.self) { try result.get() }
            case "is cancelled": #expect(throws: CancellationError.self) { try result.get() }
            default: #expect(try !result.get().isEmpty)
            }
            try await engine.waitUntilDeserted()
            let kinds = try await engine.engine.statistics().messages.map(\.kind).filter { $0 != "Heartbeat" }
            #expect(kinds.suffix(2) == ["CloseTunnelReq", "CloseControlChannelReq"])
        }
    }

    @Test("end in bounded time although the engine does not answer")
    func silentEngine() async throws {
        try await TestEngine.with { engine in
            let client = engine.client { $0.timeouts.close = .milliseconds(200) }
            let isOpen = Observed(false)
            let task = Task {
                try await client.withControlChannel { control in
                    try await control.withTunnel(unpublished()) { tunnel in
                        isOpen.change { $0 = true }
                        try await tunnel.serve { _ in }
                    }
                }
            }
            try await isOpen.wait(for: "the tunnel") { $0 }
            await engine.engine.setFaults([Fault(.stallReads)])
            task.cancel()
            let result = try await within("the end") { await task.result }
            #expect(throws: CancellationError.self) { try result.get() }
        }
    }

    @Test("throw what opening throws")
    func opening() async throws {
        try await TestEngine.with { engine in
            let client = engine.client { $0.credential = .token(Secret("wrong")) }
            let error = try await failure { try await client.withControlChannel { _ in } }
            #expect(error.code == .engine)
            try await engine.client().withControlChannel { control in
                let error = try await failure {
                    try await control.withTunnel(TunnelSpec(protocol: .http, port: 80)) { _ in }
                }
                #expect(error.code == .invalidTunnel)
            }
            try await engine.waitUntilDeserted()
        }
    }

    @Test("a client is made of an engine and a token in one line, and wrong ones are refused at once")
    func construction() throws {
        let client = try RstreamClient(engine: "1a2b.cluster.example", token: "secret")
        #expect("\(client.options.engine)" == "1a2b.cluster.example:443")
        for (engine, token, code) in [
            ("https://1a2b.cluster.example", "secret", RstreamError.Code.invalidEngine),
            ("1a2b", "two\nlines", .authRequired),
        ] {
            do {
                _ = try RstreamClient(engine: engine, token: token)
                Issue.record("\(engine) with \(token) was accepted")
            } catch {
                #expect(error.code == code)
            }
        }
    }
}

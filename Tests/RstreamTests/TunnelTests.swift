// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import NIOCore
import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("Tunnels", .serialized, .timeLimit(.hang))
struct TunnelTests {
    @Test("a private tunnel has a name and no address")
    func unpublishedTunnel() async throws {
        try await TestEngine.with { engine in
            let control = try await engine.client().connect()
            let tunnel = try await control.createTunnel(unpublished("database"))
            #expect(!tunnel.id.isEmpty)
            #expect(tunnel.properties.name == "database")
            #expect(tunnel.properties.publish == false)
            #expect(tunnel.forwardingAddress == "rstrm://database (unpublished)")
            await control.close()
        }
    }

    @Test("a published tunnel has the name that the engine gave it")
    func published() async throws {
        try await TestEngine.with { engine in
            let control = try await engine.client().connect()
            let tunnel = try await control.createTunnel(TunnelSpec(protocol: .http))
            let hostname = try #require(tunnel.properties.hostname)
            #expect(hostname.hasSuffix(".t.localhost"))
            #expect(tunnel.forwardingAddress.hasPrefix("https://\(hostname)"))
            await control.close()
        }
    }

    @Test("a tcp tunnel has a port of its own, which a visitor reaches")
    func tcp() async throws {
        try await TestEngine.with { engine in
            let control = try await engine.client().connect()
            let tunnel = try await control.createTunnel(TunnelSpec(protocol: .tcp))
            let port = try #require(tunnel.properties.port)
            let visitor = try await TestConnection.connect(toPort: Int(port))
            let stream = try await tunnel.next()
            #expect(stream.source?.description == "127.0.0.1")
            let accepted = try await stream.take(echo: true)
            try await visitor.send("hello")
            try await visitor.finish()
            #expect(try await visitor.receiveText() == "hello")
            try await accepted.waitForClose()
            await control.close()
            try await engine.waitUntilDeserted()
        }
    }

    @Test("a specification that breaks a rule is thrown before anything is sent")
    func invalid() async throws {
        try await TestEngine.with { engine in
            let control = try await engine.client().connect()
            let spec = TunnelSpec(protocol: .http, port: 8_080)
            #expect(try await failure { _ = try await control.createTunnel(spec) }.code == .invalidTunnel)
            // The next message overtakes nothing, so nothing was sent before it.
            _ = try await control.createTunnel(unpublished())
            let kinds = try await engine.engine.statistics().messages.map(\.kind)
            #expect(kinds == ["OpenControlChannelReq", "OpenTunnelReq"])
            await control.close()
        }
    }

    @Test(
        "an engine's refusal, wrong answer or silence fails the tunnel and leaves the channel open",
        arguments: [
            (ConnectTests.engineError(.tunnelError, 2_000), RstreamError.Code.engine, RstreamError.Retry.afterReload),
            (ConnectTests.engineError(.tunnelError, 5_000), .engine, .afterReload),
            (ConnectTests.engineError(.tunnelError, 7_000), .engine, .afterBackoff),
            (ConnectTests.engineError(.tunnelError, 8_000), .engine, .afterBackoff),
            (Fault(.tunnelEmpty), .protocolViolation, .afterBackoff),
            (Fault(.tunnelNoID), .protocolViolation, .afterBackoff),
            (Fault(.tunnelSilence), .operationTimeout, .afterBackoff),
        ]
    )
    func refused(fault: Fault, code: RstreamError.Code, retry: RstreamError.Retry) async throws {
        try await TestEngine.with { engine in
            // Short only where no answer comes.
            let control = try await engine.client {
                if fault.name == .tunnelSilence { $0.timeouts.answer = longestStall }
            }.connect()
            await engine.engine.setFaults([fault])
            let error = try await failure { _ = try await control.createTunnel(unpublished()) }
            #expect(error.code == code)
            #expect(error.retry == retry)
            #expect(try await engine.engine.statistics().clients == 1)
            await control.close()
        }
    }

    @Test("a tunnel is closed in time, also by an engine that does not say so")
    func closeUnconfirmed() async throws {
        try await TestEngine.with { engine in
            let control = try await engine.client { $0.timeouts.close = .milliseconds(20) }.connect()
            let tunnel = try await control.createTunnel(unpublished())
            await engine.engine.setFaults([Fault(.tunnelCloseSilence)])
            try await within("the close") { await tunnel.close() }
            #expect(await tunnel.waitUntilClosed() == nil)
            await control.close()
        }
    }

    @Test("two tunnels share a channel, and each gets its own streams")
    func two() async throws {
        try await TestEngine.with { engine in
            let client = engine.client()
            let control = try await client.connect()
            let tunnels = try await [
                control.createTunnel(unpublished("one")), control.createTunnel(unpublished("two")),
            ]
            for (name, tunnel) in zip(["one", "two"], tunnels) {
                let dialed = try await client.dial(name).take()
                let accepted = try await tunnel.next().take()
                try await dialed.send(name)
                try await dialed.finish()
                #expect(try await accepted.receiveText() == name)
                await accepted.close()
                await dialed.close()
            }
            #expect(try await engine.engine.statistics().controlConnectsTotal == 1)
            await control.close()
            try await engine.waitUntilDeserted()
        }
    }

    @Test("a tunnel that is closed ends at the engine and leaves the channel and its streams alone")
    func close() async throws {
        try await TestEngine.with { engine in
            let client = engine.client()
            let control = try await client.connect()
            let tunnel = try await control.createTunnel(unpublished())
            let dialed = try await client.dial("private").take()
            let accepted = try await tunnel.next().take(echo: true)
            await tunnel.close()
            #expect(await tunnel.waitUntilClosed() == nil)
            #expect(try await engine.engine.statistics().tunnels == 0)
            var streams = tunnel.streams.makeAsyncIterator()
            #expect(await streams.next() == nil)
            try await dialed.send("still here")
            #expect(try await dialed.receive(asLongAs: "still here") == "still here")
            await tunnel.close()
            _ = try await control.createTunnel(unpublished())
            await dialed.close()
            await accepted.close()
            await control.close()
        }
    }

    @Test("a tunnel that the engine ends has an error, and its channel goes on")
    func unprompted() async throws {
        try await TestEngine.with { engine in
            let control = try await engine.client().connect()
            let tunnel = try await control.createTunnel(unpublished())
            await engine.engine.closeTunnels()
            let error = try await within("the end of the tunnel") { await tunnel.waitUntilClosed() }
            #expect(error?.code == .tunnelClosed)
            #expect(error?.origin == .engine)
            #expect(error?.retry == .afterBackoff)
            var streams = tunnel.streams.makeAsyncIterator()
            #expect(await streams.next() == nil)
            _ = try await control.createTunnel(unpublished())
            await control.close()
        }
    }

    @Test("an engine that answers twice, or grants an id twice, confuses nothing", arguments: [true, false])
    func twice(sameID: Bool) async throws {
        try await TestEngine.with { engine in
            let control = try await engine.client().connect()
            await engine.engine.setFaults([Fault(sameID ? .tunnelDuplicateID : .tunnelAnswerTwice)])
            let tunnel = try await control.createTunnel(unpublished("one"))
            if sameID {
                let error = try await failure { _ = try await control.createTunnel(unpublished("two")) }
                #expect(error.code == .protocolViolation)
            } else {
                _ = try await control.createTunnel(unpublished("two"))
            }
            await tunnel.close()
            await control.close()
            #expect(await control.waitUntilClosed() == nil)
        }
    }
}

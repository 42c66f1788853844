// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOEmbedded
import RstreamCore
import RstreamDaemonModel
import RstreamModel
import RstreamSocket
import Testing

@testable import Rstream
@testable import RstreamRelay

@Suite("A stream that is over leaves nothing behind")
struct RelayLeakTests {
    /// Opens a stream, brings it to its end, and looks for what is left of it.
    private func expectNothing(
        _ outcome: StreamOutcome,
        holdTimeout: Duration = .zero,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ body: (OpeningFixture) throws -> Void
    ) throws {
        weak var stream: RelayedStream?
        weak var opening: StreamOpening?
        weak var upstream: EmbeddedChannel?
        weak var downstream: EmbeddedChannel?
        var ended: [StreamOutcome: Int] = [:]
        do {
            let fixture = OpeningFixture(holdTimeout: holdTimeout)
            (stream, opening) = (fixture.stream, fixture.opening)
            fixture.start()
            try body(fixture)
            fixture.pass(.seconds(3))
            #expect(fixture.table.activeCount == 0, sourceLocation: sourceLocation)
            ended = fixture.ledger.totals.ended
            (upstream, downstream) = (fixture.upstreams.last, fixture.downstream)
            fixture.finish()
            for channel in fixture.upstreams + [fixture.downstream].compactMap({ $0 }) {
                #expect(!channel.isActive, sourceLocation: sourceLocation)
                _ = try? channel.finish()
            }
        }
        #expect(ended == [outcome: 1], sourceLocation: sourceLocation)
        #expect(stream == nil, "the stream is left", sourceLocation: sourceLocation)
        #expect(opening == nil, "its opening is left", sourceLocation: sourceLocation)
        #expect(upstream == nil, "the service's connection is left", sourceLocation: sourceLocation)
        #expect(downstream == nil, "the engine's connection is left", sourceLocation: sourceLocation)
    }

    private func breakOff(_ channel: EmbeddedChannel) {
        channel.pipeline.fireErrorCaught(IOError(errnoCode: 104, reason: "read"))
        channel.close(promise: nil)
    }

    @Test("when its service resets before the engine half is there")
    func upstreamFirst() throws {
        try expectNothing(.upstreamReset) { fixture in
            breakOff(try fixture.upstreamConnects())
            fixture.pass(.zero)
            try fixture.engineArrives()
        }
    }

    @Test("when its visitor leaves before its service is there")
    func visitorFirst() throws {
        try expectNothing(.visitorReset) { fixture in
            fixture.pass(.seconds(1))
            try fixture.engineArrives().abort()
            fixture.pass(.zero)
            try fixture.upstreamConnects()
        }
    }

    @Test("when the halves are joined and one of them breaks, or both end")
    func joined() throws {
        for outcome in [StreamOutcome.upstreamReset, .visitorReset, .cut, .completed] {
            try expectNothing(outcome) { fixture in
                let upstream = try fixture.upstreamConnects()
                let downstream = try fixture.engineArrives()
                try upstream.writeInbound(ByteBuffer(string: "x"))
                switch outcome {
                case .upstreamReset: breakOff(upstream)
                case .visitorReset:
                    downstream.pipeline.fireErrorCaught(IOError(errnoCode: 104, reason: "read"))
                case .cut: fixture.stream.cut()
                default:
                    for channel in [upstream, downstream] {
                        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
                        fixture.pass(.zero)
                    }
                }
            }
        }
    }

    @Test("and a visitor that keeps sending to a service that is gone is reset immediately")
    func goesOn() throws {
        for isReset in [true, false] {
            try expectNothing(.completed) { fixture in
                let upstream = try fixture.upstreamConnects()
                let downstream = try fixture.engineArrives()
                try downstream.writeInbound(ByteBuffer(string: "question"))
                try upstream.writeInbound(ByteBuffer(string: "answer"))
                upstream.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
                fixture.pass(.zero)
                if isReset {
                    breakOff(upstream)
                } else {
                    upstream.close(promise: nil)
                    fixture.pass(.zero)
                    #expect(downstream.isActive)
                    try downstream.writeInbound(ByteBuffer(string: "more"))
                }
                fixture.pass(.zero)
                #expect(!downstream.isActive)
            }
        }
    }

    @Test("when one of its halves fails, before or after the other one is there")
    func failed() throws {
        try expectNothing(.upstreamFailed) { $0.upstreamFails(OpeningFixture.forbidden) }
        try expectNothing(.upstreamFailed) { fixture in
            fixture.pass(.seconds(1))
            try fixture.engineArrives()
            fixture.upstreamFails(OpeningFixture.forbidden)
        }
        try expectNothing(.lost) { fixture in
            try fixture.upstreamConnects()
            fixture.engine.fail(OpeningFixture.unreachable)
        }
        try expectNothing(.lost) { fixture in
            fixture.engine.fail(OpeningFixture.unreachable)
            try fixture.upstreamConnects()
        }
    }

    @Test("when it is cut, or its tunnel closed, while it waits for its upstream")
    func held() throws {
        try expectNothing(.cut, holdTimeout: .seconds(600)) { fixture in
            fixture.upstreamFails()
            fixture.stream.cut()
        }
        try expectNothing(.cut, holdTimeout: .seconds(600)) { fixture in
            fixture.upstreamFails()
            fixture.opening?.cancel(OpeningFixture.tunnelClosed)
        }
        try expectNothing(.cut, holdTimeout: .seconds(600)) { fixture in
            fixture.upstreamFails()
            fixture.pass(.seconds(1))
            try fixture.engineArrives()
            fixture.stream.cut()
        }
    }
}

import Logging
import NIOCore
import NIOEmbedded
import RstreamCore
import RstreamDaemonModel
import RstreamModel
import RstreamSocket
import RstreamTestSupport
import Testing

@testable import Rstream
@testable import RstreamRelay

@Suite("A stream that is over leaves nothing behind")
struct RelayLeakTests {
    /// What a socket does and an embedded channel does not: close its output alone.
    private final class HalfCloser: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer

        func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
            guard mode == .output else { return context.close(mode: mode, promise: promise) }
            promise?.succeed()
        }
    }

    /// Waits with the close for a second, as TLS waits for its peer's goodbye.
    private final class Goodbye: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer

        func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
            guard mode != .output else { return context.close(mode: mode, promise: promise) }
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            context.eventLoop.scheduleTask(in: .seconds(1)) { bound.value.close(mode: mode, promise: promise) }
        }
    }

    /// A stream whose halves are this test's, on a loop of its own.
    private final class Stream {
        let loop: EmbeddedEventLoop
        let table = StreamTable(capacity: 10)
        let ledger = StreamLedger()
        let upstream: EmbeddedChannel
        let downstream: EmbeddedChannel
        let relay: Relay

        init() throws {
            let loop = EmbeddedEventLoop()
            let upstream = EmbeddedChannel(
                handlers: [HalfCloser(), OrderlyCloseHandler(), UpstreamHoldHandler()],
                loop: loop
            )
            let downstream = EmbeddedChannel(handlers: [HalfCloser(), OrderlyCloseHandler(), Goodbye()], loop: loop)
            for channel in [upstream, downstream] {
                channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
            }
            relay = Relay(
                engineID: "s1",
                source: nil,
                visitor: .downstream,
                table: table,
                ledger: ledger,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                on: loop
            )
            (self.loop, self.upstream, self.downstream) = (loop, upstream, downstream)
            relay.isIdle(after: .seconds(60))
            _ = relay.enter()
        }

        func breakUpstream() {
            upstream.pipeline.fireErrorCaught(IOError(errnoCode: 104, reason: "read"))
            upstream.close(promise: nil)
            loop.run()
        }
    }

    /// Makes a stream, brings it to its end, and looks for what is left of it.
    private func expectNothing(
        _ outcome: StreamOutcome,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ body: (Stream) throws -> Void
    ) throws {
        weak var relay: Relay?
        weak var upstream: EmbeddedChannel?
        weak var downstream: EmbeddedChannel?
        var ended: [StreamOutcome: Int] = [:]
        do {
            let stream = try Stream()
            (relay, upstream, downstream) = (stream.relay, stream.upstream, stream.downstream)
            try body(stream)
            stream.loop.advanceTime(by: .seconds(3))
            #expect(stream.relay.isOver, sourceLocation: sourceLocation)
            #expect(stream.table.activeCount == 0, sourceLocation: sourceLocation)
            ended = stream.ledger.totals.ended
            // One that the stream never got is this test's to close, goodbye and all.
            for channel in [stream.upstream, stream.downstream] where channel.isActive { channel.close(promise: nil) }
            stream.loop.advanceTime(by: .seconds(3))
            _ = try? stream.upstream.finish()
            _ = try? stream.downstream.finish()
        }
        #expect(ended == [outcome: 1], sourceLocation: sourceLocation)
        #expect(relay == nil, "the stream is left", sourceLocation: sourceLocation)
        #expect(upstream == nil, "the service's connection is left", sourceLocation: sourceLocation)
        #expect(downstream == nil, "the engine's connection is left", sourceLocation: sourceLocation)
    }

    @Test("when its service resets before the engine's half is there")
    func upstreamFirst() throws {
        try expectNothing(.upstreamReset) { stream in
            stream.relay.upstreamArrived(stream.upstream)
            stream.breakUpstream()
            stream.relay.downstreamArrived(stream.downstream)
        }
    }

    @Test("when its visitor leaves before its service is there")
    func visitorFirst() throws {
        try expectNothing(.visitorReset) { stream in
            stream.relay.downstreamArrived(stream.downstream)
            stream.downstream.abort()
            stream.loop.run()
            stream.relay.upstreamArrived(stream.upstream)
        }
    }

    @Test("when the halves are joined and one of them breaks, or both end")
    func joined() throws {
        for outcome in [StreamOutcome.upstreamReset, .visitorReset, .cut, .completed] {
            try expectNothing(outcome) { stream in
                stream.relay.upstreamArrived(stream.upstream)
                stream.relay.downstreamArrived(stream.downstream)
                try stream.upstream.writeInbound(ByteBuffer(string: "x"))
                switch outcome {
                case .upstreamReset: stream.breakUpstream()
                case .visitorReset:
                    stream.downstream.pipeline.fireErrorCaught(IOError(errnoCode: 104, reason: "read"))
                case .cut: stream.relay.cut()
                default:
                    for channel in [stream.upstream, stream.downstream] {
                        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
                        stream.loop.run()
                    }
                }
            }
        }
    }

    @Test("and a visitor who goes on speaking to a service that is gone is reset at once, without a goodbye")
    func goesOn() throws {
        for isReset in [true, false] {
            try expectNothing(.completed) { stream in
                stream.relay.upstreamArrived(stream.upstream)
                stream.relay.downstreamArrived(stream.downstream)
                try stream.downstream.writeInbound(ByteBuffer(string: "question"))
                try stream.upstream.writeInbound(ByteBuffer(string: "answer"))
                stream.upstream.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
                stream.loop.run()
                if isReset {
                    stream.breakUpstream()
                } else {
                    stream.upstream.close(promise: nil)
                    stream.loop.run()
                    #expect(stream.downstream.isActive)
                    try stream.downstream.writeInbound(ByteBuffer(string: "more"))
                }
                stream.loop.run()
                #expect(!stream.downstream.isActive)
            }
        }
    }

    @Test("when one of its halves is not to be had")
    func failed() throws {
        try expectNothing(.upstreamFailed) { stream in
            stream.relay.downstreamArrived(stream.downstream)
            stream.relay.fail(.upstreamFailed, nil)
        }
        try expectNothing(.lost) { stream in
            stream.relay.upstreamArrived(stream.upstream)
            stream.relay.fail(.lost, nil)
        }
    }
}

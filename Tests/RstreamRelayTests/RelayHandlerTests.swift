// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import NIOCore
import NIOEmbedded
import RstreamCore
import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamRelay

@Suite("The two halves of a relay")
struct RelayHandlerTests {
    private struct Failed: Error {}

    /// A stream whose halves are joined, with a network on each side that does as the test says.
    private struct Joined {
        let loop = EmbeddedEventLoop()
        let relay: Relay
        let downstream: EmbeddedChannel
        let upstream: EmbeddedChannel
        let visitor = NetworkEnd()
        let service = NetworkEnd()
        let ledger = StreamLedger()
        let table = StreamTable(capacity: 1)

        init() throws {
            let stream = RelayedStream(
                StreamOrigin(engineID: "s"),
                visitor: .downstream,
                table: table,
                ledger: ledger,
                logger: LogCapture().logger,
                on: loop
            )
            downstream = EmbeddedChannel(handlers: [visitor], loop: loop)
            let pending = PendingBytesHandler()
            upstream = EmbeddedChannel(handlers: [service, pending], loop: loop)
            for channel in [downstream, upstream] {
                try channel.connect(to: SocketAddress(unixDomainSocketPath: "/x")).wait()
            }
            for network in [visitor, service] { _ = network.newCalls() }
            _ = stream.enter()
            relay = Relay(stream)
            relay.join(downstream: downstream, upstream: upstream, pending)
        }

        /// What the side that is given says, what the other one hears, and its channel.
        func side(fromVisitor: Bool) -> (says: NetworkEnd, hears: NetworkEnd, to: EmbeddedChannel) {
            fromVisitor ? (visitor, service, upstream) : (service, visitor, downstream)
        }
    }

    @Test("read once both are there")
    func start() throws {
        let joined = try Joined()
        #expect(joined.visitor.newCalls() == ["read"])
        // What the service is told first must leave although nothing was read yet.
        #expect(joined.service.newCalls() == ["flush", "read"])
    }

    @Test("write what the other one reads, and flush when that is all for now", arguments: [true, false])
    func copies(fromVisitor: Bool) throws {
        let joined = try Joined()
        let (says, hears, _) = joined.side(fromVisitor: fromVisitor)
        _ = (says.newCalls(), hears.newCalls())
        says.says("a")
        says.says("b")
        #expect(hears.newCalls() == ["write a", "write b"])
        says.saysNoMoreForNow()
        #expect(hears.newCalls() == ["flush"])
        #expect(says.newCalls() == ["read"])
        #expect(joined.relay.counters.received == (fromVisitor ? 2 : 0))
        #expect(joined.relay.counters.sent == (fromVisitor ? 0 : 2))
    }

    @Test("read no further while the other one cannot be written, and go on when it can", arguments: [true, false])
    func backPressure(fromVisitor: Bool) throws {
        let joined = try Joined()
        let (says, hears, to) = joined.side(fromVisitor: fromVisitor)
        _ = (says.newCalls(), hears.newCalls())
        to.isWritable = false
        says.says("a")
        says.saysNoMoreForNow()
        #expect(hears.newCalls() == ["write a", "flush"])
        #expect(says.newCalls() == [])
        // No sign of life but the one awaited makes it read.
        hears.says("other way")
        hears.saysNoMoreForNow()
        hears.becomesWritable()
        #expect(!says.newCalls().contains("read"))
        to.isWritable = true
        hears.becomesWritable()
        #expect(says.newCalls() == ["read"])
        hears.becomesWritable()
        #expect(says.newCalls() == [])
    }

    @Test("read no further while a few writes wait, however short they are", arguments: [true, false])
    func shortWrites(fromVisitor: Bool) throws {
        let joined = try Joined()
        let (says, hears, _) = joined.side(fromVisitor: fromVisitor)
        _ = says.newCalls()
        hears.holdsWrites = true
        for number in 1...RelayHandler.mostUnsent {
            says.says("a")
            says.saysNoMoreForNow()
            #expect(says.newCalls() == (number < RelayHandler.mostUnsent ? ["read"] : []))
        }
        hears.becomesWritable()
        #expect(says.newCalls() == [])
        hears.finishWrites()
        #expect(says.newCalls() == ["read"])
        #expect(hears.newCalls().contains("write a"))
    }

    @Test("end the other one's output with their input, after all that was read", arguments: [true, false])
    func halfClose(fromVisitor: Bool) throws {
        let joined = try Joined()
        let (says, hears, _) = joined.side(fromVisitor: fromVisitor)
        _ = (says.newCalls(), hears.newCalls())
        says.says("last")
        says.endsInput()
        #expect(hears.newCalls() == ["write last", "flush", "close output"])
        // The other direction goes on, and closes the stream when it ends too.
        hears.says("answer")
        hears.saysNoMoreForNow()
        #expect(says.newCalls().prefix(2) == ["write answer", "flush"])
        #expect(joined.table.activeCount == 1)
        hears.endsInput()
        #expect(says.newCalls().contains("close output"))
        joined.downstream.close(promise: nil)
        joined.upstream.close(promise: nil)
        #expect(joined.table.activeCount == 0)
    }

    @Test("are both reset when one breaks", arguments: [true, false])
    func breaks(fromVisitor: Bool) throws {
        let joined = try Joined()
        let (says, hears, _) = joined.side(fromVisitor: fromVisitor)
        _ = (says.newCalls(), hears.newCalls())
        says.fails(Failed())
        #expect(says.newCalls() == ["AbortEvent"])
        #expect(hears.newCalls() == ["AbortEvent"])
    }

    @Test("are both reset when one is closed in the middle of what it says", arguments: [true, false])
    func closesWithin(fromVisitor: Bool) throws {
        let joined = try Joined()
        let (says, hears, to) = joined.side(fromVisitor: fromVisitor)
        _ = (says.newCalls(), hears.newCalls())
        says.says("a")
        (to === joined.upstream ? joined.downstream : joined.upstream).close(promise: nil)
        #expect(hears.newCalls() == ["write a", "AbortEvent"])
        to.close(promise: nil)
        #expect(joined.table.activeCount == 0)
    }

    @Test(
        "take a write that failed for no sign of life, and end with the connection's own end",
        arguments: [true, false]
    )
    func failedWrite(fromVisitor: Bool) throws {
        let joined = try Joined()
        let (says, hears, to) = joined.side(fromVisitor: fromVisitor)
        hears.holdsWrites = true
        for _ in 0..<RelayHandler.mostUnsent { says.says("a") }
        says.saysNoMoreForNow()
        _ = (says.newCalls(), hears.newCalls())
        hears.finishWrites(Failed())
        #expect(says.newCalls() == [])
        to.close(promise: nil)
        #expect(says.newCalls() == ["AbortEvent"])
    }

    /// As NIO and its TLS report a reset that a write meets: the write fails with it, and nothing else says so.
    @Test(
        "take a reset for one that only a write has met",
        arguments: [(ECONNRESET, StreamOutcome.visitorReset), (EPIPE, .visitorReset), (ETIMEDOUT, .lost)]
    )
    func resetOfWrite(code: CInt, outcome: StreamOutcome) throws {
        let joined = try Joined()
        joined.visitor.holdsWrites = true
        joined.service.says("answer")
        joined.visitor.finishWrites(IOError(errnoCode: code, reason: "write"))
        joined.visitor.fails(Failed())
        joined.downstream.close(promise: nil)
        joined.upstream.close(promise: nil)
        #expect(joined.ledger.totals.ended == [outcome: 1])
        #expect(joined.ledger.totals.failed == (outcome == .lost ? 1 : 0))
    }

    @Test("take what breaks behind the end of an input for a reset: nothing of it can be cut off")
    func brokenBehindEnd() throws {
        let joined = try Joined()
        joined.visitor.says("question")
        joined.visitor.endsInput()
        joined.visitor.fails(Failed())
        joined.downstream.close(promise: nil)
        joined.upstream.close(promise: nil)
        #expect(joined.ledger.totals.ended == [.visitorReset: 1])
        #expect(joined.ledger.totals.failed == 0)
    }

    @Test("count what follows an end for nothing: another end, an error, a close", arguments: [true, false])
    func afterTheEnd(fromVisitor: Bool) throws {
        let joined = try Joined()
        let (says, hears, _) = joined.side(fromVisitor: fromVisitor)
        says.endsInput()
        hears.endsInput()
        _ = (says.newCalls(), hears.newCalls())
        says.endsInput()
        hears.endsInput()
        says.fails(Failed())
        #expect(hears.newCalls() == [])
        joined.downstream.close(promise: nil)
        joined.upstream.close(promise: nil)
        #expect(joined.table.activeCount == 0)
        #expect(joined.ledger.totals.ended.values.reduce(0, +) == 1)
    }

    @Test("pass on events of others", arguments: [true, false])
    func events(fromVisitor: Bool) throws {
        let joined = try Joined()
        let seen = Observed<[String]>([])
        let channel = fromVisitor ? joined.downstream : joined.upstream
        try channel.pipeline.syncOperations.addHandler(EventRecorder(seen, isDetailed: true))
        channel.pipeline.fireUserInboundEventTriggered(Failed())
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(seen.value == ["event Failed"])
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOEmbedded
import RstreamCore
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamRelay

/// A relay between two simulated connections, driven at random, against the simplest reference: each direction is a
/// queue of bytes with an end, and a connection that breaks before its end breaks the other one.
@Suite("A relay between two connections that do anything")
struct RelayReferenceTests {
    /// Two connections and the relay between them.
    private final class Run {
        let loop = EmbeddedEventLoop()
        let table = StreamTable(capacity: 1)
        let downstream = SimulatedSocket()
        let upstream = SimulatedSocket()
        let relay: Relay
        private var random: SplitMix
        /// Whether something other than the two peers ended the stream.
        private(set) var wasCut = false
        /// How many of the bytes that each peer received have been judged.
        var judged = [0, 0]
        /// A connection whose peer broke it before its end while the other one was open.
        private(set) var mustReset: [SimulatedSocket] = []

        init(seed: UInt64) throws {
            random = SplitMix(seed: seed)
            let stream = RelayedStream(
                StreamOrigin(engineID: "s"),
                visitor: seed.isMultiple(of: 2) ? .downstream : .upstream,
                table: table,
                ledger: StreamLedger(),
                logger: LogCapture().logger,
                on: loop
            )
            _ = stream.enter()
            relay = Relay(stream)
            let channels = (down: try downstream.channel(on: loop), up: try upstream.channel(on: loop))
            downstream.judgeRead = { [weak self] in self?.mistake(reading: \.downstream, for: \.upstream) }
            upstream.judgeRead = { [weak self] in self?.mistake(reading: \.upstream, for: \.downstream) }
            relay.join(downstream: channels.down, upstream: channels.up, nil)
        }

        deinit {
            // No promise may be left when the loop goes, in a test that has failed either.
            for socket in sockets { socket.peerBreaks(byReset: true) }
            loop.run()
        }

        var sockets: [SimulatedSocket] { [downstream, upstream] }

        func other(than socket: SimulatedSocket) -> SimulatedSocket {
            socket === downstream ? upstream : downstream
        }

        private func mistake(
            reading: KeyPath<Run, SimulatedSocket>,
            for taker: KeyPath<Run, SimulatedSocket>
        ) -> String? {
            let (source, target) = (self[keyPath: reading], self[keyPath: taker])
            if source.hasReadEnd { return "a read behind the end" }
            // One whose taker is gone is read to find out whether its peer goes on.
            if target.isClosed || target.isBroken { return nil }
            guard target.isWritable, target.waitingWrites < RelayHandler.mostUnsent else {
                return "a read with \(target.waitingWrites) writes waiting at the other side"
            }
            return nil
        }

        private func bytes() -> [UInt8] {
            let most = [1, 10, 300, 3_000].randomElement(using: &random) ?? 1
            return (0..<Int.random(in: 1...most, using: &random)).map { _ in
                UInt8.random(in: .min ... .max, using: &random)
            }
        }

        private func deliver(_ socket: SimulatedSocket) {
            socket.deliver { Int.random(in: 1...$0, using: &random) }
        }

        /// Something that peers, kernels or the daemon do. `breaks` says whether connections may break.
        func step(breaks: Bool) {
            let socket = Bool.random(using: &random) ? downstream : upstream
            switch Int.random(in: 0..<200, using: &random) {
            case 0..<70: socket.peerSends(bytes())
            case 70..<130: deliver(socket)
            case 130..<194: socket.take(Int.random(in: 0...6_000, using: &random))
            case 194, 195: socket.peerEnds()
            case 196, 197: if breaks { breakOff(socket, byReset: true) }
            case 198: if breaks { breakOff(socket, byReset: false) }
            default:
                if breaks, Int.random(in: 0..<10, using: &random) == 0 {
                    wasCut = true
                    table.cut()
                }
            }
            loop.run()
        }

        private func breakOff(_ socket: SimulatedSocket, byReset isReset: Bool) {
            let other = other(than: socket)
            if !socket.hasReadEnd, !socket.isClosed, !other.isClosed, !other.isBroken { mustReset.append(other) }
            socket.peerBreaks(byReset: isReset)
        }

        /// Both peers end, and everything goes on until nothing is left to do.
        func finish() {
            for socket in sockets { socket.peerEnds() }
            for _ in 0..<10_000 where table.activeCount > 0 {
                for socket in sockets {
                    deliver(socket)
                    socket.take(Int.random(in: 0...6_000, using: &random))
                }
                loop.run()
            }
            // One that lingers is closed after a while.
            loop.advanceTime(by: .seconds(3))
        }
    }

    /// What must hold at any time.
    private func judge(_ run: Run, _ seed: UInt64) {
        for (index, socket) in run.sockets.enumerated() {
            let (sent, judged) = (run.other(than: socket).sent, run.judged[index])
            let isRight = sent.dropFirst(judged).starts(with: socket.received.dropFirst(judged))
            #expect(isRight, "other bytes than were read, seed \(seed)")
            run.judged[index] = socket.received.count
            #expect(socket.mistakes == [], "seed \(seed)")
            if socket.hasReceivedEnd {
                #expect(run.other(than: socket).hasReadEnd, "an end that was not sent, seed \(seed)")
                #expect(socket.received.count == sent.count, "an end before the last byte, seed \(seed)")
            }
        }
    }

    @Test("delivers all bytes in order, then both ends, and nothing else", arguments: 0..<60)
    func ordinary(seed: UInt64) throws {
        let run = try Run(seed: seed)
        for _ in 0..<300 {
            run.step(breaks: false)
            judge(run, seed)
        }
        run.finish()
        judge(run, seed)
        for socket in run.sockets {
            #expect(socket.received == run.other(than: socket).sent, "seed \(seed)")
            #expect(socket.hasReceivedEnd && socket.isClosed && !socket.wasReset, "seed \(seed)")
        }
        #expect(run.relay.counters.received == run.downstream.sent.count, "seed \(seed)")
        #expect(run.relay.counters.sent == run.upstream.sent.count, "seed \(seed)")
        #expect(run.table.activeCount == 0, "seed \(seed)")
    }

    @Test(
        "passes a reset on, delivers what ended before it, and never ends in order what was cut off",
        arguments: 0..<200
    )
    func broken(seed: UInt64) throws {
        let run = try Run(seed: 1_000 + seed)
        for _ in 0..<300 {
            run.step(breaks: true)
            judge(run, seed)
        }
        run.finish()
        judge(run, seed)
        for socket in run.sockets {
            let other = run.other(than: socket)
            #expect(socket.isClosed, "seed \(seed)")
            guard !socket.isBroken, !run.wasCut else { continue }
            if run.mustReset.contains(where: { $0 === socket }) {
                #expect(socket.wasReset, "seed \(seed)")
            }
            if other.hasReadEnd {
                #expect(socket.received == other.sent, "seed \(seed)")
                #expect(socket.hasReceivedEnd, "seed \(seed)")
            }
        }
        #expect(run.table.activeCount == 0, "seed \(seed)")
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import RstreamModel
import Testing

@testable import rstreamctl

@Suite("top")
struct TopTests {
    private static func snapshot(
        _ tunnels: [TunnelStatus],
        _ streams: [StreamStatus] = [],
        total: Int = 0,
        pid: Int = 1
    ) -> TopModel.Snapshot {
        TopModel.Snapshot(
            status: Sample.status(
                tunnels: tunnels,
                streams: StreamCounts(active: streams.count, total: total),
                pid: pid
            ),
            streams: streams
        )
    }

    private static let mebibyte = 1_024 * 1_024

    @Test("rates are what happened between two answers, by the time between them")
    func rates() {
        var model = TopModel()
        model.answered(
            Self.snapshot([Sample.tunnel("web", bytes: .init(received: 100, sent: 5))], total: 10),
            at: .seconds(5)
        )
        #expect(model.streamsPerSecond == 0)
        #expect(model.bytesPerSecond == .init())
        model.answered(
            Self.snapshot(
                [
                    Sample.tunnel("web", bytes: .init(received: 300, sent: 5)),
                    Sample.tunnel("new", bytes: .init(received: 7)),
                ],
                total: 14
            ),
            at: .seconds(7)
        )
        #expect(model.streamsPerSecond == 2)
        #expect(model.bytesPerSecond == .init(received: 100, sent: 0))
        #expect(model.tunnels.map(\.rate) == [.init(received: 100, sent: 0), .init()])
    }

    @Test("a daemon that starts again has no rates from before, and none are negative")
    func restart() {
        var model = TopModel()
        model.answered(Self.snapshot([Sample.tunnel("web", bytes: .init(received: 100))], total: 10), at: .zero)
        model.answered(
            Self.snapshot([Sample.tunnel("web", bytes: .init(received: 500))], total: 90, pid: 2),
            at: .seconds(1)
        )
        #expect(model.streamsPerSecond == 0)
        #expect(model.bytesPerSecond == .init())
        model.answered(Self.snapshot([Sample.tunnel("web")], total: 0, pid: 2), at: .seconds(2))
        #expect(model.streamsPerSecond == 0)
        #expect(model.bytesPerSecond == .init())
    }

    @Test(
        "no counts make it fail, however far they jump",
        arguments: [(0, Count.most), (Count.most, 0), (-1, .max), (.max, -1), (.min, .max)] as [(Int, Int)]
    )
    func jumps(before: Int, after: Int) {
        func snapshot(_ count: Int) -> TopModel.Snapshot {
            let bytes = ByteCounts(received: count, sent: count)
            let stream = Sample.stream("1", bytes: bytes)
            return Self.snapshot([Sample.tunnel("web", active: 0, bytes: bytes)], [stream], total: count)
        }
        var model = TopModel()
        model.answered(snapshot(before), at: .zero)
        model.answered(snapshot(after), at: .nanoseconds(1))
        model.answered(snapshot(before), at: .nanoseconds(1))
        #expect(model.bytesPerSecond.received >= 0 && model.streamsPerSecond >= 0)
        #expect(TopView(model, rows: 20, columns: 80, now: Sample.now).lines.count > 3)
    }

    @Test("the busiest stream comes first, and a new one has moved all its bytes since the last answer")
    func busiest() {
        var model = TopModel()
        let before = [Sample.stream("old", bytes: .init(received: 1_000_000)), Sample.stream("slow", bytes: .init())]
        model.answered(Self.snapshot([], before), at: .zero)
        #expect(model.streams.allSatisfy { $0.rate == .init() })
        let after = [
            Sample.stream("old", bytes: .init(received: 1_000_100)), Sample.stream("slow", bytes: .init(sent: 10)),
            Sample.stream("new", age: .seconds(1), bytes: .init(received: 500, sent: 500)),
        ]
        model.answered(Self.snapshot([], after), at: .seconds(1))
        #expect(model.streams.map(\.stream.id) == ["new", "old", "slow"])
        #expect(model.streams.map(\.rate.received) == [500, 100, 0])
    }

    @Test(
        "nothing is wider or longer than the terminal, whatever its size",
        arguments: [(40, 10), (200, 60), (1, 1), (80, 24), (20, 3), (0, 0)]
    )
    func fits(columns: Int, rows: Int) {
        let tunnels = (0..<100).map { Sample.tunnel("tunnel-with-a-long-name-\($0)", active: $0) }
        let streams = (0..<300).map { Sample.stream("\($0)", source: "名前 \u{1B}[2J \($0)") }
        var model = TopModel()
        #expect(TopView(model, rows: rows, columns: columns, now: Sample.now).lines.count <= rows)
        model.answered(Self.snapshot(tunnels, streams), at: .zero)
        model.answered(Self.snapshot(tunnels, streams), at: .seconds(1))
        let lines = TopView(model, rows: rows, columns: columns, now: Sample.now).lines
        #expect(lines.count <= rows)
        #expect(lines.allSatisfy { $0.width <= columns })
    }

    @Test("at 40 by 10 there is the head, a tunnel and a stream; at 200 by 60 there are many of both")
    func sizes() {
        let tunnels = (0..<40).map { Sample.tunnel("tunnel-\($0)", active: $0) }
        let streams = (0..<80).map { Sample.stream("\($0)") }
        var model = TopModel()
        model.answered(Self.snapshot(tunnels, streams, total: 80), at: .zero)
        let small = TopView(model, rows: 10, columns: 40, now: Sample.now).lines.map(\.plain)
        #expect(small.count == 10)
        #expect(small[0].hasPrefix("rstreamd 1.2.3 running  tunnels 40/40"))
        #expect(small[1] == "streams 80 active, 0.0/s, 0 failed")
        #expect(small[2] == "received 0 B/s  sent 0 B/s")
        #expect(small[4].hasPrefix("TUNNEL (2 of 40)"))
        #expect(small[5].hasPrefix("tunnel-0 "))
        #expect(small[8].hasPrefix("STREAM"))
        let large = TopView(model, rows: 60, columns: 200, now: Sample.now).lines.map(\.plain)
        #expect(large.count == 60)
        #expect(large.count { $0.hasPrefix("tunnel-") } == 27)
        #expect(large.count { $0.contains("192.0.2.7") } == 26)
    }

    @Test("several upstreams of a tunnel have a line each below it")
    func upstreams() {
        var tunnel = Sample.tunnel("web")
        tunnel.upstreams = [
            UpstreamStatus(forward: "a:1", share: 1, streams: StreamCounts(active: 3, total: 9)),
            UpstreamStatus(forward: "a:2", state: .ejected, share: 0, streams: StreamCounts(total: 4, failed: 3)),
        ]
        var model = TopModel()
        model.answered(Self.snapshot([tunnel, Sample.tunnel("ssh")], []), at: .zero)
        let lines = TopView(model, rows: 30, columns: 100, now: Sample.now).lines.map(\.plain)
        let start = lines.firstIndex { $0.hasPrefix("web ") } ?? 0
        #expect(lines[start].hasSuffix("1 of 2 upstreams"))
        #expect(lines[start + 1].hasPrefix("  100% ") && lines[start + 1].hasSuffix(" a:1"))
        #expect(lines[start + 2].hasPrefix("  0% ") && lines[start + 2].contains("ejected"))
        #expect(lines[start + 3].hasPrefix("ssh "))
        // There is no room for all of them, and so for none.
        let small = TopView(model, rows: 8, columns: 100, now: Sample.now).lines.map(\.plain)
        #expect(small.contains { $0.hasPrefix("TUNNEL (0 of 2)") })
    }

    @Test("few streams leave their lines to the tunnels, and the other way round")
    func room() {
        let tunnels = (0..<40).map { Sample.tunnel("tunnel-\($0)") }
        var model = TopModel()
        model.answered(Self.snapshot(tunnels, [Sample.stream("1")]), at: .zero)
        let lines = TopView(model, rows: 30, columns: 100, now: Sample.now).lines.map(\.plain)
        #expect(lines.count { $0.hasPrefix("tunnel-") } == 22)
        #expect(lines.count { $0.contains("192.0.2.7") } == 1)
        model.answered(Self.snapshot([tunnels[0]], (0..<40).map { Sample.stream("\($0)") }), at: .seconds(1))
        let other = TopView(model, rows: 30, columns: 100, now: Sample.now).lines.map(\.plain)
        #expect(other.count { $0.contains("192.0.2.7") } == 22)
    }
}

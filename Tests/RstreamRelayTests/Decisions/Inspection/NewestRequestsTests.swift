// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamRelay

@Suite("The latest requests of several tunnels")
struct NewestRequestsTests {
    /// The requests of a tunnel that ended at these times.
    private static func ring(_ times: [Int64]) -> RequestRing {
        var ring = RequestRing()
        ring.limit(to: RequestRing.mostMemory)
        for time in times {
            var request = InspectedRequest()
            // Those that took long began long before others that ended earlier.
            request.duration = .seconds(time % 7)
            ring.append(request, of: 1, nil, endedAt: UTCTime(seconds: time))
        }
        return ring
    }

    /// `tunnel.number` of each.
    private static func order(_ times: [[Int64]]) -> [String] {
        NewestRequests(of: times.map { ring($0).requests }).map { "\($0.ring).\($0.request.number)" }
    }

    @Test("come in the order in which they ended, whenever they began, the last one first")
    func order() {
        #expect(Self.order([]) == [])
        #expect(Self.order([[], []]) == [])
        #expect(Self.order([[1, 2, 3]]) == ["0.3", "0.2", "0.1"])
        #expect(Self.order([[1, 13], [], [2, 7, 14]]) == ["2.3", "0.2", "2.2", "2.1", "0.1"])
    }

    @Test("that ended at the same time come in the order of their tunnels, and the later ones of each first")
    func equal() {
        #expect(Self.order([[5, 5], [5, 5, 6], [5]]) == ["1.3", "0.2", "0.1", "1.2", "1.1", "2.1"])
    }

    @Test("are all there, each once and those of a tunnel in their order, also where a clock was set back")
    func clock() {
        let order = Self.order([[100, 3, 4], [50, 60]])
        #expect(order == ["1.2", "1.1", "0.3", "0.2", "0.1"])
    }

    @Test("are those that sorting all of them finds", arguments: 0..<50)
    func sorted(seed: Int) {
        var generator = SplitMix(seed: UInt64(seed))
        let times = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
            (0..<Int.random(in: 0...20, using: &generator)).map { _ in Int64.random(in: 0...30, using: &generator) }
                .sorted()
        }
        let all = times.enumerated().flatMap { ring, times in
            times.enumerated().map { (ring: ring, number: $0.offset + 1, time: $0.element) }
        }
        let expected = all.sorted { ($1.time, $0.ring, $1.number) < ($0.time, $1.ring, $0.number) }
            .map { "\($0.ring).\($0.number)" }
        #expect(Self.order(times) == expected, "seed \(seed)")
    }

    @Test("are at most as many as are asked for, of those that are kept")
    func most() {
        let logs = (0..<3).map { _ in RequestLog() }
        for log in logs { log.inspect(room: RequestRing.mostMemory) }
        // Each adds three requests that end at once.
        for log in logs { log.add((0..<3).map { _ in InspectedRequest() }, of: 1, nil, since: 1) }
        let some = RequestLog.newest(2, of: logs)
        #expect(some.requests.count == 2 && some.kept == 9)
        #expect(some.requests.allSatisfy { $0.log < 3 && $0.request.number > 1 })
        let all = RequestLog.newest(100, of: logs)
        #expect(all.requests.count == 9 && all.kept == 9)
        #expect(RequestLog.newest(0, of: logs).requests.isEmpty && RequestLog.newest(5, of: []).kept == 0)
    }
}

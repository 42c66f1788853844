// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import Testing

@testable import RstreamRelay

@Suite("The latest requests of a tunnel")
struct RequestRingTests {
    private static let time = UTCTime(milliseconds: 0)

    private static func request(_ target: String = "/") -> InspectedRequest {
        var request = InspectedRequest()
        (request.method, request.target) = ("GET", target)
        return request
    }

    private static func ring(room: Int) -> RequestRing {
        var ring = RequestRing()
        ring.limit(to: room)
        return ring
    }

    @Test("are so many, numbered from one on")
    func count() {
        var ring = Self.ring(room: RequestRing.mostMemory)
        for _ in 0..<RequestRing.most + 5 { ring.append(Self.request(), of: 7, nil, endedAt: Self.time) }
        #expect(ring.total == RequestRing.most + 5)
        #expect(ring.requests.map(\.number) == Array(6...RequestRing.most + 5))
        #expect(ring.requests.allSatisfy { $0.stream == 7 })
    }

    @Test("take no more memory than they may")
    func memory() {
        let size = Self.request().size
        var ring = Self.ring(room: size * 3 + 1)
        for _ in 0..<5 { ring.append(Self.request(), of: 1, nil, endedAt: Self.time) }
        #expect(ring.requests.map(\.number) == [3, 4, 5])
        // One that needs more than all of it is not kept, and counted.
        ring.append(Self.request(String(repeating: "a", count: size * 4)), of: 1, nil, endedAt: Self.time)
        #expect(ring.requests.isEmpty && ring.total == 6)
        ring.append(Self.request(), of: 1, nil, endedAt: Self.time)
        #expect(ring.requests.map(\.number) == [7])
    }

    @Test("have headers in about as much memory as is counted for them", arguments: [1, 400, 513, 4_100, 7_000])
    func slack(length: Int) {
        let lines = String(repeating: "A: bcdefgh\r\n", count: max(1, length / 12))
        var stream = InspectedStream()
        stream.visitor("GET / HTTP/1.1\r\n\(lines)\r\n")
        stream.service("HTTP/1.1 200 OK\r\n\(lines)Content-Length: 0\r\n\r\n")
        let request = stream.ended.first
        for headers in [request?.requestHeaders, request?.responseHeaders].compactMap({ $0 }) {
            #expect(headers.slack <= max(160, headers.size / 2), "\(headers.slack) beside \(headers.size)")
        }
        #expect(stream.ended.count == 1)
    }

    @Test("are fewer as soon as they may take less, and none without any memory")
    func less() {
        let size = Self.request().size
        var ring = Self.ring(room: size * 5)
        for _ in 0..<5 { ring.append(Self.request(), of: 1, nil, endedAt: Self.time) }
        ring.limit(to: size * 2)
        #expect(ring.requests.map(\.number) == [4, 5])
        ring.limit(to: 0)
        #expect(ring.requests.isEmpty && ring.total == 5)
    }

    @Test("of all tunnels together take no more than they may, however many tunnels there are")
    func share() {
        for tunnels in [0, 1, 15, 16, 17, 1_000, 100_000] {
            let share = RequestRing.share(among: tunnels)
            #expect(share <= RequestRing.mostMemory && share * tunnels <= RequestRing.mostMemoryOfAll)
            #expect(RequestMemory.mostOfAll(inspected: tunnels) <= 24 << 20)
        }
        #expect(RequestMemory.mostOfAll(inspected: 0) == 0)
        #expect(RequestMemory.mostOfAll(inspected: 1) == 9 << 20)
        #expect(RequestMemory.mostOfAll(inspected: 16) == 24 << 20)
        #expect(RequestRing.share(among: 16) == RequestRing.mostMemory)
        #expect(InspectedRequest.largest * 40 < RequestRing.mostMemory)
    }
}

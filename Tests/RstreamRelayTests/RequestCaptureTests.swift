// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamTestSupport
import Testing

@testable import RstreamRelay

@Suite("A capture of requests", .timeLimit(.hang))
struct RequestCaptureTests {
    private static func log(_ memory: RequestMemory = RequestMemory()) -> RequestLog {
        let log = RequestLog(memory: memory)
        log.inspect(room: RequestRing.mostMemory)
        return log
    }

    /// A stream of the log with one request, whose response has this body.
    private static func exchange(_ log: RequestLog, _ body: String = "ab") {
        var machine = InspectionStateMachine()
        let head = "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
        for (text, side) in [("GET /a HTTP/1.1\r\n\r\n", .visitor), (head + body, .service)]
            as [(String, InspectionStateMachine.Side)]
        {
            Array(text.utf8).withUnsafeBytes {
                machine.received($0, from: side, at: .now, room: log.memory.room, roomForBodies: log.roomForBodies)
            }
        }
        log.add(machine.takeEnded(), of: 1, nil, since: 1)
    }

    /// Everything that the capture has for its client, which has ended.
    private static func all(_ capture: RequestCapture) async throws -> [(body: String, missed: Int)] {
        var all: [(String, Int)] = []
        try await capture.read { item in
            let body = item.request.request.bodies?.response.bytes ?? []
            all.append((String(decoding: body, as: UTF8.self), item.missed))
        }
        return all
    }

    @Test("gets the requests that end during it, with bodies that are kept nowhere else")
    func bodies() async throws {
        let log = Self.log()
        Self.exchange(log, "before")
        let capture = try #require(log.capture())
        Self.exchange(log, "during")
        log.end(capture)
        Self.exchange(log, "after")
        #expect(try await Self.all(capture).map(\.body) == ["during"])
        #expect(log.latest.requests.count == 3 && log.latest.requests.allSatisfy { $0.request.bodies == nil })
        #expect(log.roomForBodies == nil)
    }

    @Test("is one of several, each of which gets all of them, and has an end of its own")
    func several() async throws {
        let log = Self.log()
        let (first, second) = (try #require(log.capture()), try #require(log.capture()))
        Self.exchange(log, "a")
        log.end(first)
        #expect(log.roomForBodies != nil)
        Self.exchange(log, "b")
        log.end(second)
        #expect(try await Self.all(first).map(\.body) == ["a"])
        #expect(try await Self.all(second).map(\.body) == ["a", "b"])
    }

    @Test("ends with the inspection of its tunnel, and there is none without one")
    func inspectionEnds() async throws {
        let log = Self.log()
        let capture = try #require(log.capture())
        Self.exchange(log, "a")
        log.inspect(room: RequestRing.mostMemory / 2)
        Self.exchange(log, "b")
        log.inspect(room: nil)
        #expect(try await Self.all(capture).map(\.body) == ["a", "b"])
        #expect(log.capture() == nil && log.roomForBodies == nil)
    }

    @Test("of a client that does not read takes a bounded part of the memory, and counts what was missed")
    func slow() async throws {
        let memory = RequestMemory()
        let log = Self.log(memory)
        var capture = log.capture()
        let body = String(repeating: "a", count: InspectedBody.most)
        for _ in 0..<200 { Self.exchange(log, body) }
        #expect(RequestMemory.most - memory.room <= RequestCapture.mostMemory)
        #expect(RequestMemory.most - memory.room > RequestCapture.mostMemory / 2)
        // One that is small enough comes behind those that were too large.
        Self.exchange(log, "ab")
        if let capture { log.end(capture) }
        let got = try await Self.all(try #require(capture))
        #expect(got.last?.body == "ab" && got.count + (got.last?.missed ?? 0) == 201, "\(got.count)")
        #expect(got.dropLast().allSatisfy { $0.missed == 0 })
        capture = nil
        #expect(memory.room == RequestMemory.most)
    }

    @Test("leaves half of the memory to inspections without it, and gives back what nobody has read")
    func memory() throws {
        let memory = RequestMemory()
        memory.change(by: RequestMemory.most / 2)
        let log = Self.log(memory)
        var capture = log.capture()
        Self.exchange(log, "ab")
        #expect(memory.room == RequestMemory.most / 2 && log.roomForBodies == 0)
        #expect(log.latest.total == 1)
        memory.change(by: -RequestMemory.most / 2)
        Self.exchange(log, "ab")
        #expect(memory.room < RequestMemory.most)
        if let capture { log.end(capture) }
        capture = nil
        #expect(memory.room == RequestMemory.most)
    }

    @Test("ends for a client that is gone while it waits")
    func gone() async throws {
        let log = Self.log()
        let capture = try #require(log.capture())
        let reader = Task { try await Self.all(capture).count }
        reader.cancel()
        #expect(try await reader.value == 0)
        log.end(capture)
    }
}

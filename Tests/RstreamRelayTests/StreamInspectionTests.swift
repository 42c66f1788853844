// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOEmbedded
import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamRelay

@Suite("A stream of an inspected tunnel")
struct StreamInspectionTests {
    /// A stream whose halves are joined, with a network on each side that does as the test says.
    private struct Joined {
        let relay: Relay
        let downstream: EmbeddedChannel
        let upstream: EmbeddedChannel
        let visitor = NetworkEnd()
        let service = NetworkEnd()
        let table = StreamTable(capacity: 1)

        init(_ requests: RequestLog?) throws {
            let loop = EmbeddedEventLoop()
            let stream = RelayedStream(
                StreamOrigin(engineID: "s", source: IPAddress("192.0.2.7")),
                visitor: .downstream,
                table: table,
                ledger: StreamLedger(requests: requests),
                logger: LogCapture().logger,
                on: loop
            )
            downstream = EmbeddedChannel(handlers: [visitor], loop: loop)
            let pending = PendingBytesHandler()
            upstream = EmbeddedChannel(handlers: [service, pending], loop: loop)
            for channel in [downstream, upstream] {
                try channel.connect(to: SocketAddress(unixDomainSocketPath: "/x")).wait()
            }
            _ = stream.enter()
            relay = Relay(stream)
            relay.join(downstream: downstream, upstream: upstream, pending)
            for network in [visitor, service] { _ = network.newCalls() }
        }

        func asks(_ target: String) {
            visitor.says("GET \(target) HTTP/1.1\r\n\r\n")
        }

        func answers() {
            service.says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab")
        }

        func close() {
            for channel in [downstream, upstream] where channel.isActive { channel.close(promise: nil) }
        }
    }

    private static func log(_ room: Int? = RequestRing.mostMemory) -> RequestLog {
        let log = RequestLog()
        log.inspect(room: room)
        return log
    }

    @Test("is relayed as any other, and its requests are kept", arguments: [true, false])
    func relayed(isInspected: Bool) throws {
        let log = Self.log(isInspected ? RequestRing.mostMemory : nil)
        let joined = try Joined(log)
        joined.asks("/a")
        #expect(joined.service.newCalls() == ["write GET /a HTTP/1.1\r\n\r\n"])
        joined.visitor.saysNoMoreForNow()
        joined.answers()
        #expect(joined.visitor.newCalls().contains("write HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"))
        let latest = log.latest
        #expect(latest.total == (isInspected ? 1 : 0))
        #expect(latest.requests.map(\.request.summary) == (isInspected ? ["GET /a 0 200 2 complete"] : []))
        #expect(latest.requests.allSatisfy { $0.stream == 1 && $0.source?.description == "192.0.2.7" })
        joined.close()
        #expect(joined.table.activeCount == 0)
    }

    @Test("is relayed on where nothing of it is understood")
    func notUnderstood() throws {
        let log = Self.log()
        let joined = try Joined(log)
        for _ in 0..<3 {
            joined.visitor.says("\u{1}")
            joined.service.says("\u{2}")
        }
        #expect(joined.service.newCalls().filter { $0 == "write \u{1}" }.count == 3)
        #expect(joined.visitor.newCalls().filter { $0 == "write \u{2}" }.count == 3)
        #expect(log.latest.requests.map(\.request.end) == [.malformedRequest])
        joined.close()
    }

    @Test("that ends leaves no memory taken, and says which request was cut")
    func ends() throws {
        let log = Self.log()
        let joined = try Joined(log)
        joined.asks("/a")
        #expect(log.memory.room < RequestMemory.most)
        joined.relay.abort(.cut)
        joined.close()
        #expect(log.memory.room == RequestMemory.most)
        #expect(log.latest.requests.map(\.request.summary) == ["GET /a 0 - 0 cut"])
    }

    @Test("whose response ends with its connection is complete by that")
    func untilClose() throws {
        let log = Self.log()
        let joined = try Joined(log)
        joined.asks("/a")
        joined.service.says("HTTP/1.1 200 OK\r\n\r\nabc")
        joined.service.endsInput()
        #expect(log.latest.requests.map(\.request.summary) == ["GET /a 0 200 3 complete"])
        joined.close()
    }

    @Test("is not looked at any further when the inspection ends, and not again when another one begins")
    func switched() throws {
        let log = Self.log()
        let joined = try Joined(log)
        joined.asks("/a")
        joined.answers()
        joined.asks("/b")
        log.inspect(room: nil)
        #expect(!log.isOn && log.latest.requests.isEmpty && log.latest.total == 1)
        log.inspect(room: RequestRing.mostMemory)
        joined.answers()
        joined.asks("/c")
        joined.answers()
        #expect(log.latest.requests.isEmpty && log.latest.total == 1)
        #expect(log.memory.room == RequestMemory.most)
        let later = try Joined(log)
        later.asks("/d")
        later.answers()
        #expect(log.latest.requests.map(\.number) == [2])
        for joined in [joined, later] { joined.close() }
    }

    @Test("that began before its tunnel was inspected is not")
    func before() throws {
        let log = Self.log(nil)
        let joined = try Joined(log)
        log.inspect(room: RequestRing.mostMemory)
        joined.asks("/a")
        joined.answers()
        #expect(log.latest.total == 0)
        joined.close()
    }

    @Test("is inspected with what memory there is, which all streams share")
    func memory() throws {
        let memory = RequestMemory()
        let log = RequestLog(memory: memory)
        log.inspect(room: RequestRing.mostMemory)
        memory.change(by: RequestMemory.most)
        let joined = try Joined(log)
        joined.asks("/a")
        #expect(log.latest.requests.map(\.request.end) == [.noMemory])
        #expect(joined.service.newCalls() == ["write GET /a HTTP/1.1\r\n\r\n"])
        joined.close()
        #expect(memory.room == 0)
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOHTTP1
import NIOPosix
import Rstream
import RstreamAdmin
import RstreamConfig
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("The HTTP listener", .serialized, .timeLimit(.hang))
struct HTTPListenerTests {
    /// A listener that answers with what it was asked, as long as `body` runs; then no client may be left.
    private func withListener(
        timeouts: RequestBoundsHandler.Timeouts = .long,
        answer: @escaping HTTPConnection.Answer = { call in
            HTTPReply(
                status: .ok,
                type: "text/plain",
                content: .bytes(Array("\(call.method) \(call.target) ".utf8) + call.body)
            )
        },
        _ body: (AdminSocket, EventRing) async throws -> Void
    ) async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            let ring = EventRing(firstID: 1) { UTCTime(milliseconds: 0) }
            let listener = try await HTTPListener.listen(
                at: .file(path: path, mode: 0o600, group: nil),
                on: MultiThreadedEventLoopGroup.singleton,
                timeouts: timeouts,
                events: ring,
                answer: answer
            )
            try await listener.publish()
            let running = Task(executorPreference: RunningDaemon.threads) { await listener.run() }
            do {
                try await body(AdminSocket(path: path), ring)
            } catch {
                await listener.stop()
                throw error
            }
            try await within("the listener's end") {
                await listener.stop()
                await running.value
            }
        }
    }

    @Test("a lookup without an answer ends at once when the listener is no longer wanted")
    func silentName() async throws {
        let names = SilentResolver()
        defer { names.end() }
        let lookUp = CancellableLookup(NameService(names, logger: LogCapture().logger))
        let group = MultiThreadedEventLoopGroup.singleton
        let opening = Task {
            try await HTTPListener.listen(
                at: .tcp(host: "dead.test", port: 0),
                on: group,
                lookUp: lookUp,
                lookUpTimeout: testTimeout,
                events: EventRing(firstID: 1) { UTCTime(milliseconds: 0) },
                answer: Self.allEvents
            )
        }
        try await names.waitForQuestion()
        lookUp.cancel()
        await #expect(throws: CancellationError.self) { try await opening.value }
        // A retry that was stopped does not look the name up, either.
        let retry = PortRetry(
            .metrics,
            at: .tcp(host: "dead.test", port: 0),
            isLogged: false,
            on: group.any(),
            logger: LogCapture().logger
        )
        retry.stop()
        await #expect(throws: CancellationError.self) {
            _ = try await retry.lookUp.addresses(of: "127.0.0.1", within: .seconds(1), on: group.any())
        }
    }

    private static let allEvents: HTTPConnection.Answer = { $0.stream(.events(from: EventRing.oldest)) }

    private static func timeouts(
        request: Duration? = nil,
        reply: Duration? = nil
    ) -> RequestBoundsHandler.Timeouts {
        var timeouts = RequestBoundsHandler.Timeouts.long
        if let request { timeouts.request = TimeAmount(request) }
        if let reply { timeouts.reply = TimeAmount(reply) }
        return timeouts
    }

    private static func isAnswered(_ socket: AdminSocket) async throws -> Bool {
        try await socket.call("GET", "/x").status == 200
    }

    @Test("serves 2,000 requests on one connection, many at a time")
    func manyRequests() async throws {
        try await withListener { socket, _ in
            let connection = try await socket.connect()
            let expected = (0..<100).map { "GET /\($0) " }
            for round in 1...20 {
                let batch = (0..<100).map { AdminSocket.request("GET", "/\($0)", close: false) }.joined()
                try await connection.send(batch)
                let state = try await connection.state.wait(for: "the answers of round \(round)") {
                    $0.isOver || String(buffer: $0.received).hasSuffix("GET /99 ")
                }
                let bodies = AdminSocket.Answer.all(in: String(buffer: state.received)).map(\.body)
                #expect(bodies == expected)
                connection.state.change { $0.received.clear() }
                guard bodies == expected else { break }
            }
            await connection.close()
        }
    }

    @Test("takes 64 clients, refuses the 65th, and frees every slot after their timeout")
    func silentClients() async throws {
        // Long enough for all of them to have come.
        try await withListener(timeouts: Self.timeouts(request: longestStall)) { socket, _ in
            let silent = try await withThrowingTaskGroup(of: TestConnection.self) { group in
                for _ in 0...HTTPListener.defaultClientLimit { group.addTask { try await socket.connect() } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            var answers: [AdminSocket.Answer] = []
            for connection in silent {
                answers += AdminSocket.Answer.all(in: try await connection.receiveText())
                await connection.close()
            }
            let late = answers.filter { $0.status == 408 && $0.problem?.code == .timeout }
            #expect(late.count == HTTPListener.defaultClientLimit)
            let busy = answers.filter { $0.status == 503 && $0.problem?.code == .busy }
            #expect(busy.map { $0.headers["retry-after"] } == ["1"])
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<HTTPListener.defaultClientLimit - 1 { group.addTask { try await Self.isAnswered(socket) } }
                for try await isAnswered in group { #expect(isAnswered) }
            }
        }
    }

    @Test(
        "limits the time of a request that arrives byte by byte, in the headers or in the body",
        arguments: ["", "POST /x HTTP/1.1\r\nContent-Length: 99999\r\n\r\n"]
    )
    func slowClient(head: String) async throws {
        try await withListener(timeouts: Self.timeouts(request: .milliseconds(300))) { socket, _ in
            let connection = try await socket.connect()
            // It may be too late for that already.
            try? await connection.send(head)
            let feeder = Task {
                for byte in "GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" {
                    try await connection.send(String(byte))
                    try await Task.sleep(for: .milliseconds(30))
                }
            }
            let state = try await connection.state.wait(for: "the timeout") { $0.isOver }
            feeder.cancel()
            #expect(AdminSocket.Answer.all(in: String(buffer: state.received)).first?.problem?.code == .timeout)
            await connection.close()
        }
    }

    @Test("closes an idle connection after a reply without another one")
    func idle() async throws {
        // Long enough for the request.
        try await withListener(timeouts: Self.timeouts(request: longestStall)) { socket, _ in
            let connection = try await socket.connect()
            try await connection.send(AdminSocket.request("GET", "/x", close: false))
            let text = try await connection.receiveText()
            #expect(AdminSocket.Answer.all(in: text).map(\.status) == [200])
            await connection.close()
        }
    }

    @Test("takes requests of 64 KiB and refuses longer ones", arguments: [0, 1, 200_000])
    func bounds(excess: Int) async throws {
        try await withListener { socket, _ in
            let body = String(repeating: "a", count: HTTPConnection.longestRequest - 1_024 + excess * 1_024)
            let answer = try await socket.call("POST", "/x", body)
            if excess == 0 {
                #expect(answer.status == 200)
                #expect(answer.body == "POST /x " + body)
            } else {
                #expect(answer.status == 413)
                #expect(answer.problem?.code == .tooLarge)
            }
        }
    }

    @Test("does not wait for the end of headers that are too long", arguments: [70_000, 1_048_576])
    func longHeaders(length: Int) async throws {
        try await withListener { socket, _ in
            // In lines that are short enough each.
            let line = "X: " + String(repeating: "a", count: 9_000) + "\r\n"
            let lines = String(repeating: line, count: length / line.utf8.count + 1)
            let text = try await socket.send("GET /x HTTP/1.1\r\n\(lines)")
            let answer = try #require(AdminSocket.Answer.all(in: text).first)
            #expect(answer.status == 413)
            #expect(answer.problem?.code == .tooLarge)
            #expect(try await Self.isAnswered(socket))
        }
    }

    @Test(
        "refuses bytes that are not HTTP",
        arguments: [
            "hello\r\n\r\n", "\u{0}\u{1}\u{2}", "GET /x HTTP/9.9\r\n\r\n", "GET\r\n\r\n",
            "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "GET /x HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        ]
    )
    func garbage(text: String) async throws {
        try await withListener { socket, _ in
            let answer = try #require(AdminSocket.Answer.all(in: try await socket.send(text)).first)
            #expect(answer.status == 400)
            #expect(answer.problem?.code == .badRequest)
            #expect(try await Self.isAnswered(socket))
        }
    }

    @Test("answers what came before the garbage on the same connection")
    func garbageBehind() async throws {
        try await withListener { socket, _ in
            let text = try await socket.send(AdminSocket.request("GET", "/x", close: false) + "garbage\r\n\r\n")
            #expect(AdminSocket.Answer.all(in: text).map(\.status) == [200, 400])
        }
    }

    @Test("asks for a body that waits for it", arguments: ["100-continue", "100-Continue"])
    func expectContinue(word: String) async throws {
        try await withListener { socket, _ in
            let connection = try await socket.connect()
            try await connection.send("POST /x HTTP/1.1\r\nHost: h\r\nExpect: \(word)\r\nContent-Length: 2\r\n\r\n")
            let proceed = "HTTP/1.1 100 Continue\r\n\r\n"
            #expect(try await connection.receive(asLongAs: proceed) == proceed)
            try await connection.send("ab")
            try await connection.state.wait(for: "the answer") { String(buffer: $0.received).hasSuffix("POST /x ab") }
            await connection.close()
        }
    }

    @Test(
        "writes the complete reply to a client that reads late and then closes",
        arguments: [225_000, 250_000, 275_000, 3_000_000]
    )
    func longAnswer(length: Int) async throws {
        let content = [UInt8](repeating: UInt8(ascii: "a"), count: length)
        let answer: HTTPConnection.Answer = { _ in HTTPReply(status: .ok, type: "t", content: .bytes(content)) }
        try await withConnection(answer: answer) { connection, isDone in
            try await connection.send(AdminSocket.request("GET", "/x"))
            try await isDone.wait(for: "the listener's last step before the client reads") { $0 }
            // It may be over already where the kernel takes more.
            try? await connection.setReading(true)
            let text = try await connection.receiveText()
            #expect(AdminSocket.Answer.all(in: text).first?.body.utf8.count == length)
            await connection.close()
        }
    }

    /// One connection as the listener serves it, whose client does not read; with it comes whether the listener can do
    /// no more until the client does: its write has stalled, or it has closed.
    private func withConnection(
        answer: @escaping HTTPConnection.Answer,
        _ body: (TestConnection, Observed<Bool>) async throws -> Void
    ) async throws {
        let isDone = Observed(false)
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .childChannelOption(.autoRead, value: false)
                .bind(unixDomainSocketPath: path) { channel in
                    HTTPListener.configure(channel, .long).flatMapThrowing { channel in
                        try channel.pipeline.syncOperations.addHandler(LastStep(isDone))
                        return channel
                    }
                }
            try await withThrowingTaskGroup { group in
                group.addTask {
                    try await server.executeThenClose { clients in
                        for try await client in clients {
                            let connection = HTTPConnection(
                                channel: try await HTTPListener.takeUp(client),
                                peer: .unknown,
                                endpoint: .file,
                                events: EventRing(firstID: 1) { UTCTime(milliseconds: 0) },
                                readers: EventSlots(take: { true }, release: {}),
                                rights: HTTPListener.rightsOfConnected,
                                answer: answer
                            )
                            return try await connection.run()
                        }
                    }
                }
                try await body(try await AdminSocket(path: path).connect(reads: false), isDone)
                try await group.waitForAll()
            }
        }
    }

    /// Tells when the server can do no more before its client reads. Confined to its channel's event loop.
    private final class LastStep: ChannelOutboundHandler {
        typealias OutboundIn = Never

        private let isDone: Observed<Bool>

        init(_ isDone: Observed<Bool>) {
            self.isDone = isDone
        }

        func flush(context: ChannelHandlerContext) {
            context.flush()
            if !context.channel.isWritable { isDone.change { $0 = true } }
        }

        func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
            context.close(mode: mode, promise: promise)
            isDone.change { $0 = true }
        }
    }

    @Test("drops a client that does not read its reply, short or long", arguments: [250_000, 3_000_000])
    func stalled(length: Int) async throws {
        let content = [UInt8](repeating: UInt8(ascii: "a"), count: length)
        let answer: HTTPConnection.Answer = { _ in HTTPReply(status: .ok, type: "t", content: .bytes(content)) }
        try await withListener(timeouts: Self.timeouts(reply: .milliseconds(300)), answer: answer) { socket, _ in
            var stalled: [TestConnection] = []
            for _ in 0..<HTTPListener.defaultClientLimit {
                let connection = try await socket.connect(reads: false)
                try await connection.send(AdminSocket.request("GET", "/x"))
                stalled.append(connection)
            }
            // All slots are taken until the timeout.
            try await within("a place") {
                while (try? await Self.isAnswered(socket)) != true { try await Task.sleep(for: .milliseconds(20)) }
            }
            for connection in stalled { await connection.close() }
        }
    }

    @Test("limits event readers so that slots are left for calls, and frees the slots of readers that leave")
    func eventReaders() async throws {
        try await withListener { call in
            call.target == "/v1/events" ? await Self.allEvents(call) : HTTPReply.json(["x"])
        } _: { socket, ring in
            let slots = ClientSlots(limit: HTTPListener.defaultClientLimit, reservesSlots: true)
            var readers: [EventReader] = []
            for _ in 0..<slots.readerLimit { readers.append(try await socket.events()) }
            for _ in 0..<3 {
                let answer = try await socket.call("GET", "/v1/events")
                #expect(answer.status == 503 && answer.problem?.code == .busy)
                #expect(answer.headers["retry-after"] == "1")
                #expect(try await Self.isAnswered(socket))
            }
            await readers.removeLast().connection.close()
            try await within("a place for another reader") {
                while true {
                    let connection = try await socket.connect()
                    try await connection.send(AdminSocket.request("GET", "/v1/events"))
                    let state = try await connection.state.wait(for: "an answer") { $0.received.readableBytes > 0 }
                    await connection.close()
                    if String(buffer: state.received).hasPrefix("HTTP/1.1 200") { break }
                }
            }
            for reader in readers { await reader.connection.close() }
            ring.close()
        }
    }

    @Test("ends the streams of events after the last events, and forgets readers that are gone")
    func events() async throws {
        try await withListener(answer: Self.allEvents) { socket, ring in
            ring.publish("a.first")
            let reader = try await socket.events()
            let vanished = try await socket.events()
            await vanished.connection.reset()
            ring.publish("a.last")
            ring.close()
            let text = try await reader.connection.receiveText()
            #expect(reader.events.map(\.type) == ["a.first", "a.last"])
            #expect(text.hasSuffix("\r\n0\r\n\r\n"), "\(text)")
            try await within("the end of readers") { await ring.waitUntilUnread() }
            await reader.connection.close()
        }
    }

    @Test("reports missed events to a slow reader, and everything to the others")
    func slowReader() async throws {
        try await withListener(answer: Self.allEvents) { socket, ring in
            let slow = try await socket.connect(reads: false)
            try await slow.send(AdminSocket.request("GET", "/v1/events"))
            let quick = try await socket.events()
            let total = 20_000
            let filling = String(repeating: "x", count: 200)
            for id in 1...total {
                ring.publish("a.b") { $0.message = filling }
                guard id % 500 == 0 else { continue }
                try await quick.connection.state.wait(for: "event \(id)") {
                    String(
                        buffer: $0.received.getSlice(
                            at: max($0.received.readerIndex, $0.received.writerIndex - 2_000),
                            length: min(2_000, $0.received.readableBytes)
                        ) ?? ByteBuffer()
                    ).contains("id: \(id)\n")
                }
            }
            try await slow.setReading(true)
            ring.close()
            let state = try await slow.state.wait(for: "the end") { $0.isOver }
            let events = EventReader.events(in: state)
            let missed = events.filter { $0.type == "events.missed" }
            #expect(!missed.isEmpty)
            #expect(missed.compactMap(\.missed?.wrappedValue).reduce(0, +) + events.count { $0.type == "a.b" } == total)
            #expect(events.map(\.id) == events.map(\.id).sorted())
            #expect(quick.events.count == total)
            #expect(!quick.events.contains { $0.type == "events.missed" })
            await slow.close()
            await quick.connection.close()
        }
    }

    @Test("does not wait for a client that does not read its reply when it stops")
    func deafClient() async throws {
        let isAsked = Observed(false)
        let content = [UInt8](repeating: UInt8(ascii: "a"), count: 3_000_000)
        let answer: HTTPConnection.Answer = { _ in
            isAsked.change { $0 = true }
            return HTTPReply(status: .ok, type: "t", content: .bytes(content))
        }
        var deaf: TestConnection?
        // Its timeouts are longer than this test.
        try await withListener(answer: answer) { socket, _ in
            let connection = try await socket.connect(reads: false)
            deaf = connection
            try await connection.send(AdminSocket.request("GET", "/x"))
            try await isAsked.wait(for: "the request") { $0 }
        }
        await deaf?.close()
    }

    @Test("survives clients that connect while it stops")
    func stopUnderLoad() async throws {
        for _ in 0..<30 {
            try await withListener { socket, _ in
                for _ in 0..<20 {
                    // Nobody waits for these: they come while it stops.
                    Task { try? await socket.connect().close() }
                }
                _ = try await Self.isAnswered(socket)
            }
        }
    }
}

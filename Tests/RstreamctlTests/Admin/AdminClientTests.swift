// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOPosix
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamAdmin

@Suite("The client of the admin socket")
struct AdminClientTests {
    private static let event = #"{"id":7,"time":"2026-01-31T23:59:59.999Z","type":"tunnel.online","tunnel":"web"}"#

    /// Lets a client talk to a server that answers the one request with these bytes and then closes, or does not.
    private static func served<Value: Sendable>(
        _ answer: String,
        closes: Bool = true,
        _ body: @escaping @Sendable (AdminClient) async throws -> Value
    ) async throws -> Value {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "admin.sock")
            return try await TestServer.with(.manual, at: .unix(path: path)) { server in
                async let value = within("the client") { try await body(AdminClient(socket: path, timeouts: .long)) }
                let connection = try await server.connection()
                try await connection.state.wait(for: "a request") { $0.received.readableBytes > 0 }
                if !answer.isEmpty { try await connection.send(answer) }
                if closes { await connection.close() }
                return try await value
            }
        }
    }

    private static func failure(
        _ answer: String,
        closes: Bool = true,
        _ route: Route = .status
    ) async throws -> AdminClientError? {
        try await served(answer, closes: closes) { client in
            do throws(AdminClientError) {
                _ = try await client.call(route)
                return nil
            } catch {
                return error
            }
        }
    }

    /// Answers whoever comes, and closes with everything unread. Confined to its channel's event loop.
    private final class Refusing: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let answer: [UInt8]

        init(_ answer: [UInt8]) { self.answer = answer }

        func channelActive(context: ChannelHandlerContext) {
            context.writeAndFlush(NIOAny(ByteBuffer(bytes: answer)), promise: nil)
            context.close(promise: nil)
        }
    }

    private static func isNotReachable(_ error: AdminClientError?) -> Bool {
        if case .notReachable = error { true } else { false }
    }

    private static func isCutShort(_ error: AdminClientError?) -> Bool {
        if case .cutShort = error { true } else { false }
    }

    private static func isBadReply(_ error: AdminClientError?) -> Bool {
        if case .badReply = error { true } else { false }
    }

    @Test("a good answer is the daemon's bytes")
    func good() async throws {
        let bytes = try await Self.served("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n{ } ") {
            try await $0.call(.config)
        }
        #expect(bytes == Array("{ } ".utf8))
    }

    @Test("a problem is thrown as it is")
    func problem() async throws {
        let problem = Problem(.notFound, "no such tunnel")
        let json = String(decoding: try AdminJSON.encode(problem), as: UTF8.self)
        let answer = "HTTP/1.1 404 Not Found\r\nContent-Length: \(json.utf8.count)\r\n\r\n\(json)"
        #expect(try await Self.failure(answer) == .problem(problem))
        let events = try await Self.served(answer) { client in
            await #expect(throws: AdminClientError.problem(problem)) {
                try await client.events { _, _ in true }
            }
            return true
        }
        #expect(events)
    }

    @Test("a refused reload is an answer")
    func refused() async throws {
        let reply = ReloadReply(outcome: .refused, dryRun: false)
        let json = String(decoding: try AdminJSON.encode(reply), as: UTF8.self)
        let answer = "HTTP/1.1 422 Unprocessable Content\r\nContent-Length: \(json.utf8.count)\r\n\r\n\(json)"
        let result = try await Self.served(answer) { try await $0.reload(dryRun: false) }
        #expect(result.reply == reply)
        #expect(result.json == Array(json.utf8))
    }

    @Test("a socket without a listener means that the daemon is absent, whether it is missing, stale or no socket")
    func nobody() async throws {
        try await TemporaryFolder.with { folder in
            let leftOver = folder.path(of: "left.sock")
            try await TestServer.with(at: .unix(path: leftOver)) { await $0.stopListening() }
            let file = try folder.write("", to: "file")
            let long = folder.path(of: String(repeating: "x", count: 200))
            for path in [folder.path(of: "missing.sock"), leftOver, file] {
                let error = await Self.failure {
                    _ = try await AdminClient(socket: path, timeouts: .long).call(.status)
                }
                guard case .absent(path, _)? = error else {
                    Issue.record("\(path): \(String(describing: error))")
                    continue
                }
            }
            #expect(Self.isNotReachable(await Self.failure { _ = try await AdminClient(socket: long).call(.status) }))
        }
    }

    @Test("a full queue of connections is waited for, and given up like a daemon that is silent")
    func fullQueue() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "admin.sock")
            let queue = try FullQueue(at: path)
            defer { queue.close() }
            var timeouts = AdminClient.Timeouts()
            timeouts.answer = .milliseconds(300)
            let began = ContinuousClock.now
            let error = await Self.failure {
                _ = try await AdminClient(socket: path, timeouts: timeouts).call(.status)
            }
            #expect(error == .silent(socket: path, after: timeouts.answer))
            #expect(ContinuousClock.now - began >= timeouts.answer)
            async let call = within("the client") {
                await Self.failure { _ = try await AdminClient(socket: path, timeouts: .long).call(.status) }
            }
            try await within("a place in the queue") { try await queue.endNext() }
            let ended = try await call
            #expect(Self.isNotReachable(ended), "\(String(describing: ended))")
        }
    }

    @Test("an answer that ends in the middle is cut short, and does not say that there is no daemon")
    func cutShort() async throws {
        for (body, bytes) in [
            ("Content-Length: 10\r\n\r\n12345", 5), ("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 3),
        ] {
            guard case .cutShort(_, bytes)? = try await Self.failure("HTTP/1.1 200 OK\r\n" + body) else {
                Issue.record("\(body) is not cut short")
                continue
            }
        }
        let error = AdminClientError.cutShort(socket: "/s", bytes: 5)
        #expect(!"\(error)".contains("no daemon"))
    }

    @Test(
        "a daemon that takes connections and says nothing, or nothing more, is silent after a while and not waited for"
    )
    func silence() async throws {
        var timeouts = AdminClient.Timeouts()
        (timeouts.answer, timeouts.reload, timeouts.events) = (.milliseconds(50), .milliseconds(60), .milliseconds(70))
        let (bounded, head) = (timeouts, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        timeouts.answer = AdminClient.Timeouts.long.answer
        let following = timeouts
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            try await TestServer.with(.manual, at: .unix(path: path)) { server in
                let client = AdminClient(socket: path, timeouts: bounded)
                let silent = { (limit: Duration) in AdminClientError.silent(socket: path, after: limit) }
                #expect(await Self.failure { _ = try await client.call(.status) } == silent(.milliseconds(50)))
                #expect(await Self.failure { _ = try await client.reload(dryRun: true) } == silent(.milliseconds(60)))
                #expect(await Self.failure { try await client.events { _, _ in true } } == silent(.milliseconds(50)))
                for index in 0..<3 { await (try await server.connection(index)).close() }
                // One that has answered is given the time between events only.
                let follower = AdminClient(socket: path, timeouts: following)
                async let error = Self.failure { try await follower.events { _, _ in true } }
                let connection = try await server.connection(3)
                try await connection.send(head)
                #expect(await error == silent(.milliseconds(70)))
                await connection.close()
            }
        }
    }

    @Test("a client that is refused before it is read has the refusal", arguments: [0, 60_000])
    func refusedUnread(length: Int) async throws {
        let problem = Problem(.busy, "full")
        let json = String(decoding: try AdminJSON.encode(problem), as: UTF8.self)
        let answer = Array(
            "HTTP/1.1 503 No\r\nContent-Length: \(json.utf8.count)\r\nConnection: close\r\n\r\n\(json)".utf8
        )
        let body = [UInt8](repeating: UInt8(ascii: "x"), count: length)
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            // Answers and closes at once, with everything that was sent unread.
            let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .childChannelOption(.autoRead, value: false)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Refusing(answer))
                    }
                }
                .bind(unixDomainSocketPath: path).get()
            for _ in 0..<50 {
                await #expect(throws: AdminClientError.problem(problem)) {
                    try await AdminClient(socket: path, timeouts: .long).call(.reload, body: body)
                }
            }
            try await server.close()
        }
    }

    @Test("a call that a daemon does not know is named with the version that has it, and the daemon's own")
    func unknownCall() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            let answers: TestAdmin.Answers = { request in
                guard request.line != "GET /v1/status" else { return .ok(#"{"daemon":{"version":"0.0.7","more":1}}"#) }
                let problem = Problem(request.method == "GET" ? .unknownPath : .methodNotAllowed, "no")
                return .reply(problem.status, String(decoding: (try? AdminJSON.encode(problem)) ?? [], as: UTF8.self))
            }
            try await TestAdmin.with(at: path, answers) { _ in
                for route in [Route.config, .cutStream("1")] {
                    let error = await Self.failure {
                        _ = try await AdminClient(socket: path, timeouts: .long).call(route)
                    }
                    #expect(error == .unknownCall("\(route.method) \(route.path)", version: "0.0.7"))
                    let text = error.map { "\($0)" } ?? ""
                    #expect(text.contains("rstreamd 0.0.7 does not know") && text.contains("\(rstreamVersion) has it"))
                }
            }
        }
    }

    @Test(
        "a daemon that vanishes before it has begun an answer is not reachable",
        arguments: ["", "HTTP/1.1 200 OK\r\n"]
    )
    func vanishing(answer: String) async throws {
        let failure = try await Self.failure(answer)
        #expect(Self.isNotReachable(failure), "\(String(describing: failure))")
    }

    @Test("a daemon that vanishes between events has cut them short, and one that ends them is done")
    func vanishingEvents() async throws {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        let data = "data: \(Self.event)\n\n"
        let chunk = "\(String(data.utf8.count, radix: 16))\r\n\(data)\r\n"
        for (answer, isEnded) in [(head + chunk, false), (head + chunk + "0\r\n\r\n", true)] {
            let seen = Observed<[Event]>([])
            let failure = try await Self.served(answer) { client -> AdminClientError? in
                do {
                    try await client.events { event, json in
                        #expect(json == Self.event)
                        seen.change { $0.append(event) }
                        return true
                    }
                    return nil
                } catch {
                    return error as? AdminClientError ?? .badReply("\(error)")
                }
            }
            #expect(seen.value.map(\.id) == [7])
            if isEnded {
                #expect(failure == nil)
            } else {
                #expect(Self.isCutShort(failure), "\(String(describing: failure))")
            }
        }
    }

    @Test("events end when the reader has seen enough, and at the end of the backlog when it wants no more")
    func enough() async throws {
        let data = "data: \(Self.event)\n\n: end of backlog\n\ndata: \(Self.event)\n\n"
        let answer =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\(String(data.utf8.count, radix: 16))\r\n\(data)\r\n"
        let counts = try await Self.served(answer, closes: false) { client in
            var count = 0
            try await client.events(after: 0) {
                false
            } _: { _, _ in
                count += 1
                return true
            }
            return count
        }
        #expect(counts == 1)
        let both = try await Self.served(answer, closes: false) { client in
            var count = 0
            try await client.events(after: 0) { _, _ in
                count += 1
                return count < 2
            }
            return count
        }
        #expect(both == 2)
    }

    @Test("what is no HTTP, no JSON or no problem is a bad reply")
    func malformed() async throws {
        for answer in [
            "SSH-2.0-OpenSSH_9.2\r\n", "\0\0\0\0\0\0\0\0", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}",
        ] {
            let failure = try await Self.failure(answer)
            #expect(Self.isBadReply(failure), "\(answer): \(String(describing: failure))")
        }
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
        let failure = try await Self.served(answer) { client -> AdminClientError? in
            do throws(AdminClientError) {
                _ = try await client.call(.status, as: DaemonStatus.self)
                return nil
            } catch {
                return error
            }
        }
        #expect(Self.isBadReply(failure))
    }

    @Test(
        "JSON without end ends no client, in an answer, a problem, a reload or an event",
        arguments: ["[", #"{"id":"#, "\u{301}"]
    )
    func nested(unit: String) async throws {
        let json = (unit == "\u{301}" ? "[\"" : "") + String(repeating: unit, count: 513)
        for status in ["200 OK", "422 No", "500 No"] {
            let answer = "HTTP/1.1 \(status)\r\nContent-Length: \(json.utf8.count)\r\n\r\n\(json)"
            let failures = try await [
                Self.served(answer) { client in
                    await Self.failure { _ = try await client.call(.status, as: DaemonStatus.self) }
                },
                Self.served(answer) { client in await Self.failure { _ = try await client.reload(dryRun: true) } },
            ]
            for failure in failures { #expect(Self.isBadReply(failure), "\(String(describing: failure))") }
        }
        let data = "data: \(json)\n\n"
        let chunk = "\(String(data.utf8.count, radix: 16))\r\n\(data)\r\n"
        let events = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk
        let failure = try await Self.served(events) { client in
            await Self.failure { try await client.events { _, _ in true } }
        }
        #expect(Self.isBadReply(failure), "\(String(describing: failure))")
    }

    private static func failure(_ body: () async throws -> Void) async -> AdminClientError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? AdminClientError
        }
    }

    @Test("a silent daemon is left at once when the task is cancelled")
    func silent() async throws {
        for answer in ["", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1"] {
            try await TemporaryFolder.with { folder in
                let path = folder.path(of: "admin.sock")
                try await TestServer.with(.manual, at: .unix(path: path)) { server in
                    // Waited for below.
                    let call = Task { try await AdminClient(socket: path, timeouts: .long).call(.status) }
                    let connection = try await server.connection()
                    try await connection.state.wait(for: "a request") { $0.received.readableBytes > 0 }
                    if !answer.isEmpty { try await connection.send(answer) }
                    call.cancel()
                    let result = try await within("the cancelled call") { await call.result }
                    #expect {
                        try result.get()
                    } throws: { error in
                        Self.isNotReachable(error as? AdminClientError)
                    }
                    try await connection.waitForClose()
                }
            }
        }
    }

    @Test("an answer without an end is given up before it fills the memory", arguments: [200, 400])
    func huge(status: Int) async throws {
        let limit = 300_000
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "admin.sock")
            try await TestServer.with(.manual, at: .unix(path: path)) { server in
                async let result = within("the client") { () -> AdminClientError? in
                    do throws(AdminClientError) {
                        _ = try await AdminClient(socket: path, timeouts: .long, longestReply: limit).call(.metrics)
                        return nil
                    } catch {
                        return error
                    }
                }
                let connection = try await server.connection()
                try await connection.send("HTTP/1.1 \(status) X\r\nContent-Length: 100000000\r\n\r\n")
                let sent = connection.pump(100_000_000)
                #expect(try await result == .badReply("longer than \(limit) bytes"))
                // What was on its way lies in buffers of the kernel and the two event loops.
                #expect(sent.value < 10_000_000)
            }
        }
    }

    @Test("an answer may be as long as that, and not a byte longer; of a daemon 64 MiB", arguments: [0, 1])
    func longest(more: Int) async throws {
        let limit = 100_000
        let body = String(repeating: "x", count: limit + more)
        let length = body.utf8.count
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "admin.sock")
            try await TestServer.with(.manual, at: .unix(path: path)) { server in
                async let result = within("the client") { () -> Result<Int, AdminClientError> in
                    do throws(AdminClientError) {
                        return .success(
                            try await AdminClient(socket: path, timeouts: .long, longestReply: limit).call(.metrics)
                                .count
                        )
                    } catch {
                        return .failure(error)
                    }
                }
                let connection = try await server.connection()
                try await connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(length)\r\n\r\n\(body)")
                let outcome = try await result
                #expect(outcome == (more == 0 ? .success(limit) : .failure(.badReply("longer than \(limit) bytes"))))
            }
        }
        #expect(AdminClient(socket: "/nowhere").longestReply == 64 * 1_024 * 1_024)
    }
}

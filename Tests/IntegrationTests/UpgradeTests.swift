// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Glibc
import NIOCore
import RstreamAdmin
import RstreamModel
import RstreamTestSupport
import Testing

extension Integration {
    /// Take-overs by a program at the same path. The process that takes over is no child of the test; it is ended by its
    /// number.
    @Suite(.timeLimit(.hang)) struct UpgradeTests {
        private static let streams = Binaries.areRelease ? 200 : 50
        private static let rounds = 3
        /// An address may be away for about one round trip. A machine that is busy with other tests stalls longer.
        private static let longestRefusal = Duration.seconds(2)

        @Test("over take-overs open streams stay, new visitors are refused for a moment at most, and addresses stay")
        func underLoad() async throws {
            try await UpgradeSite.with { site in
                let port = try await site.pair.rawPort()
                let open = try await site.openStreams(Self.streams, port)
                let visitors = UpgradeVisitors(port: port)
                try await visitors.running {
                    var process = Int(site.pair.daemon.process.pid)
                    for _ in 0..<Self.rounds {
                        let reply = try await site.upgrade()
                        #expect(reply.outcome == .takenOver, "\(reply.message)")
                        let status = try await site.status()
                        #expect(status.daemon.pid == reply.pid)
                        #expect(status.daemon.pid != process)
                        #expect(status.isAsWanted)
                        process = status.daemon.pid
                    }
                }
                print("longest refusal over \(Self.rounds) take-overs: \(visitors.longestGap.secondsText)")
                #expect(visitors.longestGap < Self.longestRefusal)
                #expect(visitors.served > 0)
                #expect(try await site.pair.ports("raw") == [port])
                for stream in open { try await stream.send("still") }
                for stream in open { #expect(try await stream.receive(asLongAs: "beginstill") == "beginstill") }
                // The first process has all of them.
                try await site.status { status in
                    status.daemon.previous.contains { $0.streams == Self.streams }
                }
                for stream in open { await stream.close() }
                try await site.status { $0.daemon.previous.isEmpty }
                let exit = try await site.pair.daemon.process.exit()
                #expect(exit == .status(0))
                // Counters go on.
                let raw = try #require(try await site.status().tunnels.first { $0.name == "raw" })
                #expect(raw.streams.total >= Self.streams + visitors.served)
            }
        }

        /// A connection that finds the tunnel away is accepted and closed.
        @Test("sockets are handed over: no local connection is refused")
        func listeners() async throws {
            try await UpgradeSite.with { site in
                let visitors = UpgradeVisitors(port: site.listener)
                try await visitors.running {
                    for _ in 0..<Self.rounds {
                        let reply = try await site.upgrade()
                        #expect(reply.outcome == .takenOver, "\(reply.message)")
                    }
                }
                #expect(visitors.refused == 0)
                #expect(visitors.served > 0)
            }
        }

        @Test("the page is at the same port afterwards, of the new process")
        func page() async throws {
            let port = try await TestServer.withDeadPort { $0 }
            try await UpgradeSite.with(more: "page: { listen: \"127.0.0.1:\(port)\" }") { site in
                for _ in 0..<Self.rounds {
                    // A browser keeps its connection for the next question, and follows the events.
                    let (idle, events) = (
                        try await TestConnection.connect(toPort: port), try await TestConnection.connect(toPort: port)
                    )
                    for (connection, path) in [(idle, "/v1/status"), (events, "/v1/events")] {
                        try await connection.send("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
                        _ = try await connection.receive(asLongAs: "HTTP/1.1 200 OK")
                    }
                    let reply = try await site.upgrade()
                    #expect(reply.outcome == .takenOver, "\(reply.message)")
                    for connection in [idle, events] {
                        try await connection.state.wait(for: "the end of the connection") { $0.isOver }
                    }
                    let browser = try await TestConnection.connect(toPort: port)
                    try await browser.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    #expect(try await browser.receiveText().contains("process \(reply.pid ?? 0)"))
                    await browser.close()
                }
                let lost = ["page listen failed, retrying", "page lost"]
                #expect(site.pair.daemon.log.allSatisfy { !lost.contains($0.message) })
            }
        }

        @Test("a mistake in the configuration leaves the old process serving, and is told")
        func mistake() async throws {
            try await UpgradeSite.with { site in
                let port = try await site.pair.rawPort()
                try site.pair.folder.replace("rstreamd.yaml", with: "version: 1\nnonsense: true\n")
                let reply = try await site.upgrade()
                #expect(reply.outcome == .refused)
                #expect(reply.diagnostics.contains { $0.line == 2 && $0.message.contains("unknown key") })
                #expect(try await site.status().daemon.pid == Int(site.pair.daemon.process.pid))
                #expect(await UpgradeVisitors.visit(port) == .served)
                let line = try await site.pair.daemon.logged("upgrade failed, everything goes on as before")
                #expect(line.level == "warning")
            }
        }

        @Test("SIGUSR2 does the same, and SIGTERM ends both processes in order")
        func signals() async throws {
            try await UpgradeSite.with { site in
                let port = try await site.pair.rawPort()
                let open = try await site.openStreams(3, port)
                site.pair.daemon.process.send(signal: SIGUSR2)
                try await site.pair.daemon.logged("taken over")
                let process = try await site.status { $0.daemon.previous.first?.streams == 3 }.daemon.pid
                kill(pid_t(process), SIGTERM)
                try await site.pair.daemon.logged("stopping")
                #expect(site.pair.daemon.process.isRunning, "its streams may end")
                for stream in open { await stream.close() }
                let exit = try await site.pair.daemon.process.exit()
                #expect(exit == .status(0))
                try await within("the end of the new process") {
                    while kill(pid_t(process), 0) == 0 { try await Task.sleep(for: .milliseconds(10)) }
                }
            }
        }

        @Test("streams of the old process are cut when their time is over")
        func drain() async throws {
            try await UpgradeSite.with(more: "upgrade: { drain: 1s }") { site in
                let port = try await site.pair.rawPort()
                let open = try await site.openStreams(2, port)
                let reply = try await site.upgrade()
                #expect(reply.outcome == .takenOver, "\(reply.message)")
                for stream in open { try await stream.state.wait(for: "the cut") { $0.isOver } }
                let exit = try await site.pair.daemon.process.exit()
                #expect(exit == .status(0))
            }
        }
    }
}

/// An engine, a daemon with a published and a private tunnel to an echo, and a listener for the private one; whoever is
/// the daemon at the end is ended.
struct UpgradeSite: Sendable {
    let pair: Pair
    let listener: Int
    private let admin: AdminClient

    static func with(more: String = "", _ body: (UpgradeSite) async throws -> Void) async throws {
        try await TestServer.with(.echo) { echo in
            let listener = try await TestServer.withDeadPort { $0 }
            let tunnels = """
                  - { name: raw, forward: "127.0.0.1:\(echo.port)", tunnel: { protocol: tcp } }
                  - { name: private, forward: "127.0.0.1:\(echo.port)", tunnel: { publish: false } }
                listeners:
                  - { name: local, listen: "127.0.0.1:\(listener)", dial: private }
                """
            try await Pair.with(tunnels: tunnels, settings: "\(Pair.quick)\n\(more)") { pair in
                let site = UpgradeSite(
                    pair: pair,
                    listener: listener,
                    admin: AdminClient(socket: "\(pair.folder.path)/run/admin.sock", timeouts: .long)
                )
                do {
                    try await site.status { $0.isAsWanted }
                    try await body(site)
                    try await site.end()
                } catch {
                    try? await site.end()
                    throw error
                }
            }
        }
    }

    func upgrade() async throws -> UpgradeReply { try await admin.upgrade().reply }

    func status() async throws -> DaemonStatus { try await admin.call(.status, as: DaemonStatus.self) }

    /// The first status that is as wanted.
    @discardableResult
    func status(until isMet: @escaping @Sendable (DaemonStatus) -> Bool) async throws -> DaemonStatus {
        let admin = admin
        return try await within("a status") {
            while true {
                if let status = try? await admin.call(.status, as: DaemonStatus.self), isMet(status) { return status }
                try await Task.sleep(for: .milliseconds(10))
            }
        }
    }

    /// Streams that have carried something.
    func openStreams(_ count: Int, _ port: Int) async throws -> [TestConnection] {
        var streams: [TestConnection] = []
        for _ in 0..<count {
            let stream = try await TestConnection.connect(toPort: port)
            try await stream.send("begin")
            streams.append(stream)
        }
        for stream in streams { _ = try await stream.receive(asLongAs: "begin") }
        return streams
    }

    /// Ends the daemon, if it is another process than the one that the test started.
    private func end() async throws {
        guard let status = try? await status(), status.daemon.pid != Int(pair.daemon.process.pid) else { return }
        let process = pid_t(status.daemon.pid)
        kill(process, SIGTERM)
        kill(process, SIGTERM)
        try await within("the end of process \(process)") {
            while kill(process, 0) == 0 { try await Task.sleep(for: .milliseconds(10)) }
        }
    }
}

/// UpgradeVisitors of a port, one after another, and how long none was served.
final class UpgradeVisitors: Sendable {
    private struct Count: Sendable {
        var served = 0
        var refused = 0
        var longestGap = Duration.zero
        var isOver = false
    }

    private let port: Int
    private let count = Observed(Count())

    init(port: Int) { self.port = port }

    var served: Int { count.value.served }
    var refused: Int { count.value.refused }
    var longestGap: Duration { count.value.longestGap }

    /// Visits until `body` returns.
    func running(_ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 { group.addTask { await self.visit() } }
            try await count.wait(for: "a visitor that is served") { $0.served > 0 }
            do {
                try await body()
                count.change { $0.isOver = true }
            } catch {
                count.change { $0.isOver = true }
                throw error
            }
            try await group.waitForAll()
        }
    }

    private func visit() async {
        var last = ContinuousClock.now
        var wasRefused = false
        while !count.value.isOver {
            let outcome = await Self.visit(port)
            let isServed = outcome == .served
            let now = ContinuousClock.now
            let gap = now - last
            if isServed { last = now }
            count.change { [wasRefused] count in
                if isServed {
                    count.served += 1
                    if wasRefused { count.longestGap = max(count.longestGap, gap) }
                } else if outcome == .refused {
                    count.refused += 1
                }
            }
            wasRefused = !isServed
        }
    }

    enum Outcome: Sendable {
        case served
        /// The connection was refused.
        case refused
        /// It was accepted, and not served.
        case closed
    }

    /// What becomes of a visitor that says something and wants it back.
    static func visit(_ port: Int) async -> Outcome {
        guard let visitor = try? await TestConnection.connect(toPort: port) else { return .refused }
        defer { visitor.channel.close(promise: nil) }
        guard (try? await visitor.send("hello")) != nil else { return .closed }
        return (try? await visitor.receive(asLongAs: "hello")) == "hello" ? .served : .closed
    }
}

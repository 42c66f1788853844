// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamAdmin
import RstreamModel
import RstreamTestSupport
import Testing

extension Integration {
    /// Every way in which something of the daemon can end, again and again.
    @Suite struct EndingTests {
        /// One way, and how often it is gone.
        struct Kind: Sendable, CustomTestStringConvertible {
            let name: String
            let count: Int
            let once: @Sendable (Stage, Int) async throws -> Void

            init(
                _ name: String,
                _ count: Int = Binaries.areRelease ? 200 : 60,
                _ once: @escaping @Sendable (Stage, Int) async throws -> Void
            ) {
                (self.name, self.count, self.once) = (name, count, once)
            }

            var testDescription: String { name }
        }

        /// Memory that a kind may leave: what the allocator keeps, events, the last reloads.
        static let slack = 16 * 1_024 * 1_024
        /// What is done before the first measurement: what comes once is no leak.
        static let warmUp = 5

        static let kinds: [Kind] = [
            Kind("streams that complete") { stage, number in
                try await Visitor.exchange(Exchange(seed: UInt64(number), upload: 100, download: 100), port: stage.raw)
            },
            Kind("streams that the visitor resets") { stage, _ in
                let visitor = try await TestConnection.connect(toPort: stage.echoing)
                try await visitor.send("x")
                await visitor.reset()
            },
            Kind("streams that the service resets") { stage, _ in try await Stage.visit(stage.resetting) },
            Kind("streams whose service is not there") { stage, _ in try await Stage.visit(stage.missing) },
            Kind("streams that a limit refuses") { stage, _ in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<4 { group.addTask { try await Stage.visit(stage.limited) } }
                    try await group.waitForAll()
                }
            },
            Kind("streams that an operator cuts") { stage, _ in
                let visitor = try await TestConnection.connect(toPort: stage.echoing)
                try await visitor.send("x")
                try await visitor.state.wait(for: "the echo") { $0.received.readableBytes > 0 }
                let streams = try await stage.admin.call(.streams(tunnel: "echoing"), as: [StreamStatus].self)
                for stream in streams { _ = try? await stage.admin.call(.cutStream(stream.id)) }
                try await visitor.state.wait(for: "the cut") { $0.isOver }
                await visitor.close()
            },
            Kind("dials of a tunnel") { stage, number in
                try await Visitor.exchange(
                    Exchange(seed: UInt64(number), upload: 100, download: 100),
                    port: stage.listener
                )
            },
            Kind("dials of nobody") { stage, _ in try await Stage.visit(stage.nobody) },
            Kind("calls that are answered") { stage, _ in _ = try await stage.admin.call(.status) },
            Kind("calls that are given up") { stage, _ in
                let admin = stage.admin
                let call = Task { _ = try? await admin.call(.metrics) }
                call.cancel()
                await call.value
            },
            Kind("readers of events that leave") { stage, _ in
                let reader = try await stage.client("GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
                try await reader.state.wait(for: "the answer") { $0.received.readableBytes > 0 }
                await reader.close()
            },
            Kind("clients that are refused") { stage, number in
                let words = [
                    "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", "\u{1}\u{2}\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
                ]
                let client = try await stage.client(words[number % words.count])
                try await client.state.wait(for: "the refusal") { $0.received.readableBytes > 0 || $0.isOver }
                await client.close()
            },
            Kind("clients that say half") { stage, number in
                let client = try await stage.client("GET /v1/status HTTP/1.1\r\nHo")
                if number.isMultiple(of: 2) { await client.reset() } else { await client.close() }
            },
            Kind("clients that are too many", 10) { stage, _ in
                var clients: [TestConnection] = []
                for _ in 0..<80 { clients.append(try await stage.client("GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")) }
                for client in clients { await client.close() }
            },
            Kind("sessions that are lost") { stage, _ in
                let mark = stage.pair.daemon.mark
                try await stage.pair.engine.dropControlChannels()
                try await stage.pair.daemon.logged("session restored", from: mark)
                try await stage.ready()
            },
            Kind("sessions that connect anew") { stage, _ in
                let mark = stage.pair.daemon.mark
                _ = try await stage.admin.call(.reconnect(context: "main"))
                try await stage.pair.daemon.logged("engine connected", from: mark)
                try await stage.ready()
            },
            Kind("tunnels that are disabled or drained") { stage, number in
                let change: Route.TunnelChange = number.isMultiple(of: 2) ? .disable : .drain
                _ = try await stage.admin.call(.changeTunnel("spare", change))
                _ = try await stage.admin.call(.changeTunnel("spare", .enable))
                try await stage.ready()
            },
            Kind("tunnels that are replaced") { stage, number in
                try await stage.reload(spare: "labels: { round: '\(number)' }")
                try await stage.ready()
            },
            Kind("sessions that are rejected") { stage, number in
                let mark = stage.pair.daemon.mark
                try await stage.reload(context: "token: wrong-\(number)", of: stage.pair.engine.port)
                try await stage.pair.daemon.logged("session down, retrying", from: mark)
                try await stage.reload()
            },
            Kind("sessions whose TLS fails") { stage, number in
                let mark = stage.pair.daemon.mark
                // Speaks no TLS, and resets.
                try await stage.reload(context: "token: t-\(number)", of: stage.resetter)
                try await stage.pair.daemon.logged("session down, retrying", from: mark)
                try await stage.reload()
            },
            Kind("sessions that are given up while they connect") { stage, number in
                try await stage.reload(context: "token: t-\(number)", of: stage.silent)
                try await stage.reload()
            },
            Kind("listeners that go") { stage, _ in
                let mark = stage.pair.daemon.mark
                try await stage.reload(listener: "127.0.0.1:0")
                try await stage.pair.daemon.logged("listening", from: mark)
                try await stage.reload()
            },
            Kind("listeners that cannot listen") { stage, _ in
                let mark = stage.pair.daemon.mark
                try await stage.reload(listener: "127.0.0.1:\(stage.pair.engine.port)")
                try await stage.pair.daemon.logged("listen failed, retrying", from: mark)
                try await stage.reload()
            },
            Kind("listeners that go while they bind") { stage, _ in
                try await stage.reload(listener: "127.0.0.1:0")
                try await stage.reload()
            },
            Kind("watches of the configuration") { stage, _ in
                try await stage.reload(more: "watch: true")
                try await stage.reload()
            },
            Kind("credentials that change") { stage, number in
                try await stage.changeCredential(number)
                try await stage.ready()
            },
        ]

        @Test("whatever ends, it leaves no descriptor, no stream, no session and no memory", .timeLimit(.minutes(10)))
        func endings() async throws {
            try await Stage.with { stage in
                let pid = stage.pair.daemon.process.pid
                for kind in Self.kinds {
                    for number in 0..<min(Self.warmUp, kind.count) { try await kind.once(stage, number) }
                    try await stage.settle()
                    let descriptors = ProcessFacts.descriptors(of: pid)
                    let threads = ProcessFacts.threads(of: pid)
                    let memory = ProcessFacts.anonymousBytes(of: pid)
                    for number in 0..<kind.count { try await kind.once(stage, Self.warmUp + number) }
                    try await stage.settle()
                    let left = try await ProcessFacts.settled(at: descriptors) { ProcessFacts.descriptors(of: pid) }
                    let kept = try await ProcessFacts.settled(at: memory + Self.slack) {
                        ProcessFacts.anonymousBytes(of: pid)
                    }
                    print(
                        "endings: \(kind.count) \(kind.name): descriptors \(descriptors) before, \(left) after; "
                            + "anonymous memory \(memory >> 10) KiB before, \(kept >> 10) KiB after"
                    )
                    #expect(left <= descriptors, "\(kind.name)")
                    #expect(kept <= memory + Self.slack, "\(kind.name)")
                    // Threads of pools come once, and no task has one of its own.
                    #expect(ProcessFacts.threads(of: pid) <= threads + 8, "\(kind.name)")
                }
                let status = try await stage.admin.call(.status, as: DaemonStatus.self)
                #expect(status.sessions.count == 1)
                #expect(status.streams.active == 0)
            }
        }
    }
}

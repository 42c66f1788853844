// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import NIOCore
import RstreamTestSupport
import Testing

extension Integration {
    /// A daemon that may open few descriptors, and is asked for more from all sides at once.
    @Suite struct DescriptorTests {
        private static let tunnels = 150
        private static let visitors = 400
        private static let scrapers = 70
        /// How long it goes on at each limit; `$RSTREAM_DESCRIPTOR_SECONDS` for longer, and a minute is what was promised.
        private static let seconds = Binaries.environment("RSTREAM_DESCRIPTOR_SECONDS").flatMap { Int64($0) }

        /// Swift's own pool ends a process that cannot open a file (see TaskThreads), and no file can be read and no
        /// connection taken without a descriptor either.
        @Test(
            "at its limit of descriptors nothing ends, and one line says that streams are refused",
            arguments: [128, 256, 1_024]
        )
        func limit(of descriptors: Int) async throws {
            let usual: Int64 = descriptors == 256 && Binaries.areRelease ? 60 : 10
            let duration = Duration.seconds(Self.seconds ?? usual)
            try await Upstream.exchanging { upstream in
                try await Pair.withFolder { folder in
                    try await Pair.withEngine(in: folder) { engine in
                        let daemon = try await ProcessDaemon.start(
                            in: folder,
                            configuration: Pair.configuration(
                                port: engine.port,
                                caFile: engine.caFile,
                                tunnels: Self.tunnels(upstream),
                                settings: Pair.quick
                                    + "\nlimits: { pendingStreams: 1000 }\nmetrics: { listen: 127.0.0.1:0 }"
                            ),
                            descriptors: descriptors
                        )
                        let pair = Pair(folder: folder, engine: engine, daemon: daemon)
                        do {
                            let opened = try await daemon.logged("metrics port open")
                            let metrics = opened.facts["address"]?.split(separator: ":").last.flatMap { Int($0) }
                            try await Self.press(pair, metrics: try #require(metrics), for: duration)
                            #expect(daemon.process.isRunning)
                            // The crowd is gone: there is room again.
                            let port = try await pair.rawPort()
                            try await engine.wait { $0.relays == 0 }
                            #expect(await Visitor.isServed(port: port))
                            #expect(try await daemon.process.terminate() == .status(0))
                        } catch {
                            print(daemon.process.errors.all.suffix(10).joined(separator: "\n"))
                            await daemon.process.kill()
                            throw error
                        }
                        let complaints = daemon.complaints()
                        let expected =
                            descriptors < 1_024
                            ? ["low file descriptor limit", "streams refused"] : ["streams refused"]
                        #expect(complaints.map(\.message) == expected, "\(complaints)")
                    }
                }
            }
        }

        private static func tunnels(_ upstream: Upstream) -> String {
            let more = (1..<tunnels).map {
                "  - { name: t\($0), forward: \"\(upstream.forward)\", tunnel: { publish: false } }"
            }
            return ([Pair.raw(upstream)] + more).joined(separator: "\n")
        }

        /// Visitors that stay, clients of both HTTP listeners and reloads, all at once.
        private static func press(_ pair: Pair, metrics: Int, for duration: Duration) async throws {
            let port = try await pair.rawPort()
            let end = ContinuousClock.now.advanced(by: duration)
            let reloads = Observed(0)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<visitors { group.addTask { await visit(port, until: end) } }
                for _ in 0..<scrapers { group.addTask { await scrape(metrics, until: end) } }
                group.addTask {
                    var round = 0
                    while ContinuousClock.now < end, pair.daemon.process.isRunning {
                        round += 1
                        let isKept = round.isMultiple(of: 2)
                        let text = (try? pair.folder.read("rstreamd.yaml")) ?? ""
                        _ = try? pair.folder.replace("rstreamd.yaml", with: text + (isKept ? "# \(round)\n" : ""))
                        if (try? await pair.daemon.reload()) != nil { reloads.change { $0 += 1 } }
                    }
                }
            }
            #expect(reloads.value > 3)
        }

        /// Comes again when it is sent away.
        private static func visit(_ port: Int, until end: ContinuousClock.Instant) async {
            while ContinuousClock.now < end {
                guard let visitor = try? await TestConnection.connect(toPort: port) else { continue }
                try? await visitor.send("held")
                // Those that are served stay as long as it lasts; the others are closed.
                let left = TimeAmount(max(.zero, ContinuousClock.now.duration(to: end)))
                let timer = visitor.channel.eventLoop.scheduleTask(in: left) { visitor.channel.close(promise: nil) }
                try? await visitor.channel.closeFuture.get()
                timer.cancel()
            }
        }

        private static func scrape(_ port: Int, until end: ContinuousClock.Instant) async {
            while ContinuousClock.now < end {
                guard let client = try? await TestConnection.connect(toPort: port) else { continue }
                try? await client.send("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                _ = try? await client.receiveText()
                await client.close()
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOPosix
import RstreamModel
import RstreamTestSupport
import Testing

extension Integration {
    @Suite struct ReloadTests {
        /// A debug build hashes and encrypts too slowly for the full count.
        static let (streams, reloads) = Binaries.areRelease ? (200, 100) : (60, 30)
        static let carriers = 20
        static let bytes = 2 * 1_024 * 1_024

        // MARK: Under load

        @Test(
            "a hundred reloads of other tunnels lose no byte of running streams, and touch neither session nor tunnels"
        )
        func others() async throws {
            try await Upstream.exchanging { upstream in
                let carrying = Self.carrying(upstream)
                try await Pair.with(tunnels: carrying + "\n" + Self.others(0, upstream)) { pair in
                    // What is there in all rounds, and one that changes, one that comes and one that goes in each.
                    try await pair.engine.wait { $0.tunnels == Self.carriers + 2 }
                    let before = try await pair.tunnelIDs()
                    let ports = try await pair.ports("carrier")
                    let time = try await Self.exchanging(over: ports, pair) {
                        for round in 1...Self.reloads {
                            try pair.write(tunnels: carrying + "\n" + Self.others(round, upstream))
                            let reload = try await pair.daemon.reload()
                            #expect(
                                reload.actions == [
                                    "changing": "replace", "other-\(round)": "add", "other-\(round - 1)": "remove",
                                ],
                                "\(reload)"
                            )
                        }
                    }
                    print("\(Self.reloads) reloads of other tunnels under \(Self.streams) streams: \(time.secondsText)")
                    let statistics = try await pair.engine.wait { $0.tunnels == Self.carriers + 2 }
                    #expect(statistics.controlConnectsTotal == 1)
                    let after = try await pair.tunnelIDs()
                    for (name, id) in before where name.hasPrefix("carrier") { #expect(after[name] == id) }
                    #expect(pair.daemon.complaints().isEmpty, "\(pair.daemon.complaints())")
                }
            }
        }

        @Test("reloads that update and replace the carrying tunnels themselves lose no byte of streams that may drain")
        func carriers() async throws {
            try await Upstream.exchanging { upstream in
                let settings = "reload: { changed: drain }\ndrain: { timeout: 10m }"
                try await Pair.with(tunnels: Self.carrying(upstream), settings: settings) { pair in
                    try await pair.engine.wait { $0.tunnels == Self.carriers }
                    let ports = try await pair.ports("carrier")
                    let time = try await Self.exchanging(over: ports, pair) {
                        for round in 1...Self.reloads {
                            // In turns something that only the daemon sees, and something that the engine sees.
                            let isLocal = round.isMultiple(of: 2)
                            let tunnels = Self.carrying(
                                upstream,
                                connectTimeout: round / 2 + 30,
                                label: (round + 1) / 2
                            )
                            try pair.write(tunnels: tunnels, settings: settings)
                            let reload = try await pair.daemon.reload()
                            #expect(reload.outcome == ProcessDaemon.Reload.applied)
                            #expect(reload.actions.count == Self.carriers)
                            #expect(reload.actions.values.allSatisfy { $0 == (isLocal ? "update" : "replace") })
                        }
                    }
                    print(
                        "\(Self.reloads) reloads of carrying tunnels under \(Self.streams) streams: \(time.secondsText)"
                    )
                    // All of them are back where they were.
                    let statistics = try await pair.engine.wait { $0.tunnels == Self.carriers }
                    #expect(statistics.controlConnectsTotal == 1)
                    #expect(Set(try await pair.ports("carrier")) == Set(ports))
                    for port in ports { #expect(await Visitor.isServed(port: port)) }
                    #expect(pair.daemon.complaints().isEmpty, "\(pair.daemon.complaints())")
                }
            }
        }

        private static func carrying(_ upstream: Upstream, connectTimeout: Int = 30, label: Int = 0) -> String {
            (0..<carriers).map { number in
                """
                  - name: carrier-\(number)
                    forward: "\(upstream.forward)"
                    upstream: { connectTimeout: \(connectTimeout)s }
                    tunnel: { protocol: tcp, labels: { round: "\(label)" } }
                """
            }.joined(separator: "\n")
        }

        private static func others(_ round: Int, _ upstream: Upstream) -> String {
            """
              - { name: changing, forward: "\(upstream.forward)", tunnel: { protocol: tcp, labels: { round: "\(round)" } } }
              - { name: other-\(round), forward: "\(upstream.forward)", tunnel: { publish: false } }
            """
        }

        /// Runs a body while streams over all these ports are open, none of which ends before the body has; then all
        /// of them must end well. Returns how long the body took.
        private static func exchanging(
            over ports: [Int],
            _ pair: Pair,
            _ body: () async throws -> Void
        ) async throws -> Duration {
            let mayEnd = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: Void.self)
            let downloaded = Observed(0)
            return try await withThrowingTaskGroup(of: Void.self) { group in
                for seed in 0..<streams {
                    group.addTask {
                        try await Visitor.exchange(
                            Exchange(seed: UInt64(seed), upload: bytes, download: bytes),
                            port: ports[seed % ports.count],
                            within: .minutes(5),
                            mayEnd: mayEnd.futureResult,
                            pause: .milliseconds(50)
                        ) {
                            downloaded.change { $0 += 1 }
                        }
                    }
                }
                let time: Duration
                do {
                    try await pair.engine.wait(within: .seconds(60)) { $0.relays == streams }
                    #expect(downloaded.value < streams, "bytes are on their way when the reloads begin")
                    time = try await ContinuousClock().measure(body)
                    #expect(try await pair.engine.statistics().relays == streams)
                    mayEnd.succeed()
                } catch {
                    mayEnd.fail(error)
                    throw error
                }
                try await group.waitForAll()
                return time
            }
        }

        // MARK: A thousand tunnels

        @Test("of a thousand tunnels in one file, a reload touches the one that changed")
        func thousand() async throws {
            let count = 1_000
            func tunnels(_ changed: Int? = nil) -> String {
                (0..<count).map { number in
                    let label = number == changed ? ", labels: { color: blue }" : ""
                    return "  - { name: t\(number), forward: 127.0.0.1:9, tunnel: { publish: false\(label) } }"
                }.joined(separator: "\n")
            }
            try await Pair.with(tunnels: tunnels()) { pair in
                let clock = ContinuousClock()
                let opening = try await clock.measure {
                    try await pair.engine.wait(within: .seconds(120)) { $0.tunnels == count }
                }
                let check = try await clock.measure {
                    let result = try await ProcessHandle.run(
                        try Binaries.path(of: "rstreamd"),
                        ["--check", "--config", pair.configurationFile],
                        within: .seconds(60)
                    )
                    #expect(result.exit == .status(0), "\(result.errors)")
                }
                let before = try await pair.tunnelIDs()
                try pair.write(tunnels: tunnels(500))
                let reload = try await clock.measure {
                    let reload = try await pair.daemon.reload()
                    #expect(reload.actions == ["t500": "replace"], "\(reload)")
                }
                // The old one is closed when the new one is open.
                let statistics = try await pair.engine.wait { statistics in
                    statistics.tunnels == count && statistics.messages.contains { $0.kind == "CloseTunnelReq" }
                }
                let after = try await pair.tunnelIDs()
                #expect(after.keys == before.keys)
                #expect(after.filter { before[$0.key] != $0.value }.map(\.key) == ["t500"])
                #expect(statistics.controlConnectsTotal == 1)
                #expect(statistics.messages.suffix(2).map(\.kind) == ["OpenTunnelReq", "CloseTunnelReq"])
                print(
                    """
                    1,000 tunnels: open \(opening.secondsText), --check \(check.secondsText), \
                    reload of one \(reload.secondsText)
                    """
                )
            }
        }

        // MARK: Mistakes

        @Test("a broken file, and one that is gone, change nothing and say where; the next good one heals")
        func refused() async throws {
            try await Upstream.exchanging { upstream in
                try await Pair.with(tunnels: Pair.raw(upstream)) { pair in
                    let port = try await pair.rawPort()
                    let before = try await pair.tunnelIDs()
                    let mayEnd = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: Void.self)
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask {
                            let plan = Exchange(seed: 60, upload: 500_000, download: 500_000)
                            try await Visitor.exchange(plan, port: port, mayEnd: mayEnd.futureResult)
                        }
                        do {
                            try await pair.engine.wait { $0.relays == 1 }
                            try await Self.refuseThenHeal(pair, upstream)
                            mayEnd.succeed()
                        } catch {
                            mayEnd.fail(error)
                            throw error
                        }
                        try await group.waitForAll()
                    }
                    #expect(try await pair.tunnelIDs() == before)
                    #expect(await Visitor.isServed(port: port))
                    #expect(try await pair.engine.statistics().controlConnectsTotal == 1)
                }
            }
        }

        private static func refuseThenHeal(_ pair: Pair, _ upstream: Upstream) async throws {
            let (daemon, file) = (pair.daemon, pair.configurationFile)
            let mark = daemon.mark
            try pair.write(tunnels: "  - { name: raw, forward: \"\(upstream.forward)\", tunnel: { protcol: tcp } }")
            let broken = try await daemon.reload()
            #expect(broken.outcome == ProcessDaemon.Reload.refused)
            #expect(broken.line.level == "error")
            let detail = try await daemon.logged("configuration diagnostic", from: mark)
            #expect(detail.facts["file"] == file && detail.level == "error")
            // The line of the only tunnel, and the column of the key.
            let line = try #require(
                try pair.folder.read("rstreamd.yaml").split(separator: "\n", omittingEmptySubsequences: false)
                    .firstIndex { $0.contains("protcol") }
            )
            #expect(detail.facts["line"] == "\(line + 1)")
            #expect(detail.facts["column"].flatMap { Int($0) } ?? 0 > 20)
            #expect(detail.facts["error"] == "unknown key \"protcol\"")

            try pair.folder.remove("rstreamd.yaml")
            let gone = try await daemon.reload()
            #expect(gone.outcome == ProcessDaemon.Reload.refused)
            #expect(gone.line.facts["error"]?.contains(file) == true, "\(gone)")

            try pair.write(tunnels: Pair.raw(upstream))
            #expect(try await daemon.reload().outcome == ProcessDaemon.Reload.unchanged)
        }

        @Test("SIGHUP ten times in a row is as good as once")
        func tenInARow() async throws {
            try await Upstream.exchanging { upstream in
                try await Pair.with(tunnels: Pair.raw(upstream)) { pair in
                    let port = try await pair.rawPort()
                    let more = "\n  - { name: more, forward: \"\(upstream.forward)\", tunnel: { publish: false } }"
                    try pair.write(tunnels: Pair.raw(upstream) + more)
                    for _ in 0..<9 { pair.daemon.process.send(signal: SIGHUP) }
                    let first = try await pair.daemon.reload()
                    try await pair.engine.wait { $0.tunnels == 2 }
                    // One that comes after all of them finds nothing left to do.
                    let last = try await pair.daemon.reload()
                    #expect([ProcessDaemon.Reload.applied, ProcessDaemon.Reload.unchanged].contains(first.outcome))
                    #expect(last.outcome == ProcessDaemon.Reload.unchanged)
                    let applied = pair.daemon.log.filter { $0.message == ProcessDaemon.Reload.applied }
                    #expect(applied.count == 1)
                    #expect(await Visitor.isServed(port: port))
                    #expect(try await pair.engine.statistics().controlConnectsTotal == 1)
                    #expect(pair.daemon.complaints().isEmpty, "\(pair.daemon.complaints())")
                }
            }
        }
    }
}

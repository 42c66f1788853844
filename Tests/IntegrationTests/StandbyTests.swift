// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOPosix
import RstreamAdmin
import RstreamTestSupport
import Testing

extension Integration {
    /// The same tunnel in two daemons, as on two hosts.
    @Suite struct StandbyTests {
        /// Two daemons at one engine: the first serves at a fixed port, and the second is on standby for it.
        private struct Hosts {
            let first: ProcessDaemon
            let second: ProcessDaemon
            let folders: (first: ProcessFolder, second: ProcessFolder)
            let port: Int

            /// The defaults of `reconnect`, so that what is printed is what an operator gets.
            private static let settings = "drain: { timeout: 60s }"

            static func with(_ body: (Hosts) async throws -> Void) async throws {
                try await Upstream.exchanging { upstream in
                    try await Pair.with(tunnels: Pair.raw(upstream), settings: settings) { pair in
                        // A port that the engine has chosen is free once its tunnel is gone.
                        let port = try await pair.rawPort()
                        try pair.write(tunnels: "  []", settings: settings)
                        try await pair.daemon.reload()
                        try await pair.engine.wait { $0.tunnels == 0 }
                        let spec = "tunnel: { protocol: tcp, port: \(port) }"
                        let tunnels = "  - { name: raw, forward: \"\(upstream.forward)\", \(spec) }"
                        let mark = pair.daemon.mark
                        try pair.write(tunnels: tunnels, settings: settings)
                        try await pair.daemon.reload()
                        try await pair.daemon.logged("tunnel online", from: mark)
                        try await Pair.withFolder { folder in
                            let text = pair.text(tunnels: tunnels, settings: settings)
                            try await Pair.withDaemon(in: folder, configuration: text) { second in
                                try await second.logged("tunnel on standby") { $0.level == "notice" }
                                let hosts = Hosts(
                                    first: pair.daemon,
                                    second: second,
                                    folders: (pair.folder, folder),
                                    port: port
                                )
                                try await body(hosts)
                            }
                        }
                    }
                }
            }

            @discardableResult
            static func control(
                _ folder: ProcessFolder,
                _ arguments: String...
            ) async throws -> (exit: ProcessHandle.Exit, output: [String], errors: [String]) {
                let socket = ["--socket", folder.path + "/run/admin.sock"]
                return try await ProcessHandle.run(try Binaries.path(of: "rstreamctl"), socket + arguments)
            }
        }

        /// Visitors that come one after another, until they are told to stop.
        private final class Visitors: Sendable {
            struct Visit: Sendable {
                let begin: ContinuousClock.Instant
                let end: ContinuousClock.Instant
            }

            let served = Observed<[Visit]>([])
            private let isOver = Observed(false)

            func come(to port: Int) async {
                while !isOver.value {
                    let begin = ContinuousClock.now
                    if await Visitor.isServed(port: port) {
                        served.change { $0.append(Visit(begin: begin, end: .now)) }
                    } else {
                        // Otherwise they would keep the machine busy while there is nothing to be had.
                        try? await Task.sleep(for: .milliseconds(5))
                    }
                }
            }

            func stop() { isOver.change { $0 = true } }

            /// The first visit that began after `time` and was served.
            func first(after time: ContinuousClock.Instant) async throws -> Visit {
                let visits = try await served.wait(for: "a visitor who is served") { visits in
                    visits.contains { $0.begin > time }
                }
                return try #require(visits.first { $0.begin > time })
            }
        }

        @Test("the second one is ready, and takes over within seconds when the first one is killed under load")
        func killed() async throws {
            try await Hosts.with { hosts in
                let folder = hosts.folders.second
                #expect(try await Hosts.control(folder, "status").exit == .status(0))
                let named = try await Hosts.control(folder, "wait", "--tunnel", "raw", "--timeout", "1ms")
                #expect(named.exit == .status(3))
                let metrics = try await Hosts.control(folder, "metrics").output
                #expect(metrics.contains(#"rstreamd_tunnel_standby{tunnel="raw"} 1"#))
                #expect(metrics.contains(#"rstreamd_tunnel_online{tunnel="raw"} 0"#))
                let visitors = Visitors()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<8 { group.addTask { await visitors.come(to: hosts.port) } }
                    defer { visitors.stop() }
                    try await visitors.served.wait(for: "traffic") { $0.count > 50 }
                    await hosts.first.process.kill()
                    let gone = ContinuousClock.now
                    let visit = try await visitors.first(after: gone)
                    let took = (visit.end - gone).components
                    let milliseconds = took.seconds * 1_000 + took.attoseconds / 1_000_000_000_000_000
                    print("kill -9 under 8 visitors: the second host serves after \(milliseconds) ms")
                }
                try await hosts.second.logged("tunnel took over") { $0.level == "notice" }
                let told = hosts.second.log.map(\.message)
                #expect(told.count { $0 == "tunnel on standby" } == 1, "\(told)")
                #expect(told.count { $0 == "tunnel took over" } == 1, "\(told)")
                #expect(hosts.second.complaints().isEmpty, "\(hosts.second.complaints())")
                #expect(try await Hosts.control(folder, "wait", "--tunnel", "raw").exit == .status(0))
            }
        }

        @Test("a drain moves it to the second one and back, no stream is lost, and a reload does not end it")
        func moved() async throws {
            try await Hosts.with { hosts in
                let (first, second) = hosts.folders
                for (from, to, log) in [(first, second, hosts.second), (second, first, hosts.first)] {
                    let mark = log.mark
                    try await Self.withStream(hosts.port) {
                        let drained = try await Hosts.control(from, "drain", "--all", "--until-enabled")
                        #expect(drained.exit == .status(0), "\(drained.errors)")
                        let said = drained.output.joined(separator: "\n")
                        #expect(said.contains("tunnel raw: draining, until it is enabled"), "\(said)")
                        #expect(said.contains("1 stream may end"), "\(said)")
                        try await log.logged("tunnel took over", from: mark)
                        #expect(await Visitor.isServed(port: hosts.port))
                    }
                    #expect(try await Hosts.control(from, "reload").exit == .status(0))
                    let state = try await Hosts.control(from, "tunnels", "raw").output.joined(separator: "\n")
                    #expect(state.contains("closed by an operator, until it is enabled"), "\(state)")
                    let enabled = try await Hosts.control(from, "enable", "--all")
                    #expect(enabled.output.first == "tunnel raw: enabled", "\(enabled)")
                    _ = try await Hosts.control(to, "wait", "--tunnel", "raw")
                    try await Self.waitForStandby(from)
                }
            }
        }

        /// Runs a body with a stream that is open all the time, and then ends in order.
        private static func withStream(_ port: Int, _ body: @escaping () async throws -> Void) async throws {
            let mayEnd = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: Void.self)
            let isOpen = Observed(false)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let plan = Exchange(seed: 11, upload: 200_000, download: 200_000)
                    try await Visitor.exchange(plan, port: port, mayEnd: mayEnd.futureResult) {
                        isOpen.change { $0 = true }
                    }
                }
                do {
                    try await isOpen.wait(for: "the stream") { $0 }
                    try await body()
                    mayEnd.succeed()
                } catch {
                    mayEnd.fail(error)
                    throw error
                }
                try await group.waitForAll()
            }
        }

        private static func waitForStandby(_ folder: ProcessFolder) async throws {
            try await within("the standby") {
                while true {
                    let answer = try await Hosts.control(folder, "-o", "json", "tunnels", "raw").output.joined()
                    let tunnel = try AdminJSON.decode(TunnelStatus.self, from: answer.utf8)
                    if tunnel.state == .standby { return }
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
        }
    }
}

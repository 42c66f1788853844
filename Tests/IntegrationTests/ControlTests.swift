// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOPosix
import RstreamTestSupport
import Testing

extension Integration {
    /// `rstreamctl` and the daemon that it was made for.
    @Suite struct ControlTests {
        private static func control(
            _ pair: Pair,
            _ arguments: String...
        ) async throws -> (exit: ProcessHandle.Exit, output: [String], errors: [String]) {
            let socket = pair.folder.path + "/run/admin.sock"
            return try await ProcessHandle.run(try Binaries.path(of: "rstreamctl"), ["--socket", socket] + arguments)
        }

        @Test("an operator sees the daemon, its tunnel and its stream, and kills just that")
        func day() async throws {
            try await Upstream.exchanging { upstream in
                try await Pair.with(tunnels: Pair.raw(upstream)) { pair in
                    let wait = try await Self.control(pair, "wait", "--tunnel", "raw")
                    #expect(wait.exit == .status(0), "\(wait.errors)")
                    let port = try await pair.rawPort()
                    let status = try await Self.control(pair, "status")
                    #expect(status.exit == .status(0), "\(status.errors)")
                    #expect(status.output.contains { $0.hasPrefix("raw ") && $0.contains(" online ") })
                    for arguments in [["tunnels"], ["tunnels", "raw"], ["metrics"], ["config"], ["log-level"]] {
                        let result = try await ProcessHandle.run(
                            try Binaries.path(of: "rstreamctl"),
                            ["--socket", pair.folder.path + "/run/admin.sock"] + arguments
                        )
                        #expect(result.exit == .status(0), "\(arguments) \(result.errors)")
                        #expect(!result.output.isEmpty && result.errors.isEmpty, "\(arguments) \(result.errors)")
                        #expect(!result.output.joined().contains(ProcessEngine.token))
                    }

                    let never = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: Void.self)
                    defer { never.succeed() }
                    await withTaskGroup(of: Bool.self) { group in
                        group.addTask {
                            let plan = Exchange(seed: 60, upload: 500_000, download: 500_000)
                            return (try? await Visitor.exchange(plan, port: port, mayEnd: never.futureResult)) != nil
                        }
                        do {
                            try await pair.engine.wait { $0.relays == 1 }
                            let streams = try await Self.control(pair, "streams", "--tunnel", "raw")
                            #expect(streams.output.count == 2, "\(streams.output)")
                            let id = try #require(streams.output.last?.split(separator: " ").first.map(String.init))
                            let kill = try await Self.control(pair, "kill", id)
                            #expect(kill.exit == .status(0), "\(kill.errors)")
                            #expect(await group.next() == false, "the visitor was cut")
                            let again = try await Self.control(pair, "kill", id)
                            #expect(again.exit == .status(1), "it is gone")
                        } catch {
                            Issue.record(error)
                            never.succeed()
                        }
                    }
                    let events = try await Self.control(pair, "events", "--tunnel", "raw")
                    #expect(events.exit == .status(0))
                    for type in ["tunnel.online", "stream.opened"] {
                        #expect(events.output.contains { $0.contains(type) }, "\(events.output)")
                    }
                }
            }
        }

        @Test("what is changed is seen: disabled, enabled, reloaded, reconnected")
        func changes() async throws {
            try await Upstream.exchanging { upstream in
                try await Pair.with(tunnels: Pair.raw(upstream)) { pair in
                    #expect(try await Self.control(pair, "wait").exit == .status(0))
                    #expect(try await Self.control(pair, "disable", "raw").exit == .status(0))
                    try await pair.engine.wait { $0.tunnels == 0 }
                    let disabled = try await Self.control(pair, "tunnels")
                    #expect(disabled.output.contains { $0.hasPrefix("raw  ") && $0.contains("disabled") })
                    #expect(try await Self.control(pair, "enable", "raw").exit == .status(0))
                    #expect(try await Self.control(pair, "wait", "--tunnel", "raw").exit == .status(0))
                    try await pair.engine.wait { $0.tunnels == 1 }

                    let unchanged = try await Self.control(pair, "reload")
                    #expect(unchanged.exit == .status(0) && unchanged.output == ["nothing to change"], "\(unchanged)")
                    try pair.write(tunnels: "  - { name: raw, forwrd: x, tunnel: { protcol: tcp } }")
                    let refused = try await Self.control(pair, "reload", "--dry-run")
                    #expect(refused.exit == .status(1))
                    #expect(refused.errors.contains { $0.contains("did you mean \"protocol\"?") }, "\(refused.errors)")
                    try pair.write(tunnels: Pair.raw(upstream).replacing("raw", with: "other"))
                    let dry = try await Self.control(pair, "reload", "--dry-run")
                    #expect(dry.exit == .status(0))
                    let applied = try await Self.control(pair, "reload")
                    #expect(applied.output.first == "applied")
                    #expect(applied.output.dropFirst() == dry.output.dropFirst(), "as it was foretold")
                    #expect(applied.output.contains { $0.hasPrefix("add ") && $0.contains("tunnel other") })
                    #expect(try await Self.control(pair, "wait", "--tunnel", "other").exit == .status(0))
                    #expect(try await Self.control(pair, "reconnect").exit == .status(0))
                    #expect(try await Self.control(pair, "wait").exit == .status(0))
                }
            }
        }
    }
}

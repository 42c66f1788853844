// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import RstreamTestSupport
import Testing

extension Integration {
    /// Streams of the daemon's own through the engine and back, with the real programs.
    @Suite struct CanaryTests {
        private static func metric(_ name: String, of admin: AdminClient) async throws -> String? {
            let text = String(decoding: try await admin.call(.metrics), as: UTF8.self)
            return text.split(separator: "\n").first { $0.hasPrefix("\(name) ") }.map(String.init)
        }

        private static func control(_ pair: Pair, _ arguments: String...) async throws -> [String] {
            let socket = ["--socket", pair.folder.path + "/run/admin.sock"]
            return try await ProcessHandle.run(try Binaries.path(of: "rstreamctl"), socket + arguments).output
        }

        @Test("at an interval they come back; an engine that relays nothing is a warning and a metric, until one does")
        func interval() async throws {
            try await Upstream.exchanging { upstream in
                let settings = Pair.quick + "\ncanary: { interval: 5s }"
                try await Pair.with(tunnels: Pair.raw(upstream), settings: settings) { pair in
                    let admin = AdminClient(socket: "\(pair.folder.path)/run/admin.sock", timeouts: .long)
                    let failing = "rstreamd_canary_failing{context=\"main\"}"
                    let served = try await pair.engine.wait { $0.relaysTotal > 0 }
                    #expect(served.tunnels == 2)
                    #expect(try await Self.metric(failing, of: admin) == "\(failing) 0")

                    let mark = pair.daemon.mark
                    try await pair.engine.setFaults(["proxy-reset"])
                    try await pair.daemon.logged("canary fails, streams may not arrive", from: mark) {
                        $0.level == "warning" && $0.facts["reason"] == "unavailable"
                    }
                    #expect(try await Self.metric(failing, of: admin) == "\(failing) 1")
                    let status = try await Self.control(pair, "status")
                    #expect(status.contains { $0.contains("the canary did not come back") }, "\(status)")
                    #expect(status.contains { $0.contains("fix: visitors may not be served either") }, "\(status)")

                    try await pair.engine.setFaults([])
                    try await pair.daemon.logged("canary passes again", from: mark) { $0.level == "notice" }
                    #expect(try await Self.metric(failing, of: admin) == "\(failing) 0")
                    #expect(!(try await Self.control(pair, "status")).contains { $0.contains("did not come back") })
                    let session = try await admin.call(.sessions, as: [SessionStatus].self).first
                    #expect(session?.canary?.state == .passing && session?.state == .online)
                    #expect(try await pair.engine.statistics().controlConnectsTotal == 1)
                }
            }
        }

        @Test("doctor --deep sends one, also without the key, and says that an engine does not permit it")
        func doctor() async throws {
            try await Upstream.exchanging { upstream in
                try await Pair.with(tunnels: Pair.raw(upstream)) { pair in
                    _ = try await pair.rawPort()
                    let file = ["--config", pair.folder.path + "/rstreamd.yaml"]
                    let good = try await Self.control(pair, "doctor", "--deep", file[0], file[1])
                    let passed = good.first { $0.hasPrefix("canary ") }
                    let found = "ok    raw: a stream went through the engine and came back"
                    #expect(passed?.contains(found) == true, "\(good)")
                    try await pair.engine.wait { $0.tunnels == 1 }
                    try await pair.engine.setFaults(["stream-error=1000:Not for you."])
                    let bad = try await Self.control(pair, "doctor", "--deep", "--tunnel", "raw", file[0], file[1])
                    #expect(bad.contains { $0.hasPrefix("canary ") && $0.contains("Not for you.") }, "\(bad)")
                    #expect(bad.contains { $0.contains("or remove canary from rstreamd.yaml") }, "\(bad)")
                }
            }
        }
    }
}

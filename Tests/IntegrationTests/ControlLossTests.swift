// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import NIOPosix
import RstreamTestSupport
import Testing

extension Integration {
    @Suite struct ControlLossTests {
        @Test("the loss of the control channel breaks no running stream, and the tunnels return as they were")
        func loss() async throws {
            let (streams, bytes) = (50, 4 * 1_024 * 1_024)
            try await Upstream.exchanging { upstream in
                let tunnels = """
                    \(Pair.raw(upstream))
                      - { name: web, forward: "\(upstream.forward)", tunnel: { publish: true, protocol: http } }
                    """
                // The defaults of reconnect: the first attempt, which is made soon, has to do.
                try await Pair.with(tunnels: tunnels, settings: "", logLevel: "debug") { pair in
                    let port = try await pair.rawPort()
                    let hostname = try await pair.engine.tunnel("web").hostname
                    // No stream half-closes before the tunnels are back, so all of them live through it.
                    let mayEnd = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: Void.self)
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for seed in 0..<streams {
                            group.addTask {
                                let plan = Exchange(seed: UInt64(seed), upload: bytes, download: bytes)
                                try await Visitor.exchange(
                                    plan,
                                    port: port,
                                    mayEnd: mayEnd.futureResult,
                                    pause: .milliseconds(20)
                                )
                            }
                        }
                        do {
                            try await pair.engine.wait { $0.relays == streams }
                            let mark = pair.daemon.mark
                            let back = try await Self.loseControlChannel(pair)
                            let running = try await pair.engine.statistics().relays
                            print(
                                "control channel killed under \(streams) streams: tunnels back after \(Int(back * 1_000)) ms"
                            )
                            #expect(running == streams)
                            #expect(pair.daemon.count(of: .connect, from: mark) == 1)
                            mayEnd.succeed()
                        } catch {
                            mayEnd.fail(error)
                            throw error
                        }
                        try await group.waitForAll()
                    }
                    #expect(try await pair.rawPort() == port)
                    #expect(try await pair.engine.tunnel("web").hostname == hostname)
                    #expect(await Visitor.isServed(port: port))
                    #expect(pair.daemon.complaints().count == 1, "\(pair.daemon.complaints())")
                }
            }
        }

        /// Kills it, and returns how many seconds the daemon says it took until both tunnels were open again.
        private static func loseControlChannel(_ pair: Pair) async throws -> Double {
            let mark = pair.daemon.mark
            try await pair.engine.dropControlChannels()
            let lost = try await pair.daemon.logged("session down, retrying", from: mark)
            var back = 0.0
            for name in ["raw", "web"] {
                let line = try await pair.daemon.logged("tunnel online", from: mark) { $0.facts["tunnel"] == name }
                back = max(back, line.seconds(since: lost))
            }
            return back
        }
    }
}

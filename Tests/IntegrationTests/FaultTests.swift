// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamTestSupport
import Testing

extension Integration {
    /// Every misbehaviour that the development engine knows, one by one.
    @Suite struct FaultTests {
        /// What a misbehaviour must look like from outside.
        enum Effect: Sendable {
            /// Streams are served all the same, and nothing is complained about.
            case harmless
            /// No session while it lasts: one warning, and one line when it is over.
            case session(says: String)
            /// The session goes on, the tunnel does not: one warning, and a line when it is back.
            case tunnel(says: String)
            /// Visitors are sent away, which is no matter for the log of a day.
            case streams
        }

        struct Case: Sendable, CustomTestStringConvertible {
            let faults: [String]
            let effect: Effect
            let engine: [String]

            init(_ faults: String..., effect: Effect, engine: [String] = []) {
                self.faults = faults
                self.effect = effect
                self.engine = engine
            }

            /// Whether the next attempts fail as well, until the engine is told otherwise. An engine that falls silent
            /// serves for a while first, and each time is an outage of its own.
            var fails: Bool {
                !faults.contains { $0.contains("*") } && !engine.contains("--liveness-timeout")
            }

            var testDescription: String { (faults + engine).joined(separator: " ") }
        }

        static let outage = "session down, retrying"
        static let unopened = "tunnel down, retrying"

        static let cases: [Case] = [
            Case(effect: .harmless),
            Case(effect: .harmless, engine: ["--legacy"]),
            // Opening a control channel.
            Case("not-tls", effect: .session(says: "TLS")),
            // No client checks what was selected (PROTOCOL.md §1).
            Case("alpn-none", effect: .harmless),
            Case("open-error=6000:Maintenance.", effect: .session(says: "Maintenance.")),
            Case("open-error=1000:Go away.", effect: .session(says: "Go away.")),
            Case("open-error=2030:Too old.", effect: .session(says: "Too old.")),
            Case("open-error=4711:What?", effect: .session(says: "4711")),
            Case("open-empty", effect: .session(says: "OpenControlChannelRsp")),
            Case("open-wrong-message", effect: .session(says: "OpenControlChannelRsp")),
            Case("close-on-open", effect: .session(says: "closed")),
            Case("liveness-interval=4999", effect: .session(says: "4999")),
            Case("liveness-timeout=10", effect: .session(says: "10")),
            Case("liveness-timeout=900001", effect: .session(says: "900001")),
            Case("liveness-missing", effect: .harmless),
            // Heartbeats.
            Case("ack-delay=100", effect: .harmless),
            Case("ack-skip=2", effect: .harmless),
            Case("ack-zero*1", effect: .session(says: "acknowledge")),
            Case("ack-future*1", effect: .session(says: "acknowledge")),
            Case("ack-replay*1", effect: .session(says: "acknowledge")),
            Case("ack-sequence*1", effect: .session(says: "sequence")),
            Case("legacy-heartbeat", effect: .harmless, engine: ["--legacy"]),
            // Frames.
            Case("oversized-frame", effect: .session(says: "65536")),
            Case("garbage-frame", effect: .session(says: "frame")),
            Case("unknown-kind", effect: .harmless),
            Case("empty-frame", effect: .harmless),
            Case("server-message", effect: .harmless),
            Case("unexpected-kind", effect: .harmless),
            // Tunnels.
            Case("tunnel-error=6000:Not now.", effect: .tunnel(says: "Not now.")),
            Case("tunnel-error=5000:Not in your plan.", effect: .tunnel(says: "Not in your plan.")),
            Case("tunnel-error=8000:Taken.", effect: .tunnel(says: "Taken.")),
            Case("tunnel-empty", effect: .tunnel(says: "an empty answer")),
            Case("tunnel-no-id", effect: .tunnel(says: "id")),
            Case("tunnel-duplicate-id", effect: .tunnel(says: "id")),
            Case("tunnel-long-texts", effect: .tunnel(says: "name is longer than 255 bytes")),
            Case("tunnel-unknown-request", effect: .harmless),
            Case("tunnel-late=300", effect: .harmless),
            Case("tunnel-answer-twice", effect: .harmless),
            Case("tunnel-close-silence", effect: .harmless),
            Case("close-tunnel=100*1", effect: .tunnel(says: "ended")),
            Case("close-channel-response=100*1", effect: .session(says: "closed")),
            Case("drop-control=100*1", effect: .session(says: "closed")),
            // Streams.
            Case("redirect", effect: .harmless),
            Case("redirect-no-secret", effect: .streams),
            Case("redirect-malformed", effect: .streams),
            Case("no-secret", effect: .harmless),
            Case("empty-stream-id*1", effect: .session(says: "stream")),
            Case("marks-stream-id*1", effect: .session(says: "stream_id is longer than 128 bytes")),
            Case("unknown-tunnel-id", effect: .streams),
            Case("duplicate-stream-id", effect: .harmless),
            Case("no-source", effect: .harmless),
            Case("proxy-response-error=7000", effect: .streams),
            Case("proxy-wrong-message", effect: .streams),
            Case("proxy-reset", effect: .streams),
            Case("payload-reset=4000", effect: .streams),
        ]

        /// Those that only a time limit ends.
        static let slow: [Case] = [
            Case("open-silence*1", effect: .session(says: "30")),
            Case("tunnel-silence*3", effect: .tunnel(says: "30")),
            Case("silence", effect: .session(says: "silent"), engine: ["--liveness-timeout", "5s"]),
            Case("stall-reads", effect: .session(says: "silent"), engine: ["--liveness-timeout", "5s"]),
            Case("ack-delay=20000", effect: .session(says: "silent"), engine: ["--liveness-timeout", "5s"]),
            Case("proxy-stall", effect: .streams),
            Case("redirect", "proxy-stall", effect: .streams),
        ]

        @Test("the daemon outlives a misbehaving engine, says so once, and serves again", arguments: cases)
        func misbehaviour(_ example: Case) async throws {
            try await Self.judge(example)
        }

        @Test("the daemon outlives an engine that only a time limit gives away, says so once, and serves again")
        func silence() async throws {
            await withTaskGroup(of: Void.self) { group in
                for example in Self.slow {
                    group.addTask {
                        do {
                            try await Self.judge(example)
                        } catch {
                            Issue.record(error, "\(example.testDescription)")
                        }
                    }
                }
            }
        }

        private static func judge(_ example: Case) async throws {
            try await Upstream.exchanging { upstream in
                let faults = example.faults.flatMap { ["--fault", $0] }
                // Several tunnels, since some misbehaviours confuse one with another.
                let tunnels = """
                    \(Pair.raw(upstream))
                      - { name: other, forward: "\(upstream.forward)", tunnel: { publish: false } }
                      - { name: third, forward: "\(upstream.forward)", tunnel: { publish: false } }
                    """
                // Where an engine stalls a stream, nothing but the drain's timeout ends it.
                let settings = "reconnect: { minimum: 20ms, maximum: 100ms, rejected: 200ms }\ndrain: { timeout: 1s }"
                let arguments = faults + example.engine
                try await Pair.with(
                    engine: arguments,
                    tunnels: tunnels,
                    settings: settings,
                    logLevel: "debug"
                ) { pair in
                    switch example.effect {
                    case .harmless: try await expectNothing(of: example, pair)
                    case .session(let words):
                        try await expect(outage, "session restored", saying: words, example, pair)
                    case .tunnel(let words):
                        try await expect(unopened, "tunnel online", saying: words, example, pair)
                    case .streams: try await expectFailedStreams(of: example, pair)
                    }
                }
            }
        }

        private static func expectNothing(of example: Case, _ pair: Pair) async throws {
            let port = try await pair.rawPort()
            for _ in 0..<3 { #expect(await Visitor.isServed(port: port), "\(example.testDescription)") }
            #expect(pair.daemon.complaints().isEmpty, "\(pair.daemon.complaints())")
        }

        private static func expect(
            _ complaint: String,
            _ relief: String,
            saying words: String,
            _ example: Case,
            _ pair: Pair
        ) async throws {
            if example.faults.contains(where: { $0.hasPrefix("empty-stream-id") || $0.hasPrefix("marks-stream-id") }) {
                // These need a visitor.
                _ = await Visitor.isServed(port: try await pair.rawPort())
            }
            let line = try await pair.daemon.logged(complaint, within: .seconds(60))
            let mark = pair.daemon.process.errors.all.firstIndex(of: line.description) ?? 0
            #expect(line.facts["error"]?.contains(words) == true, "\(line)")
            if example.fails {
                // None of the next attempts says it again.
                try await pair.daemon.waitForAttempts(complaint == outage ? .connect : .tunnel, from: mark)
            }
            try await pair.engine.setFaults([])
            let back = try await pair.daemon.logged(relief, from: mark, within: .seconds(60)) {
                $0.facts["tunnel"] == line.facts["tunnel"]
            }
            #expect(back.level != "warning")
            // An engine that granted without saying so properly still has those tunnels too.
            try await pair.engine.wait { $0.tunnels >= 3 }
            let port = try await pair.rawPort(from: complaint == outage ? mark : 0)
            #expect(await Visitor.isServed(port: port))
            // Each tunnel has spoken for itself, once.
            let complaints = pair.daemon.complaints()
            #expect(Set(complaints.map(\.facts["tunnel"])).count == complaints.count, "\(complaints)")
            #expect(complaints.allSatisfy { $0.message == complaint }, "\(complaints)")
        }

        private static func expectFailedStreams(of example: Case, _ pair: Pair) async throws {
            let port = try await pair.rawPort()
            let failure = await #expect(throws: (any Error).self) {
                let plan = Exchange(seed: 60, upload: 100_000, download: 100_000)
                try await Visitor.exchange(plan, port: port, within: .seconds(90))
            }
            if let broken = failure as? Broken {
                #expect(!broken.description.contains("is not over"), "\(example.testDescription)")
            }
            try await pair.engine.setFaults([])
            #expect(await Visitor.isServed(port: port))
            // The engine is not told where its redirects fail, so the operator is, once.
            let told = example.faults.contains("redirect") ? ["stream redirect failed"] : []
            let complaints = pair.daemon.complaints()
            #expect(complaints.map(\.message) == told, "\(complaints)")
        }
    }
}

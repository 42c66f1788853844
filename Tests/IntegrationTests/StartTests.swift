// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import RstreamTestSupport
import Testing

extension Integration {
    /// What somebody asks of a daemon that has only just begun.
    @Suite struct StartTests {
        /// A daemon that has much to read, at the moment when it has taken its signals; `last` is the file that it reads last.
        private static func withBeginner(
            _ body: (ProcessDaemon, _ last: () throws -> Void) async throws -> Void
        ) async throws {
            try await Pair.withFolder { folder in
                let many = (0..<3_000).map { "  - { name: t\($0), forward: 127.0.0.1:9, enabled: false, tunnel: {} }" }
                _ = try folder.makeFolder("tunnels.d")
                for (name, tunnels) in [("a", many), ("z", ["  - { name: old, forward: 127.0.0.1:9, tunnel: {} }"])] {
                    try folder.write(
                        "version: 1\ntunnels:\n" + tunnels.joined(separator: "\n"),
                        to: "tunnels.d/\(name).yaml"
                    )
                }
                let configuration = """
                    version: 1
                    context: main
                    contexts: { main: { engine: "localhost:9", noToken: true } }
                    """
                let daemon = try await ProcessDaemon.start(in: folder, configuration: configuration)
                do {
                    try await takesSignals(daemon.process)
                    try await body(daemon) {
                        let text = "version: 1\ntunnels:\n  - { name: new, forward: 127.0.0.1:9, tunnel: {} }"
                        try folder.replace("tunnels.d/z.yaml", with: text)
                    }
                    await daemon.process.kill()
                } catch {
                    await daemon.process.kill()
                    throw error
                }
            }
        }

        /// Looks at what the kernel says about the process until SIGHUP does not end it any more.
        ///
        /// The program forbids dumps of its memory right after it has taken its signals, and the kernel may then hide it
        /// from other processes of its user, as it does in the unit's sandbox (`ProtectProc=invisible`).
        private static func takesSignals(_ process: ProcessHandle) async throws {
            let deadline = ContinuousClock.now + testTimeout
            while ContinuousClock.now < deadline {
                let status = ProcessFacts.text(of: process.pid, "status")
                let mask = status.split(separator: "\n").first { $0.hasPrefix("SigCgt:") }?.split(separator: "\t").last
                if status.hasPrefix("Name:\trstreamd"), let mask, let bits = UInt64(mask, radix: 16),
                    bits & (1 << UInt64(SIGHUP - 1)) != 0
                {
                    return
                }
                if status.isEmpty, process.isRunning { return }
                try await Task.sleep(for: .milliseconds(1))
            }
            throw DeadlinePassed(
                what: "a process that takes signals",
                state: ProcessFacts.text(of: process.pid, "status")
            )
        }

        @Test("SIGHUP that comes before the configuration is read reloads when it is")
        func hangup() async throws {
            try await Self.withBeginner { daemon, _ in
                daemon.process.send(signal: SIGHUP)
                let reload = try await daemon.nextReload(from: 0)
                #expect(reload.outcome == ProcessDaemon.Reload.unchanged)
                #expect(daemon.log.first?.message != reload.outcome, "it began first")
                #expect(daemon.process.isRunning)
            }
        }

        @Test("signals are taken before any file is read")
        func first() async throws {
            try await Self.withBeginner { daemon, change in
                try change()
                try await daemon.logged("started")
                // What was there when it began to read is what it read: a reload finds the same.
                #expect(try await daemon.reload().outcome == ProcessDaemon.Reload.unchanged)
            }
        }

        @Test("asked to stop before the configuration is read, it ends in order", arguments: [SIGTERM, SIGINT])
        func stop(signal: CInt) async throws {
            try await Self.withBeginner { daemon, _ in
                daemon.process.send(signal: signal)
                let exit = try await daemon.process.exit()
                #expect(exit == .status(0))
            }
        }
    }
}

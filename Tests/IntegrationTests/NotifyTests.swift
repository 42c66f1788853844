// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import RstreamTestSupport
import Testing

extension Integration {
    /// What the daemon tells systemd, seen from the socket that it tells it to.
    @Suite struct NotifyTests {
        private static func with(
            _ configuration: String,
            in folder: ProcessFolder,
            environment: [String: String] = [:],
            _ body: (ProcessDaemon, NotifySocket) async throws -> Void
        ) async throws {
            try await NotifySocket.with(in: folder) { socket in
                let daemon = try await ProcessDaemon.start(
                    in: folder,
                    configuration: configuration,
                    environment: ["NOTIFY_SOCKET": socket.path].merging(environment) { $1 }
                )
                do {
                    try await body(daemon, socket)
                    await daemon.process.kill()
                } catch {
                    print("systemd was told:", socket.said.value.joined(separator: " | "))
                    await daemon.process.kill()
                    throw error
                }
            }
        }

        /// Without what comes whenever it comes.
        private static func steps(_ said: [String]) -> [String] {
            said.filter { !$0.hasPrefix("STATUS=") && !$0.hasPrefix("WATCHDOG=") }
        }

        @Test("it is ready without its engine, and says that every reload begins and is over, refused ones too")
        func reloads() async throws {
            try await Pair.withFolder { folder in
                // Nobody listens there.
                let good = Pair.configuration(
                    port: 9,
                    caFile: try folder.write(ClientCertificate.certificate, to: "ca.pem"),
                    tunnels: ""
                )
                .replacing("tunnels:\n", with: "tunnels: []\n")
                let more = good.replacing(
                    "tunnels: []",
                    with: "tunnels: [{ name: web, forward: 127.0.0.1:9, tunnel: { protocol: http } }]"
                )
                try await Self.with(good, in: folder) { daemon, socket in
                    #expect(Self.steps(try await socket.wait(for: "READY=1")) == ["READY=1"])
                    for (text, status) in [
                        (good, "STATUS=no tunnels configured"),
                        (more, "STATUS=0 of 1 tunnels online; main: "),
                        (more + "bogus: 1\n", "STATUS=0 of 1 tunnels online; "),
                        (more, "STATUS=0 of 1 tunnels online"),
                    ] {
                        let mark = socket.said.value.count
                        try folder.replace("rstreamd.yaml", with: text)
                        daemon.process.send(signal: SIGHUP)
                        try await socket.wait(for: "READY=1", from: mark)
                        // The sentence follows what happened; with it everything of this reload was said.
                        let said = try await socket.wait(for: status, from: mark)
                        let steps = Self.steps(said)
                        #expect(steps.count == 2, "\(said)")
                        let begin = steps.first?.split(separator: "\n") ?? []
                        #expect(begin.first == "RELOADING=1")
                        let time = try #require(begin.last?.wholeMatch(of: /MONOTONIC_USEC=([0-9]+)/)?.output.1)
                        var now = timespec()
                        clock_gettime(CLOCK_MONOTONIC, &now)
                        let age = now.tv_sec - (Int(time) ?? 0) / 1_000_000
                        #expect((0...60).contains(age), "microseconds of the monotonic clock")
                        #expect(steps.last == "READY=1")
                        if text.contains("bogus") {
                            try await socket.wait(for: "STATUS=0 of 1 tunnels online; main: ", from: mark)
                            let sentence = socket.said.value.last { $0.hasPrefix("STATUS=") }
                            #expect(
                                sentence?.contains("; reload refused: \(folder.path)/rstreamd.yaml:") == true,
                                "\(sentence ?? "")"
                            )
                        }
                    }
                }
            }
        }

        @Test("its status says what is wrong with an upstream, and its end how long that may take")
        func statusAndStop() async throws {
            try await Pair.withFolder { folder in
                try await Pair.withEngine(in: folder) { engine in
                    let configuration = Pair.configuration(
                        port: engine.port,
                        caFile: engine.caFile,
                        tunnels: """
                              - { name: raw, forward: 127.0.0.1:9, tunnel: { protocol: tcp } }
                              - { name: web, forward: 127.0.0.1:9, tunnel: { protocol: http } }
                            """
                    )
                    try await Self.with(configuration, in: folder) { daemon, socket in
                        try await socket.wait(for: "STATUS=2 of 2 tunnels online")
                        let pair = Pair(folder: folder, engine: engine, daemon: daemon)
                        #expect(!(await Visitor.isServed(port: try await pair.rawPort())))
                        try await socket.wait(
                            for: "STATUS=2 of 2 tunnels online; raw: upstream 127.0.0.1:9 refuses connections"
                        )
                        let mark = socket.said.value.count
                        #expect(try await daemon.process.terminate() == .status(0))
                        let said = try await socket.wait(for: "EXTEND_TIMEOUT_USEC=", from: mark)
                        // The drain's ten seconds, and fifteen for the goodbyes.
                        #expect(Self.steps(said) == ["STOPPING=1", "EXTEND_TIMEOUT_USEC=25000000"], "\(said)")
                    }
                }
            }
        }

        /// In an array, because a test runner prints its arguments.
        private static let hostileTexts = [
            "x\r\nWATCHDOG=trigger\r\nMAINPID=1", "x\nSTOPPING=1\n\u{301}READY=0", "x\u{1B}[2J\u{9B}31m\u{202E}y",
            "x" + String(repeating: "\n", count: 3_000) + "MAINPID=1",
        ]

        @Test(
            "what an engine says becomes part of the status and never a field of its own",
            arguments: hostileTexts.indices
        )
        func hostileText(index: Int) async throws {
            let text = Self.hostileTexts[index]
            try await Pair.withFolder { folder in
                try await Pair.withEngine(in: folder, ["--fault", "open-error=1000:\(text)"]) { engine in
                    let configuration = Pair.configuration(
                        port: engine.port,
                        caFile: engine.caFile,
                        tunnels: "  - { name: web, forward: 127.0.0.1:9, tunnel: { protocol: http } }"
                    )
                    try await Self.with(configuration, in: folder) { daemon, socket in
                        try await socket.wait(for: "STATUS=0 of 1 tunnels online; main: the engine refused")
                        for datagram in socket.said.value {
                            let fields = datagram.utf8.split(separator: UInt8(ascii: "\n")).map { line in
                                String(decoding: line.prefix { $0 != UInt8(ascii: "=") }, as: UTF8.self)
                            }
                            #expect(
                                fields == ["READY"] || fields == ["STATUS"] || fields == ["WATCHDOG"],
                                "\(datagram)"
                            )
                            #expect(!datagram.unicodeScalars.contains { $0.properties.generalCategory == .control })
                            #expect(datagram.utf8.count < 600)
                        }
                        #expect(daemon.process.isRunning)
                    }
                }
            }
        }

        @Test("it gives the watchdog signs of life, whatever its engine does")
        func watchdog() async throws {
            try await Pair.withFolder { folder in
                let configuration = Pair.configuration(
                    port: 9,
                    caFile: try folder.write("", to: "ca.pem"),
                    tunnels: "  - { name: web, forward: 127.0.0.1:9, tunnel: { protocol: http } }"
                )
                try await Self.with(configuration, in: folder, environment: ["WATCHDOG_USEC": "200000"]) { _, socket in
                    for _ in 0..<3 { try await socket.wait(for: "WATCHDOG=1", from: socket.said.value.count) }
                }
            }
        }
    }
}

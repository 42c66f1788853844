import FoundationEssentials
import Glibc
import NIOCore
import NIOPosix
import RstreamTestSupport
import Testing

extension Integration {
    @Suite struct CommandLineTests {
        private static let good = """
            version: 1
            context: main
            contexts: { main: { engine: "localhost:1", token: very-secret-token } }
            tunnels:
              - { name: raw, forward: 127.0.0.1:9, tunnel: { protocol: tcp } }

            """
        private static let bad = """
            version: 1
            context: main
            contexts: { main: { engine: "localhost:1", token: very-secret-token } }
            tunnels:
              - name: raw
                forward: 127.0.0.1:9
                tunnel: { protcol: tcp }
              - name: raw
                forward: 127.0.0.1:80
                tunnel: { protocol: tcp, port: 70000 }

            """

        private static func run(
            _ arguments: String...
        ) async throws -> (exit: ProcessHandle.Exit, output: [String], errors: [String]) {
            try await ProcessHandle.run(try Binaries.path(of: "rstreamd"), arguments)
        }

        @Test("--version says one version and ends")
        func version() async throws {
            let result = try await Self.run("--version")
            #expect(result.exit == .status(0))
            #expect(result.output.count == 1)
            #expect(result.output.first?.split(separator: ".").count == 3)
        }

        @Test(
            "a configuration that is named from within its folder has its sockets there, and is known by its whole path"
        )
        func relativePath() async throws {
            try await Pair.withFolder { folder in
                try folder.write("version: 1\nadmin: { socket: admin.sock }\n", to: "rstreamd.yaml")
                let process = try await ProcessHandle.start(
                    "/bin/sh",
                    ["-c", #"cd "$1" && exec "$0" --config rstreamd.yaml --log-format json"#]
                        + [try Binaries.path(of: "rstreamd"), folder.path],
                    environment: try ProcessDaemon.places(in: folder)
                )
                do {
                    let daemon = ProcessDaemon(process)
                    let line = try await daemon.logged("admin socket open")
                    #expect(line.facts["address"] == "\(folder.path)/admin.sock")
                    let status = try await ProcessHandle.run(
                        try Binaries.path(of: "rstreamctl"),
                        ["--socket", "\(folder.path)/admin.sock", "-o", "json", "status"]
                    )
                    #expect(status.output.joined().contains("\(folder.path)/rstreamd.yaml"), "\(status.output)")
                    #expect(try await process.terminate() == .status(0))
                } catch {
                    await process.kill()
                    throw error
                }
            }
        }

        @Test("a wrong command line ends with 64")
        func usage() async throws {
            for arguments in ["--no-such-option", "--log-level=loud", "surplus"] {
                let result = try await Self.run(arguments)
                #expect(result.exit == .status(64))
                #expect(!result.errors.isEmpty)
            }
        }

        @Test("--check is silent about a good file, and ends with 78 and carets under every mistake of a bad one")
        func check() async throws {
            try await Pair.withFolder { folder in
                let fine = try folder.write(Self.good, to: "good.yaml")
                let result = try await Self.run("--check", "--config", fine)
                #expect(result.exit == .status(0))
                #expect(result.output.isEmpty && result.errors.isEmpty)

                let file = try folder.write(Self.bad, to: "bad.yaml")
                for arguments in [["--check", "--config", file], ["--config", file]] {
                    let result = try await ProcessHandle.run(try Binaries.path(of: "rstreamd"), arguments)
                    #expect(result.exit == .status(78))
                    let text = result.errors.joined(separator: "\n")
                    #expect(text.contains("\(file):7:15: error: unknown key \"protcol\""), "\(text)")
                    #expect(text.contains("^^^^^^^ did you mean \"protocol\"?"))
                    #expect(text.contains("\(file):8:"), "the second tunnel of the same name")
                    #expect(text.contains("\(file):10:"), "the port that does not exist")
                    #expect(!text.contains("very-secret-token"))
                }
                let missing = try await Self.run("--check", "--config", folder.path + "/missing.yaml")
                #expect(missing.exit == .status(78))
            }
        }

        @Test("a file that may not be read ends with 77")
        func unreadable() async throws {
            try await Pair.withFolder { folder in
                let file = try folder.write(Self.good, to: "rstreamd.yaml", mode: 0)
                // Root may read everything, so it is somebody else who tries. That user may not reach the build folder.
                let program = folder.path + "/rstreamd"
                let copied = try await ProcessHandle.run("/bin/cp", [try Binaries.path(of: "rstreamd"), program])
                #expect(copied.exit == .status(0))
                chmod(program, 0o755)
                let user: uid_t? = getuid() == 0 ? 65_534 : nil
                for arguments in [["--check", "--config", file], ["--config", file]] {
                    let result = try await ProcessHandle.run(program, arguments, user: user)
                    #expect(result.exit == .status(77), "\(result.errors)")
                }
            }
        }

        @Test("the daemon needs no privilege to serve")
        func unprivileged() async throws {
            try await Upstream.exchanging { upstream in
                try await Pair.withFolder { folder in
                    try await Pair.withEngine(in: folder) { engine in
                        let authority = String(
                            decoding: try Data(contentsOf: URL(filePath: engine.caFile)),
                            as: UTF8.self
                        )
                        let configuration = Pair.configuration(
                            port: engine.port,
                            caFile: try folder.write(authority, to: "ca.pem", mode: 0o644),
                            tunnels: Pair.raw(upstream)
                        )
                        let file = try folder.write(configuration, to: "rstreamd.yaml", mode: 0o644)
                        // That user may not reach the build folder.
                        let program = folder.path + "/rstreamd"
                        let copied = try await ProcessHandle.run(
                            "/bin/cp",
                            [try Binaries.path(of: "rstreamd"), program]
                        )
                        #expect(copied.exit == .status(0))
                        chmod(program, 0o755)
                        let runtime = try folder.makeFolder("run")
                        chmod(runtime, 0o777)
                        let process = try await ProcessHandle.start(
                            program,
                            ["--config", file, "--log-format", "json"],
                            environment: ["RUNTIME_DIRECTORY": runtime],
                            user: getuid() == 0 ? 65_534 : nil
                        )
                        do {
                            let pair = Pair(folder: folder, engine: engine, daemon: ProcessDaemon(process))
                            #expect(await Visitor.isServed(port: try await pair.rawPort()))
                            let complaints = pair.daemon.complaints()
                            #expect(complaints.map(\.message) == ["configuration"], "\(complaints)")
                            #expect(
                                complaints.first?.facts["error"]?.hasPrefix("everybody on this host can read") == true
                            )
                            #expect(try await process.terminate() == .status(0))
                        } catch {
                            await process.kill()
                            throw error
                        }
                    }
                }
            }
        }

        @Test("SIGTERM lets an open stream end, takes no new one, and the daemon ends with 0")
        func drain() async throws {
            try await Upstream.exchanging { upstream in
                try await Pair.with(tunnels: Pair.raw(upstream)) { pair in
                    let port = try await pair.rawPort()
                    let loop = MultiThreadedEventLoopGroup.singleton.next()
                    let mayEnd = loop.makePromise(of: Void.self)
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask {
                            let plan = Exchange(seed: 50, upload: 500_000, download: 500_000)
                            try await Visitor.exchange(plan, port: port, mayEnd: mayEnd.futureResult)
                        }
                        try await pair.engine.wait { $0.relays == 1 }
                        pair.daemon.process.send(signal: SIGTERM)
                        let line = try await pair.daemon.logged("stopping, streams may end")
                        #expect(line.facts["streams"] == "1")
                        try await pair.engine.wait { $0.tunnels == 0 }
                        #expect(await !Visitor.isServed(port: port))
                        #expect(pair.daemon.process.isRunning)
                        mayEnd.succeed()
                        try await group.waitForAll()
                    }
                    #expect(try await pair.daemon.process.exit() == .status(0))
                    #expect(pair.daemon.complaints().isEmpty)
                }
            }
        }

        @Test("a drain ends at its timeout, and a second SIGTERM ends it at once")
        func secondSignal() async throws {
            try await Upstream.exchanging { upstream in
                for (timeout, isTwice) in [("300ms", false), ("60s", true)] {
                    let settings = "drain: { timeout: \(timeout) }"
                    try await Pair.with(tunnels: Pair.raw(upstream), settings: settings) { pair in
                        let port = try await pair.rawPort()
                        let never = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: Void.self)
                        defer { never.succeed() }
                        await withTaskGroup(of: Bool.self) { group in
                            group.addTask {
                                let plan = Exchange(seed: 51, upload: 500_000, download: 500_000)
                                return
                                    (try? await Visitor.exchange(plan, port: port, mayEnd: never.futureResult)) != nil
                            }
                            do {
                                try await pair.engine.wait { $0.relays == 1 }
                                pair.daemon.process.send(signal: SIGTERM)
                                try await pair.daemon.logged("stopping, streams may end")
                                if isTwice { pair.daemon.process.send(signal: SIGTERM) }
                                #expect(try await pair.daemon.process.exit(within: .seconds(5)) == .status(0))
                            } catch {
                                Issue.record(error)
                            }
                            #expect(await group.next() == false, "the stream was cut, and its visitor was told")
                        }
                    }
                }
            }
        }

        @Test("SIGPIPE does nothing, and SIGHUP reloads")
        func otherSignals() async throws {
            try await Upstream.exchanging { upstream in
                try await Pair.with(tunnels: Pair.raw(upstream)) { pair in
                    let port = try await pair.rawPort()
                    pair.daemon.process.send(signal: SIGPIPE)
                    let reload = try await pair.daemon.reload()
                    #expect(reload.outcome == ProcessDaemon.Reload.unchanged)
                    #expect(reload.line.facts["reason"] == "SIGHUP")
                    #expect(await Visitor.isServed(port: port))
                    #expect(pair.daemon.process.isRunning)
                }
            }
        }

        @Test("the token shows nowhere: not in /proc, not in the log, not in --check")
        func secrecy() async throws {
            try await Upstream.exchanging { upstream in
                try await Pair.with(tunnels: Pair.raw(upstream), logLevel: "trace") { pair in
                    #expect(await Visitor.isServed(port: try await pair.rawPort()))
                    // A refused token is the moment to be careless with it.
                    try await pair.engine.setFaults(["open-error=1000*1"])
                    try await pair.engine.dropControlChannels()
                    try await pair.daemon.logged("the session with the engine is back")
                    let pid = pair.daemon.process.pid
                    for file in ["cmdline", "environ", "comm", "status"] {
                        #expect(!ProcessFacts.text(of: pid, file).contains(ProcessEngine.token))
                    }
                    // In the unit's sandbox a process that may not be dumped is seen by root alone.
                    let commandLine = ProcessFacts.text(of: pid, "cmdline")
                    #expect(commandLine.contains("--config") || Binaries.areSandboxed && commandLine.isEmpty)
                    #expect(!pair.daemon.process.errors.all.contains { $0.contains(ProcessEngine.token) })
                    #expect(pair.daemon.process.output.all.isEmpty)
                    let check = try await Self.run("--check", "--config", pair.folder.path + "/rstreamd.yaml")
                    #expect(check.exit == .status(0))
                    #expect(!(check.output + check.errors).contains { $0.contains(ProcessEngine.token) })
                }
            }
        }
    }
}

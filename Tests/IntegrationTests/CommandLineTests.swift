// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

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

        @Test("import writes a tunnel file that the check takes, from either program")
        func imports() async throws {
            try await Pair.withFolder { folder in
                let foreign = try folder.write(
                    "auth.token = 'very-secret-token'\n[[proxies]]\nname = 'ssh'\nlocalPort = 22\nremotePort = 6000\n",
                    to: "frpc.toml"
                )
                let result = try await Self.run("import", foreign)
                #expect(result.exit == .status(0))
                #expect(result.output.contains("  - name: ssh"))
                #expect(result.errors == ["\(foreign) (frp): 1 tunnel; comments say what has no counterpart"])
                #expect(!result.output.joined().contains("very-secret-token"))
                let control = try Binaries.path(of: "rstreamctl")
                let same = try await ProcessHandle.run(control, ["import", "--from", "frp", foreign])
                #expect(same.output == result.output && same.errors == result.errors)
                try folder.write(result.output.joined(separator: "\n") + "\n", to: "tunnels.d/frp.yaml")
                let daemon = try folder.write(
                    "version: 1\ncontext: main\ncontexts: { main: { engine: \"localhost:1\", noToken: true } }\n",
                    to: "rstreamd.yaml"
                )
                let check = try await Self.run("--check", "--config", daemon)
                #expect(check.exit == .status(0), "\(check.errors)")
                // The result is no file of frp's.
                let wrong = try await Self.run("import", "--from", "frp", daemon)
                #expect(wrong.exit == .status(1))
                #expect(try await Self.run("import", "\(folder.path)/none").exit == .status(78))
                #expect(try await Self.run("import").exit == .status(64))
            }
        }

        @Test("a result that cannot be written is a failure, which is said")
        func fullDisk() async throws {
            try await Pair.withFolder { folder in
                let daemon = try folder.write(Self.good, to: "rstreamd.yaml")
                let foreign = try folder.write("[[proxies]]\nname = 'a'\nlocalPort = 22\n", to: "frpc.toml")
                for arguments in [
                    ["--schema"], ["--check", "--output=json", "--config", daemon], ["import", foreign],
                    ["doctor", "--config", daemon],
                ] {
                    let result = try await ProcessHandle.run(
                        "/bin/sh",
                        ["-c", #"exec "$0" "$@" > /dev/full"#, try Binaries.path(of: "rstreamd")] + arguments
                    )
                    #expect(result.exit == .status(1), "\(arguments)")
                    #expect(
                        result.errors.contains("rstreamd: standard output: No space left on device"),
                        "\(arguments) \(result.errors)"
                    )
                }
            }
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

        /// Programs that have read their command lines: each says what it was asked for, and ends.
        private static let asked: [(program: String, arguments: [String], exit: Int32, says: String)] = [
            ("rstreamd", ["--version"], 0, "."), ("rstreamd", ["--no-such-option"], 64, "--no-such-option"),
            ("rstreamd", ["--help"], 0, "--log-format"), ("rstreamd", ["--schema"], 0, "json-schema.org"),
            ("rstreamctl", ["status", "--help"], 0, "USAGE: rstreamctl status"), ("rstreamctl", ["--version"], 0, "."),
            ("rstream-dev-engine", ["--help"], 0, "--jwt-secret"),
            ("rstream-dev-engine", ["--listen", "nowhere"], 64, "nowhere"),
            ("rstreamd-docker", ["--help"], 0, "--allow-context"), ("rstreamd-docker", ["--host", "none"], 64, "none"),
        ]

        @Test("no word of a command line is lost when a preloaded library has set variables before the first line")
        func preloaded() async throws {
            try await Pair.withFolder { folder in
                let code = """
                    #include <stdio.h>
                    #include <stdlib.h>
                    __attribute__((constructor)) static void set(void) {
                        char name[32];
                        for (int i = 0; i < 64; i++) { snprintf(name, sizeof name, "PRELOADED_%d", i); setenv(name, "1", 1); }
                        puts("preloaded"); fflush(stdout);
                    }
                    """
                let source = try folder.write(code, to: "preload.c")
                let library = folder.path + "/preload.so"
                // First of all, as the loader may begin with any of them.
                let compiled = try await ProcessHandle.run(
                    "/usr/bin/cc",
                    ["-shared", "-fPIC", "-Wl,-z,initfirst", "-o", library, source]
                )
                #expect(compiled.exit == .status(0), "\(compiled.errors)")
                for (program, arguments, exit, says) in Self.asked {
                    let result = try await ProcessHandle.run(
                        try Binaries.path(of: program),
                        arguments,
                        environment: ["LD_PRELOAD": library]
                    )
                    #expect(result.output.first == "preloaded")
                    #expect(result.exit == .status(exit), "\(program) \(arguments)")
                    let text = (result.output.dropFirst() + result.errors).joined(separator: "\n")
                    #expect(text.contains(says), "\(program) \(arguments): \(text)")
                }
            }
        }

        @Test(
            "without /proc no word of a command line is lost, and what needs it ends with a sentence",
            .enabled(if: Binaries.mustBeComplete || getuid() == 0, "\(OwnershipTests.needs)")
        )
        func withoutProc() async throws {
            let needing: [(program: String, arguments: [String], exit: Int32, says: String)] = [
                ("rstreamd", ["--check"], 71, "/proc is not mounted"),
                ("rstreamctl", ["status"], 71, "/proc is not mounted"),
                ("rstream-dev-engine", [], 71, "/proc is not mounted"),
                ("rstreamd-docker", ["--once"], 71, "/proc is not mounted"),
            ]
            for (program, arguments, exit, says) in Self.asked + needing {
                let words = [try Binaries.path(of: program)] + arguments
                let result = try await ProcessHandle.run(
                    "/usr/bin/unshare",
                    ["--mount", "/bin/sh", "-c", #"mount -t tmpfs none /proc && exec "$@""#, "sh"] + words
                )
                #expect(result.exit == .status(exit), "\(program) \(arguments)")
                let text = (result.output + result.errors).joined(separator: "\n")
                #expect(text.contains(says), "\(program) \(arguments): \(text)")
            }
        }

        @Test(
            "a machine that has too little of something gets a sentence and 71, at once",
            arguments: [
                ("--nproc=3", "threads"), ("--nproc=5", "threads"), ("--nproc=8", "threads"),
                ("--nofile=10", "LimitNOFILE"),
                ("--nofile=30", "LimitNOFILE"),
            ]
        )
        func tooLittle(limit: String, says: String) async throws {
            try await Pair.withFolder { folder in
                let file = try folder.write("version: 1\nadmin: { socket: none }\n", to: "rstreamd.yaml")
                let program = folder.path + "/rstreamd"
                let copied = try await ProcessHandle.run("/bin/cp", [try Binaries.path(of: "rstreamd"), program])
                #expect(copied.exit == .status(0))
                chmod(program, 0o755)
                // Root has no limit of threads, and another user's other processes would count.
                let result = try await ProcessHandle.run(
                    "/usr/bin/prlimit",
                    [limit, program, "--config", file],
                    user: getuid() == 0 ? 54_987 : nil
                )
                #expect(result.exit == .status(71), "\(result.exit) \(result.errors)")
                #expect(result.errors.count == 1 && result.errors[0].contains(says), "\(result.errors)")
            }
        }

        @Test("standard streams that are closed at the start belong to nothing of the daemon's")
        func closedStreams() async throws {
            try await Pair.withFolder { folder in
                // Only then may an ordinary user look at its descriptors.
                let dumps = "debug: { coreDumps: true }\n"
                let file = try folder.write("version: 1\nadmin: { socket: admin.sock }\n" + dumps, to: "rstreamd.yaml")
                let process = try await ProcessHandle.start(
                    "/bin/sh",
                    ["-c", #"exec "$0" --config "$1" 0<&- 1>&- 2>&-"#, try Binaries.path(of: "rstreamd"), file],
                    environment: try ProcessDaemon.places(in: folder)
                )
                do {
                    try await within("the admin socket") {
                        while access(folder.path + "/admin.sock", F_OK) != 0 {
                            try await Task.sleep(for: .milliseconds(20))
                        }
                    }
                    for stream in 0...2 {
                        var path = [CChar](repeating: 0, count: 256)
                        let length = readlink("/proc/\(process.pid)/fd/\(stream)", &path, path.count - 1)
                        let target = String(
                            decoding: path.prefix(max(0, length)).map { UInt8(bitPattern: $0) },
                            as: UTF8.self
                        )
                        #expect(target == "/dev/null")
                    }
                    #expect(try await process.terminate() == .status(0))
                } catch {
                    await process.kill()
                    throw error
                }
            }
        }

        @Test(
            "a folder that cannot be created is named with the kernel's reason, and the daemon can do without a socket"
        )
        func noFolder() async throws {
            try await Pair.withFolder { folder in
                let file = try folder.write("", to: "blocked")
                let named = try folder.write("version: 1\nadmin: { socket: \(file)/run/admin.sock }\n", to: "a.yaml")
                let result = try await Self.run("--config", named)
                #expect(result.exit == .status(77))
                let text = result.errors.joined(separator: "\n")
                #expect(text.contains("cannot create the folder \(file)/run: Not a directory"), "\(text)")
                let none = try folder.write("version: 1\nadmin: { socket: none }\n", to: "b.yaml")
                let process = try await ProcessHandle.start(
                    try Binaries.path(of: "rstreamd"),
                    ["--config", none, "--log-format", "json"],
                    environment: try ProcessDaemon.places(in: folder)
                )
                do {
                    let daemon = ProcessDaemon(process)
                    _ = try await daemon.logged("started")
                    #expect(try await process.terminate() == .status(0))
                } catch {
                    await process.kill()
                    throw error
                }
            }
        }

        @Test("a wrong command line ends with 64")
        func usage() async throws {
            for arguments in ["--no-such-option", "--log-level=loud", "surplus", "tunnels", "--schema=daemon"] {
                let result = try await Self.run(arguments)
                #expect(result.exit == .status(64))
                #expect(!result.errors.isEmpty)
            }
        }

        @Test("a misspelled option is named, whatever follows it")
        func misspelled() async throws {
            let result = try await Self.run("--confg", "/etc/rstream/rstreamd.yaml")
            #expect(result.exit == .status(64))
            let complaint = "Error: Unknown option '--confg'. Did you mean '--config'?"
            #expect(result.errors.first == complaint, "\(result.errors)")
        }

        @Test(
            "a word too many is explained by what was meant",
            arguments: [
                (["import.yaml"], "\"import.yaml\" is one word too many: the configuration is named by --config"),
                (["check"], "\"check\" is one word too many: the configuration is named by --config"),
                (["publsh", "80"], "unknown command \"publsh\", did you mean \"publish\"?"),
                (["--config", "/f", "doctor"], "doctor has to be the first word: rstreamd doctor ..."),
                (["--schema", "tunnels", "daemn"], "--schema is followed by daemon or tunnels, not \"daemn\""),
            ]
        )
        func surplus(arguments: [String], explanation: String) async throws {
            let result = try await ProcessHandle.run(try Binaries.path(of: "rstreamd"), arguments)
            #expect(result.exit == .status(64))
            #expect(result.errors.first == "Error: " + explanation, "\(result.errors)")
        }

        @Test("--check finds no mistakes in a good file, and ends with 78 and carets under every mistake of a bad one")
        func check() async throws {
            try await Pair.withFolder { folder in
                let fine = try folder.write(Self.good, to: "good.yaml")
                let result = try await Self.run("--check", "--config", fine)
                #expect(result.exit == .status(0))
                #expect(result.output == ["\(fine): no mistakes"] && result.errors.isEmpty)

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

        @Test("--check and rstreamctl check have the same warnings, and the same last word")
        func verdicts() async throws {
            try await Pair.withFolder { folder in
                let texts = [
                    "no mistakes": Self.good,
                    "no errors, 1 warning": "version: 1\n",
                    "no errors, 2 warnings": "version: 1\ninclude: [\"none.d/*.yaml\"]\n",
                ]
                for (verdict, text) in texts {
                    let file = try folder.write(text, to: "rstreamd.yaml")
                    let daemon = try await Self.run("--check", "--config", file)
                    let control = try await ProcessHandle.run(try Binaries.path(of: "rstreamctl"), ["check", file])
                    for result in [daemon, control] {
                        #expect(result.exit == .status(0))
                        #expect(result.output == ["\(file): \(verdict)"], "\(result.errors)")
                    }
                    #expect(daemon.errors == control.errors)
                }
            }
        }

        @Test("--check says which certificates are not checked, of contexts of the client configuration too")
        func unchecked() async throws {
            try await Pair.withFolder { folder in
                let client = """
                    contexts:
                      - name: far
                        engine: far.example
                        auth: { token: { storage: { kind: inline, value: very-secret-token } } }
                        transport: { tls: { insecureSkipVerify: true } }

                    """
                let clientFile = try folder.write(client, to: "client.yaml", mode: 0o600)
                let text = """
                    version: 1
                    clientConfig: client.yaml
                    contexts:
                      far: { external: true }
                      near: { engine: near.example, token: very-secret-token, transport: { tls: { insecureSkipVerify: true } } }
                      good: { engine: good.example, token: very-secret-token }

                    """
                let file = try folder.write(text, to: "rstreamd.yaml")
                let result = try await Self.run("--check", "--config", file)
                #expect(result.exit == .status(0))
                let warnings = result.errors.filter { $0.contains("certificate is not checked") }
                #expect(warnings.count == 2, "\(result.errors)")
                #expect(warnings.contains { $0.hasPrefix("\(file):4:") && $0.contains("context \"far\"") })
                #expect(warnings.contains { $0.hasPrefix("\(file):5:") })
                #expect(result.errors.joined().contains("remove insecureSkipVerify from \(clientFile)"))
                #expect(!result.errors.joined().contains("very-secret-token"))
            }
        }

        @Test(
            "--check refuses certificates that are of no use, by the line that names them; a missing file may still come"
        )
        func certificates() async throws {
            try await Pair.withFolder { folder in
                let text = """
                    version: 1
                    contexts:
                      main:
                        engine: engine.example
                        mtls: { certificateFile: c.pem, keyFile: k.pem }
                        transport:
                          tls: { caFile: ca.pem }
                    tunnels:
                      - { name: web, forward: 8080, context: main, tunnel: { protocol: http } }

                    """
                let file = try folder.write(text, to: "rstreamd.yaml")
                try folder.write(ClientCertificate.certificate, to: "c.pem")
                let missing = try await Self.run("--check", "--config", file)
                #expect(missing.exit == .status(0), "\(missing.errors)")
                #expect(missing.errors.count { $0.contains("cannot be read: there is no such file") } == 2)

                try folder.write(ClientCertificate.endedKey, to: "k.pem")
                try folder.write("garbage", to: "ca.pem")
                let check = try Binaries.path(of: "rstreamctl")
                for result in [
                    try await Self.run("--check", "--config", file),
                    try await ProcessHandle.run(check, ["check", file]),
                ] {
                    #expect(result.exit == .status(78))
                    let said = result.errors.joined(separator: "\n")
                    let key = "\(file):5:37: error: context \"main\": key file \"\(folder.path)/k.pem\" does not belong"
                    #expect(said.contains(key), "\(said)")
                    #expect(said.contains("\(file):7:14: error: context \"main\": engine CA file"), "\(said)")
                }
                try folder.write(ClientCertificate.key, to: "k.pem")
                try folder.write(ClientCertificate.certificate, to: "ca.pem")
                let good = try await Self.run("--check", "--config", file)
                #expect(good.exit == .status(0) && good.errors.isEmpty, "\(good.errors)")
            }
        }

        @Test("--check warns of a client certificate that has ended, and of none that is good")
        func ends() async throws {
            try await Pair.withFolder { folder in
                let text = """
                    version: 1
                    contexts:
                      main: { engine: engine.example, mtls: { certificateFile: c.pem, keyFile: k.pem } }
                    tunnels:
                      - { name: web, forward: 8080, context: main, tunnel: { protocol: http } }

                    """
                let file = try folder.write(text, to: "rstreamd.yaml")
                try folder.write(ClientCertificate.endedCertificate, to: "c.pem")
                try folder.write(ClientCertificate.endedKey, to: "k.pem")
                let ended = try await Self.run("--check", "--config", file)
                #expect(ended.exit == .status(0))
                let place = "\(file):3:3: warning: context \"main\""
                let said = "\(place): the client certificate \(folder.path)/c.pem expired at 2021-01-01T00:00:00.000Z"
                #expect(ended.errors == ["\(said) (replace it)"])
                try folder.write(ClientCertificate.certificate, to: "c.pem")
                try folder.write(ClientCertificate.key, to: "k.pem")
                #expect(try await Self.run("--check", "--config", file).errors.isEmpty)
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
                            #expect(complaints.map(\.message) == ["configuration diagnostic"], "\(complaints)")
                            #expect(
                                complaints.first?.facts["error"]?.hasPrefix("all users of this host can read") == true
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
                        let line = try await pair.daemon.logged("stopping")
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
                for (timeout, isTwice) in [("300ms", false), ("10m", true)] {
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
                                try await pair.daemon.logged("stopping")
                                if isTwice { pair.daemon.process.send(signal: SIGTERM) }
                                #expect(try await pair.daemon.process.exit() == .status(0))
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
                    try await pair.daemon.logged("session restored")
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

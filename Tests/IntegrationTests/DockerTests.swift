// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Glibc
import RstreamTestSupport
import Testing

extension Integration {
    /// `rstreamd-docker` beside a daemon that watches its file, and an API of containers.
    @Suite struct DockerTests {
        private struct Site: Sendable {
            let folder: ProcessFolder
            let api: TestContainerAPI
            let program: ProcessHandle
            let socket: String
            let file: String
        }

        /// The program, as this user or as another one, who owns the folder of the file then.
        private static func with(
            _ arguments: [String] = [],
            user: UInt32? = nil,
            _ body: (Site) async throws -> Void
        ) async throws {
            try await Pair.withFolder { folder in
                let (socket, labels) = ("\(folder.path)/docker.sock", try folder.makeFolder("labels"))
                try await TestContainerAPI.with(at: .unix(path: socket)) { api in
                    if let user {
                        chmod(socket, 0o666)
                        chown(labels, user, user)
                    }
                    let file = "\(labels)/docker.yaml"
                    let program = try await ProcessHandle.start(
                        try Binaries.path(of: "rstreamd-docker"),
                        ["--host", "unix://\(socket)", "--output", file] + arguments,
                        user: user
                    )
                    do {
                        try await body(
                            Site(folder: folder, api: api, program: program, socket: socket, file: file)
                        )
                        await program.kill()
                    } catch {
                        print("the program's lines:", program.errors.all.suffix(20).joined(separator: "\n"))
                        await program.kill()
                        throw error
                    }
                }
            }
        }

        /// A container on this host's loopback address whose service is at this port.
        private static func container(_ name: String, port: Int, _ more: [String: String] = [:]) -> TestContainer {
            let labels = ["forward": "\(port)", "protocol": "tcp"].merging(more) { $1 }.map { key, value in
                ("rstream.tunnel.raw.\(key)", value)
            }
            return TestContainer(
                name,
                labels: Dictionary(uniqueKeysWithValues: labels),
                networks: ["bridge": "127.0.0.1"]
            )
        }

        private static func follow(user: UInt32?, settings: String = "") async throws {
            try await Upstream.exchanging { upstream in
                try await with(user: user) { site in
                    _ = try await site.program.errors.first { $0.contains("docker.yaml: 0 tunnels") }
                    try await Pair.withEngine(in: site.folder) { engine in
                        let configuration = Pair.configuration(
                            port: engine.port,
                            caFile: engine.caFile,
                            tunnels: "  []",
                            settings: "\(Pair.quick)\nwatch: true\ninclude: [labels/*.yaml]\(settings)"
                        )
                        try await Pair.withDaemon(in: site.folder, configuration: configuration) { daemon in
                            try await daemon.logged("admin socket open")
                            let app = container("app", port: upstream.port)
                            let wrong = container("wrong", port: upstream.port, ["protocol": "gopher"])
                            site.api.change(to: [app, wrong], event: app.event("start"))
                            let tunnel = try await engine.tunnel("app-raw")
                            #expect(await Visitor.isServed(port: tunnel.port ?? 0))
                            let line = try await site.program.errors.first { $0.contains("wrong") }.line
                            #expect(
                                line.contains(#"container "wrong": label rstream.tunnel.raw.protocol: "#),
                                "\(line)"
                            )

                            // Nothing of this tunnel is touched when another one comes.
                            let other = container("other", port: upstream.port)
                            site.api.change(to: [app, other], event: other.event("start"))
                            _ = try await engine.tunnel("other-raw")
                            #expect(try await engine.tunnel("app-raw").id == tunnel.id)

                            site.api.change(to: [other], event: app.event("die"))
                            try await engine.wait { $0.tunnels == 1 }
                            #expect(try await engine.tunnels().map(\.name) == ["other-raw"])

                            #expect(try await site.program.terminate() == .status(0))
                            #expect(try site.folder.read("labels/docker.yaml").contains("other-raw"))
                            #expect(try await engine.statistics().tunnels == 1)
                            #expect(daemon.complaints().isEmpty, "\(daemon.complaints())")
                        }
                    }
                }
            }
        }

        @Test("a container with labels gets a tunnel, and takes it along when it stops")
        func container() async throws {
            try await Self.follow(user: nil)
        }

        @Test(
            "the program needs no more than a file of its own, which the daemon takes from another user",
            .enabled(if: Binaries.mustBeComplete || getuid() == 0, "\(OwnershipTests.needs)")
        )
        func owner() async throws {
            try await Self.follow(user: 65_534, settings: "\nlimits: { tunnelOwners: [nobody] }")
        }

        @Test("the file goes at the end where that is asked for")
        func removal() async throws {
            try await Self.with(["--remove"]) { site in
                let app = Self.container("app", port: 80)
                site.api.change(to: [app], event: app.event("start"))
                _ = try await site.program.errors.first { $0.contains("docker.yaml: 1 tunnel") }
                #expect(access(site.file, F_OK) == 0)
                #expect(try await site.program.terminate() == .status(0))
                #expect(access(site.file, F_OK) != 0)
            }
        }

        @Test("an API that goes away is told once, and the file stays")
        func outage() async throws {
            try await Self.with { site in
                let app = Self.container("app", port: 80)
                site.api.change(to: [app], event: app.event("start"))
                _ = try await site.program.errors.first { $0.contains("1 tunnel") }
                try await site.api.endEvents(.says("nonsense"))
                _ = try await site.program.errors.first { $0.contains("is away") }
                #expect(try site.folder.read("labels/docker.yaml").contains("app-raw"))
                site.api.change(to: .serves)
                _ = try await site.program.errors.first { $0.contains("is back") }
                #expect(site.program.errors.all.count { $0.contains("is away") } == 1)
                #expect(try await site.program.terminate() == .status(0))
            }
        }

        /// What is done to real containers, and which of them have a tunnel then.
        private static func steps(_ site: ContainerSite.Program) -> [(done: String, served: [String])] {
            let labels = "--label rstream.tunnel.raw.forward=80 --label rstream.tunnel.raw.protocol=tcp"
            let sleep = "busybox /bin/busybox sleep 1000"
            // The first process of a container ignores other signals.
            let options = "--stop-signal KILL"
            return [
                ("create --name app \(options) \(labels) \(sleep)", []),
                ("start app", ["app"]),
                ("run -d --name plain \(options) \(sleep)", ["app"]),
                ("run -d --name other \(options) \(labels) \(sleep)", ["app", "other"]),
                ("pause app", ["other"]),
                ("unpause app", ["app", "other"]),
                ("rename app shop", ["other", "shop"]),
                ("restart -t 0 shop", ["other", "shop"]),
                ("network disconnect \(site.network) shop", ["other"]),
                ("network connect \(site.network) shop", ["other", "shop"]),
                ("kill other", ["shop"]),
                ("start other", ["other", "shop"]),
            ]
        }

        /// Waits until the tunnels of these containers are in the file, and no others.
        private static func expect(
            _ containers: [String],
            after done: String,
            at site: ContainerSite,
            in folder: ProcessFolder,
            _ program: ProcessHandle
        ) async throws {
            var (found, wanted): ([String], [String]) = ([], [])
            do {
                while true {
                    let mark = program.errors.count
                    wanted = []
                    for container in containers {
                        wanted.append("\(container)-raw forward: \(try await site.address(of: container)):80")
                    }
                    found = try folder.read("docker.yaml").split(separator: "- name: ").dropFirst().map { tunnel in
                        let lines = tunnel.split(separator: "\n").map { $0.drop { $0 == " " } }
                        return "\(lines[0]) \(lines.first { $0.hasPrefix("forward: ") } ?? "")"
                    }
                    // They are in the order in which the containers were made, which is told in seconds.
                    if found.sorted() == wanted.sorted() { return }
                    _ = try await program.errors.first(from: mark) { $0.contains("docker.yaml: ") }
                }
            } catch {
                Issue.record("after `\(done)`: \(found), and not \(wanted)")
                throw error
            }
        }

        @Test(
            "containers of Docker and Podman, as these are, have their tunnels whatever happens to them",
            .enabled(if: ContainerSite.isPossible, "\(ContainerSite.needs)"),
            arguments: ContainerSite.Program.allCases
        )
        func containers(of site: ContainerSite.Program) async throws {
            try await Pair.withFolder { folder in
                try await ContainerSite.with(site, in: folder) { running, service in
                    let program = try await ProcessHandle.start(
                        try Binaries.path(of: "rstreamd-docker"),
                        ["--host", running.host, "--output", "\(folder.path)/docker.yaml"]
                    )
                    do {
                        _ = try await program.errors.first { $0.contains("docker.yaml: 0 tunnels") }
                        for (done, served) in Self.steps(site) {
                            try await running.docker(done)
                            try await Self.expect(served, after: done, at: running, in: folder, program)
                        }

                        // The containers run on, and so do their tunnels.
                        let before = try folder.read("docker.yaml")
                        try await running.stop(service)
                        _ = try await program.errors.first { $0.contains("is away") }
                        #expect(try folder.read("docker.yaml") == before)
                        let again = try await running.start()
                        _ = try await program.errors.first { $0.contains("is back") }
                        #expect(try folder.read("docker.yaml") == before)
                        try await running.docker("rm -f shop")
                        try await Self.expect(["other"], after: "rm -f shop", at: running, in: folder, program)
                        #expect(again.isRunning)
                        #expect(try await program.terminate() == .status(0))
                    } catch {
                        print("the program's lines:", program.errors.all.suffix(20).joined(separator: "\n"))
                        await program.kill()
                        throw error
                    }
                }
            }
        }

        @Test("the manual page has every option, and no other")
        func manual() async throws {
            let help = try await ProcessHandle.run(try Binaries.path(of: "rstreamd-docker"), ["--help"])
            let options = help.output.filter { $0.hasPrefix("  -") }.flatMap { line in
                line.split { " ,".contains($0) }.filter { $0.hasPrefix("-") }.map { String($0.dropFirst()) }
            }
            let page = try String(contentsOfFile: "\(Binaries.packageRoot)/man/rstreamd-docker.8", encoding: .utf8)
            let described = page.split(separator: "\n").filter { $0.hasPrefix(".It Fl ") }.flatMap { line in
                line.dropFirst(".It Fl ".count).split(separator: " ").filter {
                    $0 == "h" || $0 == "o" || $0.hasPrefix("-")
                }
                .map(String.init)
            }
            #expect(Set(options) == Set(described))
            #expect(options.count == 12, "\(options)")
        }

        @Test("one listing is written or printed, and the exit status tells how it went")
        func once() async throws {
            try await Self.with { site in
                let app = Self.container("app", port: 80)
                func run(
                    _ arguments: [String]
                ) async throws -> (exit: ProcessHandle.Exit, output: [String], errors: [String]) {
                    try await ProcessHandle.run(
                        try Binaries.path(of: "rstreamd-docker"),
                        ["--output", "\(site.folder.path)/once.yaml"] + arguments,
                        environment: ["DOCKER_HOST": "unix://\(site.socket)"]
                    )
                }
                site.api.change(to: [app], event: "")
                let printed = try await run(["--dry-run"])
                #expect(printed.exit == .status(0))
                #expect(printed.output.contains("  - name: app-raw"))
                #expect(access("\(site.folder.path)/once.yaml", F_OK) != 0)
                let written = try await run(["--once"])
                #expect((written.exit, written.output) == (.status(0), []))
                #expect(try site.folder.read("once.yaml") == printed.output.map { "\($0)\n" }.joined())

                site.api.change(to: [app, Self.container("wrong", port: 0)], event: "")
                let wrong = try await run(["--dry-run"])
                #expect(wrong.exit == .status(1))
                #expect(wrong.errors.count == 1, "\(wrong.errors)")
                #expect(wrong.output == printed.output)

                #expect(try await run(["--once", "--host", "unix:///nowhere"]).exit == .status(69))
                #expect(try await run(["--once", "--dry-run"]).exit == .status(64))
                #expect(try await run(["--host", "nowhere"]).exit == .status(64))
                #expect(try await run(["--once", "--output", "/nowhere/f"]).exit == .status(1))
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import Logging
import NIOCore
import NIOPosix
import RstreamAdmin
import RstreamConfig
import RstreamDaemonModel
import RstreamModel
import RstreamSocket
import RstreamTestSupport
import ServiceLifecycle
import Testing

@testable import RstreamDaemon

@Suite("The admin socket", .serialized, .timeLimit(.hang))
struct AdminListenerTests {
    private func expectAnswer(at path: String, _ isExpected: Bool = true) async {
        let answer = try? await AdminSocket(path: path).call("GET", "/v1/log")
        #expect((answer?.status == 200) == isExpected, "\(path)")
    }

    @Test("permits its user and group, is removed by a stop, and warns of a group that does not exist")
    func life() async throws {
        var path = ""
        try await RunningDaemon.withAdmin(DaemonConfiguration()) { daemon in
            path = daemon.admin.path
            #expect(FileFacts.mode(of: path) == S_IFSOCK | 0o660)
            let warning = daemon.log.lines("admin socket group not found")
            #expect(warning.first?.level == .warning)
            await expectAnswer(at: path)
            try await daemon.stop()
        }
        #expect(FileFacts.mode(of: path) == nil)
    }

    @Test("is created again by a reload after its file was removed")
    func removed() async throws {
        try await RunningDaemon.withAdmin(DaemonConfiguration()) { daemon in
            let path = daemon.admin.path
            await expectAnswer(at: path)
            #expect(unlink(path) == 0)
            try await daemon.reload()
            #expect(FileFacts.mode(of: path) == S_IFSOCK | 0o660)
            await expectAnswer(at: path)
            try await daemon.stop()
            #expect(FileFacts.mode(of: path) == nil)
        }
    }

    @Test("warns of a group that the daemon is not a member of")
    func foreignGroup() async throws {
        let message = "daemon not in admin socket group"
        try await TemporaryFolder.with { folder in
            var configuration = DaemonConfiguration()
            configuration.admin.socket = folder.path(of: "admin.sock")
            // Nobody is in it beside the processes of mail, on any Debian.
            configuration.admin.group = "mail"
            try await RunningDaemon.with(configuration, opensAdminListeners: true) { daemon in
                #expect(daemon.log.lines(message).isEmpty == (geteuid() == 0))
            }
        }
    }

    @Test("opens although the metrics address is not available, which is retried")
    func unavailableMetrics() async throws {
        try await TestServer.with(.manual) { holder in
            let port = holder.port
            var configuration = DaemonConfiguration(
                metrics: .tcp(host: "127.0.0.1", port: port),
                reconnect: ReconnectSettings(minimum: .milliseconds(1), maximum: .milliseconds(5))
            )
            configuration.admin.group = "nobody-has-this-group"
            try await RunningDaemon.withAdmin(configuration) { daemon in
                try await daemon.log.wait(for: "metrics listen failed, retrying")
                await expectAnswer(at: daemon.admin.path)
                // A reload of something else goes on waiting.
                #expect(try await daemon.reload { $0.drain.timeout = .seconds(1) }.message == "configuration reloaded")
                await holder.stopListening()
                try await daemon.log.wait(for: "metrics port open")
                let connection = try await TestConnection.connect(toPort: port)
                try await connection.send(AdminSocket.request("GET", "/metrics"))
                #expect(try await connection.receiveText().contains("rstreamd_build_info"))
                await connection.close()
                let lines = daemon.log.lines("metrics listen failed, retrying")
                #expect(lines.count == 1 && lines.first?.metadata["retry_in"] != nil, "\(lines)")
            }
        }
    }

    @Test("metrics take a port that a listener gives up in the same reload, and give theirs to one")
    func exchangedPorts() async throws {
        let ports = try await TestServer.withDeadPort { first in
            try await TestServer.withDeadPort { second in [first, second] }
        }
        let context = ContextDefinition(
            name: "main",
            engine: .address(try EngineAddress("127.0.0.1:9")),
            credential: .none
        )
        func place(_ port: Int) -> ListenAddress { .tcp(host: "127.0.0.1", port: port) }
        var configuration = DaemonConfiguration(metrics: place(ports[0]))
        configuration.listeners = [
            ListenerDefinition(name: "db", listen: place(ports[1]), target: "x", context: context)
        ]
        try await RunningDaemon.withAdmin(configuration) { daemon in
            try await daemon.log.wait(for: "listening")
            for round in 1...2 {
                let (metrics, listen) = (place(ports[round % 2]), place(ports[1 - round % 2]))
                daemon.files.change { files in
                    guard case .good(var configuration) = files else { return }
                    configuration.metrics = metrics
                    configuration.listeners[0].listen = listen
                    files = .good(configuration)
                }
                let dry = try await daemon.admin.call("POST", "/v1/reload", #"{"dryRun":true}"#)
                #expect(dry.status == 200, "\(dry)")
                #expect(try await daemon.admin.call("POST", "/v1/reload").status == 200)
                try await daemon.log.wait(for: "metrics port open", count: round + 1)
                try await daemon.log.wait(for: "listening", count: round + 1)
            }
            #expect(daemon.log.lines("metrics listen failed, retrying").isEmpty)
            #expect(daemon.log.lines("listen failed, retrying").isEmpty)
        }
    }

    @Test("has a link at its default path wherever it is, until it is there itself or the daemon stops")
    func pointer() async throws {
        try await TemporaryFolder.with { folder in
            let (usual, other) = (folder.path(of: "admin.sock"), folder.path(of: "other.sock"))
            let pointer = AdminPointer(path: usual)
            await pointer.lead(to: other)
            #expect(FileFacts.mode(of: usual).map { $0 & S_IFMT } == S_IFLNK)
            await pointer.lead(to: folder.path(of: "third.sock"))
            #expect(FileFacts.mode(of: usual).map { $0 & S_IFMT } == S_IFLNK)
            await pointer.remove()
            #expect(FileFacts.mode(of: usual) == nil)
            // A file of another owner stays.
            try folder.write("mine", to: "admin.sock")
            await pointer.lead(to: other)
            await pointer.remove()
            #expect(try folder.read("admin.sock") == "mine")
            await pointer.lead(to: usual)
        }
    }

    @Test("moves to its default path in place of the link, as a dry run says")
    func moveToPointer() async throws {
        try await TemporaryFolder.with { folder in
            let (usual, moved) = (folder.path(of: "usual.sock"), folder.path(of: "moved.sock"))
            var configuration = DaemonConfiguration()
            (configuration.admin.socket, configuration.admin.group) = (moved, "nobody")
            try await RunningDaemon.with(configuration, opensAdminListeners: true, defaultSocket: usual) { daemon in
                daemon.files.change { files in
                    guard case .good(var configuration) = files else { return }
                    configuration.admin.socket = usual
                    files = .good(configuration)
                }
                let dry = try await AdminSocket(path: moved).call("POST", "/v1/reload", #"{"dryRun":true}"#)
                #expect(dry.status == 200, "\(dry)")
                #expect(FileFacts.mode(of: usual).map { $0 & S_IFMT } == S_IFLNK)
                #expect(try await AdminSocket(path: moved).call("POST", "/v1/reload").status == 200)
                #expect(FileFacts.mode(of: usual).map { $0 & S_IFMT } == S_IFSOCK)
                await expectAnswer(at: usual)
            }
        }
    }

    @Test("replaces a socket or link that a killed daemon has left at the default path, and no socket in use")
    func pointerAtLeftover() async throws {
        try await TemporaryFolder.with { folder in
            let (usual, live) = (folder.path(of: "usual.sock"), folder.path(of: "live.sock"))
            var configuration = DaemonConfiguration()
            (configuration.admin.socket, configuration.admin.group) = (folder.path(of: "moved.sock"), "nobody")
            try await TestServer.with(.manual, at: .unix(path: live)) { _ in
                #expect(link(live, usual) == 0)
                try await RunningDaemon.with(configuration, opensAdminListeners: true, defaultSocket: usual) { _ in
                    #expect(FileFacts.mode(of: usual).map { $0 & S_IFMT } == S_IFSOCK, "another program listens there")
                }
            }
            #expect(FileFacts.mode(of: usual).map { $0 & S_IFMT } == S_IFSOCK)
            try await RunningDaemon.with(configuration, opensAdminListeners: true, defaultSocket: usual) { daemon in
                #expect(FileFacts.mode(of: usual).map { $0 & S_IFMT } == S_IFLNK)
                await expectAnswer(at: usual)
                try await daemon.stop()
                #expect(FileFacts.mode(of: usual) == nil)
            }
            #expect(symlink(live, usual) == 0)
            configuration.admin.hasSocket = false
            try await RunningDaemon.with(configuration, opensAdminListeners: true, defaultSocket: usual) { _ in
                #expect(FileFacts.mode(of: usual) == nil, "there is nothing to lead to")
            }
        }
    }

    @Test("moves by a reload, keeps its clients, and leaves nothing at the old path")
    func moves() async throws {
        try await RunningDaemon.withAdmin(DaemonConfiguration()) { daemon in
            let (old, new) = (daemon.admin.path, daemon.admin.path + "2")
            let connection = try await daemon.admin.connect()
            try await connection.send(AdminSocket.request("GET", "/v1/log", close: false))
            _ = try await connection.receive(20)
            let line = try await daemon.reload { $0.admin.socket = new }
            #expect(line.message == "configuration reloaded")
            #expect(FileFacts.mode(of: old) == nil)
            await expectAnswer(at: new)
            connection.state.change { $0.received.clear() }
            try await connection.send(AdminSocket.request("GET", "/v1/log"))
            #expect(AdminSocket.Answer.all(in: try await connection.receiveText()).first?.status == 200)
            await connection.close()
        }
    }

    @Test("is closed by a reload that disables it, and reopened by one that enables it")
    func none() async throws {
        try await RunningDaemon.withAdmin(DaemonConfiguration(), usualName: "usual.sock") { daemon in
            let usual = Path.directory(of: daemon.admin.path) + "/usual.sock"
            #expect(FileFacts.mode(of: usual).map { $0 & S_IFMT } == S_IFLNK)
            try await daemon.reload { $0.admin.hasSocket = false }
            #expect(FileFacts.mode(of: daemon.admin.path) == nil)
            #expect(FileFacts.mode(of: usual) == nil, "nothing leads to it")
            #expect(daemon.log.lines("admin socket closed").count == 1)
            try await daemon.reload { $0.admin.hasSocket = true }
            await expectAnswer(at: daemon.admin.path)
        }
    }

    @Test("is every socket that systemd passes")
    func severalInherited() async throws {
        try await TemporaryFolder.with { folder in
            let paths = ["a.sock", "b.sock"].map { folder.path(of: $0) }
            let sockets = try paths.map { try UnixSocket.bind(toPath: $0) }
            for path in paths { #expect(chmod(path, 0o600) == 0) }
            let log = LogCapture()
            let daemon = Daemon(
                DaemonConfiguration(),
                load: { LoadedConfiguration(configuration: DaemonConfiguration(), warnings: []) },
                state: StateDirectory(folder.path, logger: log.logger),
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
                logger: log.logger
            )
            try await daemon.open(inherited: sockets)
            let group = ServiceGroup(services: [daemon], logger: log.logger)
            let running = Task { try await group.run() }
            for path in paths { await expectAnswer(at: path) }
            #expect(log.lines("admin socket open").count == 2)
            await group.triggerGracefulShutdown()
            try await running.value
        }
    }

    /// How many calls of those that are made at a path while `body` runs find nobody.
    private func refusals(at path: String, _ body: () async throws -> Void) async throws -> Int {
        let isOver = Observed(false)
        let caller = Task {
            var refused = 0
            while !isOver.value {
                do { _ = try await AdminSocket(path: path).call("GET", "/v1/log") } catch { refused += 1 }
            }
            return refused
        }
        // The task ends with it, however it ends.
        defer { isOver.change { $0 = true } }
        try await body()
        isOver.change { $0 = true }
        return await caller.value
    }

    @Test("can be reached at its default path while a reload moves it there and away")
    func movesAtPointer() async throws {
        try await TemporaryFolder.with { folder in
            let (usual, moved) = (folder.path(of: "usual.sock"), folder.path(of: "moved.sock"))
            var configuration = DaemonConfiguration()
            (configuration.admin.socket, configuration.admin.group) = (moved, "nobody")
            try await RunningDaemon.with(configuration, opensAdminListeners: true, defaultSocket: usual) { daemon in
                let refused = try await refusals(at: usual) {
                    for number in 0..<6 {
                        let socket = number.isMultiple(of: 2) ? usual : moved
                        let line = try await daemon.reload { $0.admin.socket = socket }
                        #expect(line.message == "configuration reloaded")
                        let kind = socket == usual ? S_IFSOCK : S_IFLNK
                        #expect(FileFacts.mode(of: usual).map { $0 & S_IFMT } == kind)
                        await expectAnswer(at: socket)
                    }
                }
                #expect(refused == 0)
            }
        }
    }

    @Test("gets other rights by a reload without an interruption")
    func mode() async throws {
        try await RunningDaemon.withAdmin(DaemonConfiguration()) { daemon in
            let path = daemon.admin.path
            let refused = try await refusals(at: path) {
                for mode: UInt32 in [0o600, 0o666, 0o660] {
                    let line = try await daemon.reload { $0.admin.mode = mode }
                    #expect(line.message == "configuration reloaded")
                    #expect(FileFacts.mode(of: path) == S_IFSOCK | mode)
                    await expectAnswer(at: path)
                }
            }
            #expect(refused == 0)
        }
    }

    @Test("stays as it is when the new path is not available, and so does everything else", arguments: [true, false])
    func refused(dryRun: Bool) async throws {
        try await RunningDaemon.withAdmin(DaemonConfiguration()) { daemon in
            let occupied = daemon.admin.path + "2"
            try await TestServer.with(.manual, at: .unix(path: occupied)) { _ in
                daemon.files.change { files in
                    guard case .good(var configuration) = files else { return }
                    configuration.admin.socket = occupied
                    configuration.metrics = .tcp(host: "127.0.0.1", port: 0)
                    configuration.listeners = []
                    files = .good(configuration)
                }
                let answer = try await daemon.admin.call("POST", "/v1/reload", #"{"dryRun":\#(dryRun)}"#)
                #expect(answer.status == 422)
                let reply = try answer.decode(ReloadReply.self)
                #expect(reply.outcome == .refused)
                let complaint = "cannot listen on \(occupied): another program listens there"
                #expect(reply.diagnostics.first?.message == complaint)
                await expectAnswer(at: daemon.admin.path)
                #expect(daemon.log.lines("metrics port open").isEmpty)
                #expect(FileFacts.mode(of: occupied).map { $0 & S_IFMT } == S_IFSOCK)
            }
        }
    }

    @Test("gets a new folder, which neither a dry run nor a refused reload leaves behind")
    func newFolder() async throws {
        try await RunningDaemon.withAdmin(DaemonConfiguration()) { daemon in
            let folder = daemon.admin.path + ".d"
            daemon.files.change { files in
                guard case .good(var configuration) = files else { return }
                configuration.admin.socket = folder + "/s"
                files = .good(configuration)
            }
            #expect(try await daemon.admin.call("POST", "/v1/reload", #"{"dryRun":true}"#).status == 200)
            #expect(FileFacts.mode(of: folder) == nil)
            let unavailable = ListenAddress.tcp(host: "192.0.2.1", port: 1)
            let refusal = try await daemon.reload { $0.metrics = unavailable }
            #expect(refusal.message.hasPrefix("reload refused"))
            #expect(FileFacts.mode(of: folder) == nil)
            let line = try await daemon.reload { $0.metrics = nil }
            #expect(line.message == "configuration reloaded")
            #expect(FileFacts.mode(of: folder) == S_IFDIR | 0o755)
            await expectAnswer(at: folder + "/s")
            rmdir(folder)
        }
    }

    @Test("replaces a socket that a dead process has left, and nothing else")
    func leftovers() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            let first = folder.path(of: "first")
            try await TestServer.with(at: .unix(path: first)) { _ in #expect(link(first, path) == 0) }
            let file = try folder.write("mine", to: "file")
            try await RunningDaemon.withAdmin(DaemonConfiguration()) { daemon in
                let dry = try await daemon.admin.call("POST", "/v1/reload", #"{"dryRun":true}"#)
                #expect(dry.status == 200)
                try await daemon.reload { $0.admin.socket = path }
                await expectAnswer(at: path)
                let line = try await daemon.reload { $0.admin.socket = file }
                #expect(line.message.hasPrefix("reload refused"))
                #expect(line.metadata["error"]?.hasSuffix("what is there is not a socket") == true)
                await expectAnswer(at: path)
            }
            #expect(try folder.read("file") == "mine")
        }
    }

    @Test("is refused as an upstream under any name, also after a reload has moved it")
    func upstream() async throws {
        try await TestEngine.with { engine in
            try await TemporaryFolder.with { folder in
                try await RunningDaemon.withAdmin(DaemonConfiguration()) { daemon in
                    let path = daemon.admin.path
                    let (second, moved) = (folder.path(of: "second"), folder.path(of: "moved"))
                    let link = folder.path(of: "link")
                    #expect(symlink(path, link) == 0)
                    #expect(Glibc.link(path, second) == 0)
                    var tunnels = engine.configuration([.tcp("path"), .tcp("second"), .tcp("link")], to: 9).tunnels
                    for (index, path) in [path, second, link].enumerated() {
                        tunnels[index].upstream = .unix(path: path)
                    }
                    let wanted = tunnels
                    try await daemon.reload { $0.tunnels = wanted }
                    for line in try await daemon.waitForTunnels(3) { try await visit(line) }
                    try await expectRefusals(3, daemon)

                    try await daemon.reload { configuration in
                        configuration.admin.socket = moved
                        configuration.tunnels[0].upstream = .unix(path: moved)
                    }
                    let line = try await daemon.waitForTunnels(3).first { $0.metadata["tunnel"] == "path" }
                    try await visit(try #require(line))
                    try await expectRefusals(4, daemon)
                    await expectAnswer(at: moved)
                }
            }
        }
    }

    /// Visits a published port, behind which nothing may be.
    private func visit(_ line: LogCapture.Line) async throws {
        let visitor = try await TestConnection.connect(toPort: try #require(line.port))
        try? await visitor.send(AdminSocket.request("GET", "/v1/status"))
        // The engine, which is told that there is no upstream, may reset a visitor whose bytes it has not read.
        let state = try await visitor.state.wait(for: "the end of the visitor") { $0.isOver }
        #expect(state.received.readableBytes == 0)
        await visitor.close()
    }

    private func expectRefusals(_ count: Int, _ daemon: RunningDaemon) async throws {
        _ = try await daemon.log.lines.wait(for: "refusals") { lines in
            lines.count { $0.metadata["error"]?.contains("the daemon's own admin socket") == true } >= count
        }
    }

    @Test("is accompanied by a metrics port, which a reload opens, moves and closes")
    func metrics() async throws {
        func port(_ daemon: RunningDaemon) -> Int? {
            let address = daemon.log.lines("metrics port open").last?.metadata["address"]
            return address?.split(separator: ":").last.flatMap { Int($0) }
        }
        func ask(_ port: Int?, _ method: String, _ target: String) async throws -> AdminSocket.Answer? {
            let connection = try await TestConnection.connect(toPort: try #require(port))
            try await connection.send(AdminSocket.request(method, target))
            let text = try await connection.receiveText()
            await connection.close()
            return AdminSocket.Answer.all(in: text).first
        }
        try await RunningDaemon.withAdmin(DaemonConfiguration()) { daemon in
            #expect(port(daemon) == nil)
            try await daemon.reload { $0.metrics = .tcp(host: "127.0.0.1", port: 0) }
            let first = port(daemon)
            let answer = try await ask(first, "GET", "/metrics")
            #expect(answer?.status == 200)
            #expect(answer?.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(answer?.body.contains("rstreamd_build_info{version=\"\(rstreamVersion)\"} 1\n") == true)
            #expect(try await ask(first, "GET", "/v1/status")?.problem?.code == .unknownPath)
            for path in ["/v1/health/live", "/v1/health/ready"] {
                let health = try #require(try await ask(first, "GET", path))
                #expect(health.status == 200 && health.body.contains(#""status":"ok""#), "\(health)")
            }
            let wrong = try await ask(first, "POST", "/metrics")
            #expect(wrong?.status == 405)
            #expect(wrong?.headers["allow"] == "GET")
            // The same port on every address: the kernel would not bind both.
            let line = try await daemon.reload { $0.metrics = .tcp(host: "0.0.0.0", port: first ?? 0) }
            #expect(line.message == "configuration reloaded")
            #expect(try await ask(first, "GET", "/metrics")?.status == 200)
            // An address that is not this host's: the port stays open where it was.
            let refusal = try await daemon.reload { $0.metrics = .tcp(host: "192.0.2.1", port: first ?? 0) }
            #expect(refusal.message.hasPrefix("reload refused"))
            #expect(try await ask(first, "GET", "/metrics")?.status == 200)
            try await daemon.reload { $0.metrics = nil }
            await #expect(throws: (any Error).self) { try await ask(first, "GET", "/metrics") }
        }
    }

    /// What a port answers to a request.
    private static func ask(_ port: Int?, _ request: String) async throws -> AdminSocket.Answer? {
        let connection = try await TestConnection.connect(toPort: try #require(port))
        try await connection.send(request)
        let text = try await connection.receiveText()
        await connection.close()
        return AdminSocket.Answer.all(in: text).first
    }

    private static func pagePort(_ daemon: RunningDaemon) -> Int? {
        let address = daemon.log.lines("page open").last?.metadata["address"]
        return address?.split(separator: ":").last.flatMap { Int($0) }
    }

    @Test("has the page, which a reload also opens at a port, and there nothing can be changed")
    func page() async throws {
        try await RunningDaemon.withAdmin(DaemonConfiguration()) { daemon in
            let own = try await daemon.admin.call("GET", "/")
            #expect(own.status == 200 && own.body.contains("<h1>rstreamd"), "\(own)")
            #expect(own.headers["content-security-policy"]?.contains("default-src 'none'") == true)
            #expect(own.headers["cache-control"] == "no-store")
            let configuration = try await daemon.admin.call("GET", "/config")
            #expect(configuration.body.contains("&quot;version&quot;: 1"), "\(configuration)")
            #expect(Self.pagePort(daemon) == nil)

            try await daemon.reload { $0.page.listen = .tcp(host: "127.0.0.1", port: 0) }
            let port = try #require(Self.pagePort(daemon))
            for target in ["/", "/page.css", "/page.js", "/config", "/v1/status", "/v1/streams", "/v1/health/live"] {
                let answer = try await Self.ask(port, AdminSocket.request("GET", target))
                #expect(answer?.status == 200, "\(target)")
                #expect(answer?.headers["x-content-type-options"] == "nosniff", "\(target)")
            }
            for target in ["/v1/openapi.json", "/metrics", "/v1/log", "/index.html"] {
                #expect(try await Self.ask(port, AdminSocket.request("GET", target))?.status == 404, "\(target)")
            }
            let changes = [("POST", "/v1/reload"), ("DELETE", "/v1/streams/1"), ("PUT", "/v1/log"), ("POST", "/")]
            for (method, target) in changes {
                let answer = try await Self.ask(port, AdminSocket.request(method, target))
                #expect(answer?.status == 405 && answer?.headers["allow"] == "GET", "\(method) \(target)")
            }
            #expect(daemon.log.lines("admin request").isEmpty)
            let head = try await Self.ask(port, AdminSocket.request("HEAD", "/"))
            #expect(head?.status == 200 && head?.body.isEmpty == true)

            // A name of another host that leads here, until the configuration has it.
            func host(_ name: String) -> String { "GET / HTTP/1.1\r\nHost: \(name)\r\nConnection: close\r\n\r\n" }
            #expect(try await Self.ask(port, host("tunnels.example"))?.status == 403)
            try await daemon.reload { $0.page.hosts = ["tunnels.example"] }
            #expect(Self.pagePort(daemon) == port && daemon.log.lines("page open").count == 1, "it stays open")
            #expect(try await Self.ask(port, host("tunnels.example"))?.status == 200)
            #expect(try await Self.ask(port, host("evil.example"))?.status == 403)
            for headers in [["Origin": "http://evil.example"], ["Sec-Fetch-Site": "cross-site"]] {
                let answer = try await Self.ask(port, AdminSocket.request("GET", "/v1/status", headers: headers))
                #expect(answer?.status == 403, "\(headers)")
            }

            try await daemon.reload { $0.page = PageSettings() }
            await #expect(throws: (any Error).self) { try await TestConnection.connect(toPort: port) }
        }
    }

    @Test("the page and the metrics may change places in one reload, and a refused one leaves both where they are")
    func swappedPorts() async throws {
        let ports = try await TestServer.withDeadPort { first in
            try await TestServer.withDeadPort { second in [first, second] }
        }
        func place(_ port: Int) -> ListenAddress { .tcp(host: "127.0.0.1", port: port) }
        func expect(metrics: Int, page: Int) async throws {
            #expect(try await Self.ask(metrics, AdminSocket.request("GET", "/metrics"))?.status == 200)
            #expect(try await Self.ask(page, AdminSocket.request("GET", "/"))?.status == 200)
        }
        var configuration = DaemonConfiguration(metrics: place(ports[0]))
        configuration.page.listen = place(ports[1])
        try await RunningDaemon.withAdmin(configuration) { daemon in
            try await expect(metrics: ports[0], page: ports[1])
            daemon.files.change { files in
                guard case .good(var configuration) = files else { return }
                (configuration.metrics, configuration.page.listen) = (place(ports[1]), place(ports[0]))
                files = .good(configuration)
            }
            let dry = try await daemon.admin.call("POST", "/v1/reload", #"{"dryRun":true}"#)
            #expect(dry.status == 200, "\(dry)")
            try await expect(metrics: ports[0], page: ports[1])
            #expect(try await daemon.admin.call("POST", "/v1/reload").status == 200)
            try await expect(metrics: ports[1], page: ports[0])
            let refusal = try await daemon.reload { configuration in
                configuration.metrics = place(ports[0])
                configuration.page.listen = .tcp(host: "192.0.2.1", port: ports[1])
            }
            #expect(refusal.message.hasPrefix("reload refused"))
            try await expect(metrics: ports[1], page: ports[0])
            #expect(daemon.log.lines("page lost").isEmpty && daemon.log.lines("metrics port lost").isEmpty)
        }
    }

    @Test("metrics at localhost are served on both loopback addresses, or on neither")
    func loopbackMetrics() async throws {
        let hosts = await TestServer.loopbacks()
        func expectMetrics(_ port: Int) async throws {
            for host in hosts {
                let connection = try await TestConnection.connect(toPort: port, of: host)
                try await connection.send(AdminSocket.request("GET", "/metrics"))
                #expect(try await connection.receiveText().contains("rstreamd_build_info"), "\(host)")
                await connection.close()
            }
        }
        try await RunningDaemon.withAdmin(DaemonConfiguration()) { daemon in
            try await daemon.reload { $0.metrics = .tcp(host: "localhost", port: 0) }
            let places = try #require(daemon.log.lines("metrics port open").last?.metadata["address"])
            let port = try #require(places.split(separator: ":").last.flatMap { Int($0) })
            #expect(places == hosts.map { $0 == "::1" ? "[::1]:\(port)" : "\($0):\(port)" }.joined(separator: " "))
            try await expectMetrics(port)
            // The same port at one of them, and back.
            try await daemon.reload { $0.metrics = .tcp(host: "127.0.0.1", port: port) }
            await #expect(throws: (any Error).self) { try await TestConnection.connect(toPort: port, of: "::1") }
            try await daemon.reload { $0.metrics = .tcp(host: "localhost", port: port) }
            try await expectMetrics(port)
            guard hosts.count == 2 else { return }
            try await TestServer.withDeadPort(of: "::1") { taken in
                for dryRun in [true, false] {
                    daemon.files.change { files in
                        guard case .good(var configuration) = files else { return }
                        configuration.metrics = .tcp(host: "localhost", port: taken)
                        files = .good(configuration)
                    }
                    let answer = try await daemon.admin.call("POST", "/v1/reload", #"{"dryRun":\#(dryRun)}"#)
                    #expect(
                        try answer.decode(ReloadReply.self).diagnostics.map(\.message)
                            == ["cannot listen on [::1]:\(taken) (localhost:\(taken)): another program listens there"]
                    )
                    await #expect(throws: (any Error).self) { try await TestConnection.connect(toPort: taken) }
                    try await expectMetrics(port)
                }
            }
        }
    }
}

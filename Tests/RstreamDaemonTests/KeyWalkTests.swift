// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import FoundationEssentials
import NIOCore
import RstreamAdmin
import RstreamConfig
import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("A reload that changes one key", .serialized, .timeLimit(.hang))
struct KeyWalkTests {
    /// Streams that are open on each side: one that came through the published tunnel, one through the listener.
    private struct Streams {
        let visitor: TestConnection
        let program: TestConnection

        /// The visitor comes to `port`, or where the tunnel was found first.
        static func open(_ daemon: RunningDaemon, _ folder: TemporaryFolder, port: Int? = nil) async throws -> Streams {
            let place = try SocketAddress(unixDomainSocketPath: folder.path(of: "local.sock"))
            let visitor = try await TestConnection.connect(toPort: try port ?? daemon.port(of: "web"))
            let program: TestConnection
            do { program = try await TestConnection.connect(to: place) } catch {
                await visitor.close()
                throw error
            }
            let streams = Streams(visitor: visitor, program: program)
            for connection in [visitor, program] {
                guard await isAlive(connection) else {
                    await streams.close()
                    throw DeadlinePassed(what: "an echo", state: "\(connection.state.value)")
                }
            }
            return streams
        }

        /// Sends one byte more each way.
        static func isAlive(_ connection: TestConnection) async -> Bool {
            guard (try? await connection.send("x")) != nil else { return false }
            return (try? await connection.receive(1))?.readableBytes == 1
        }

        func close() async {
            await visitor.close()
            await program.close()
        }
    }

    private struct World {
        let engine: TestEngine
        let daemon: RunningDaemon
        let folder: TemporaryFolder
        let walk: KeyWalk
        let original: DaemonConfiguration

        func reload(_ change: (inout DaemonConfiguration) -> Void) async throws -> ReloadReply {
            var next = original
            change(&next)
            let wanted = next
            daemon.files.change { $0 = .good(wanted) }
            let dry = try await daemon.admin.call("POST", "/v1/reload", #"{"dryRun":true}"#).decode(ReloadReply.self)
            let real = try await daemon.admin.call("POST", "/v1/reload").decode(ReloadReply.self)
            #expect(dry.changes == real.changes && dry.settings == real.settings && dry.outcome == real.outcome)
            return real
        }

        /// Waits until all is as it was at the beginning.
        func settle() async throws {
            let deadline = ContinuousClock.now + testTimeout
            while ContinuousClock.now < deadline {
                let status = try await daemon.admin.get("/v1/status", as: DaemonStatus.self)
                if status.isAsWanted, status.tunnels.count == 2 { return }
                try await Task.sleep(for: .milliseconds(20))
            }
            throw DeadlinePassed(what: "tunnels that are online again", state: "\(daemon.warnings)")
        }
    }

    /// What is there for people who come to the tunnels and the listener.
    private struct RunningStreams {
        let streams: Streams
        /// The tunnels as they were beforehand.
        let tunnels: [TunnelStatus]
    }

    /// Opens streams as soon as all is as in the files again. The tunnels `changed` are others than in `before`: the
    /// daemon shows the old ones until a session has got round to the reload.
    private func openStreams(
        _ world: World,
        after before: [TunnelStatus] = [],
        changed: Set<String> = []
    ) async throws -> RunningStreams {
        let deadline = ContinuousClock.now + testTimeout
        var last = "nothing was tried"
        while ContinuousClock.now < deadline {
            let status = try await world.daemon.admin.get("/v1/status", as: DaemonStatus.self)
            let engine = try await world.engine.engine.statistics()
            let isBack = status.tunnels.allSatisfy { tunnel in
                guard let old = before.first(where: { $0.name == tunnel.name }) else { return before.isEmpty }
                return tunnel.state == .online && tunnel.context == old.context
                    && Self.wanted(tunnel) == Self.wanted(old)
                    && (!changed.contains(tunnel.name) || tunnel.id != old.id)
            }
            if isBack, status.isAsWanted, status.tunnels.count == 2, engine.tunnels == 2, status.sessions.count == 1,
                status.streams.active == 0,
                let port = status.tunnels.first(where: { $0.name == "web" })?.properties.port
            {
                do {
                    let streams = try await Streams.open(world.daemon, world.folder, port: Int(port))
                    return RunningStreams(streams: streams, tunnels: status.tunnels)
                } catch { last = "\(error)" }
            } else {
                last = "\(status)"
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw DeadlinePassed(what: "tunnels and a listener that serve again", state: last)
    }

    /// What a tunnel is apart from what the engine chose.
    private static func wanted(_ tunnel: TunnelStatus) -> PropertiesReport {
        var properties = tunnel.properties
        (properties.hostname, properties.port) = (nil, nil)
        return properties
    }

    private func withWorld(_ body: (World) async throws -> Void) async throws {
        try await TemporaryFolder.with { folder in
            try await TestEngine.with { engine in
                try await TestServer.with(.echo) { server in
                    try await TestServer.with(.echo) { other in
                        let specs = [TunnelSpec.tcp("web"), TunnelSpec(name: "db", publish: false)]
                        var configuration = engine.configuration(specs, to: server.port)
                        for index in configuration.tunnels.indices { configuration.tunnels[index].disposition = .cut }
                        configuration.reload = .cut
                        configuration.contexts = [engine.context()]
                        configuration.listeners = [
                            ListenerDefinition(
                                name: "local",
                                listen: .unix(path: folder.path(of: "local.sock")),
                                target: "db",
                                context: engine.context()
                            )
                        ]
                        try folder.write(TestEngine.token.reveal() + "\n", to: "token")
                        try folder.write("1234\n", to: "pin")
                        let pairs: [ConfigurationKey] = [
                            .contextMtlsCertificateFile, .contextMtlsKeyFile, .upstreamTlsCertificateFile,
                            .upstreamTlsKeyFile,
                        ]
                        for key in pairs {
                            let pair = "\(ClientCertificate.certificate)\n\(ClientCertificate.key)\n"
                            try folder.write(pair, to: "\(key)")
                        }
                        try folder.write(ClientCertificate.certificate + "\n", to: "ca.pem")
                        try await RunningDaemon.withAdmin(configuration) { daemon in
                            try await daemon.waitForTunnels(2)
                            guard case .good(let original) = daemon.files.value else { return }
                            let walk = KeyWalk(port: other.port, folder: folder.path)
                            try await body(
                                World(engine: engine, daemon: daemon, folder: folder, walk: walk, original: original)
                            )
                        }
                    }
                }
            }
        }
    }

    @Test("that names a group which this host does not have says so, and not that it is in force")
    func unknownGroup() async throws {
        try await withWorld { world in
            for key in [ConfigurationKey.adminGroup, .adminReadGroup] {
                let reply = try await world.reload { configuration in
                    if key == .adminGroup {
                        configuration.admin.group = "there-is-no-such-group"
                    } else {
                        configuration.admin.readGroup = "there-is-no-such-group"
                    }
                }
                let setting = try #require(reply.settings.first { $0.key == key.rawValue })
                #expect(setting.obstacle == "this host has no group \"there-is-no-such-group\"")
                #expect(world.daemon.log.lines("setting not applied").last?.metadata["key"] == key.rawValue)
                _ = try await world.reload { _ in }
            }
        }
    }

    private static func keys(_ effects: Set<ReloadEffect>) -> [ConfigurationKey] {
        ConfigurationKey.allCases.filter { effects.contains($0.effect) && KeyWalk.hasValue($0) }
    }

    @Test("of the daemon itself affects no tunnel, is in force, and is logged")
    func settings() async throws {
        try await withWorld { world in
            let streams = try await Streams.open(world.daemon, world.folder)
            let before = try await world.engine.engine.statistics()
            // The socket last, because the test uses its path.
            let keys = Self.keys([.reading, .atOnce]).filter { $0 != .contextName && $0 != .adminSocket }
            for key in keys {
                let reply = try await world.reload { world.walk.change(key, &$0) }
                #expect(reply.outcome == .applied && reply.changes.isEmpty, "\(key.rawValue): \(reply)")
                #expect(reply.settings.contains(ReloadSetting(key: key.rawValue)), "\(key.rawValue): \(reply)")
                #expect(world.daemon.log.lines("setting changed").last?.metadata["key"] != nil)
                #expect(await Streams.isAlive(streams.visitor), "\(key.rawValue)")
                #expect(await Streams.isAlive(streams.program), "\(key.rawValue)")
            }
            // A session's name is one to people only, who see another one.
            let renamed = try await world.reload { world.walk.change(.contextName, &$0) }
            #expect(Set(renamed.changes.flatMap(\.keys)) == ["tunnels.context", "listeners.context"])
            #expect(renamed.changes.allSatisfy { $0.action == .update && $0.disposition == "keep" })
            let shown = try await world.daemon.admin.get("/v1/status", as: DaemonStatus.self)
            #expect(shown.tunnels.allSatisfy { $0.context == "renamed" })
            #expect(shown.listeners.allSatisfy { $0.context == "renamed" })
            #expect(shown.sessions.map(\.context) == ["renamed"])
            let states = try await world.daemon.admin.get("/v1/streams", as: [StreamStatus].self).map(\.state)
            #expect(states.allSatisfy { $0 == .relaying }, "\(states)")
            let after = try await world.engine.engine.statistics()
            #expect(after.controlConnectsTotal == before.controlConnectsTotal)
            for kind in ["OpenTunnelReq", "CloseTunnelReq"] {
                #expect(after.messages.count { $0.kind == kind } == before.messages.count { $0.kind == kind })
            }
            #expect(world.daemon.log.lines("listening").count == 1)
            await streams.close()
        }
    }

    @Test(
        "of the limits of a tunnel or listener, of a socket's rights, or of what is shown to the engine leaves the streams on each side alone"
    )
    func quiet() async throws {
        try await withWorld { world in
            let streams = try await Streams.open(world.daemon, world.folder)
            // One key may close the tunnel, where the checks of the keys before it have failed.
            for key in Self.keys([.update, .reconnect]) where key != .healthOnUnhealthy {
                // The key before it has a check as well, and only one of them says so.
                if key == .healthTcp { _ = try await world.reload { _ in } }
                let reply = try await world.reload { world.walk.change(key, &$0) }
                #expect(reply.outcome == .applied, "\(key.rawValue): \(reply)")
                let expected = key.effect == .update ? ReloadChange.Action.update : .reconnect
                // What the key before has changed is changed back.
                let change = try #require(
                    reply.changes.first {
                        $0.action == expected && (key.effect == .reconnect || $0.keys.contains(key.rawValue))
                    },
                    "\(key.rawValue): \(reply)"
                )
                #expect(!change.keys.isEmpty, "\(key.rawValue)")
                #expect(
                    reply.changes.allSatisfy { $0.disposition == nil || $0.disposition == "keep" },
                    "\(key.rawValue): \(reply)"
                )
                if key.effect == .reconnect {
                    #expect(reply.changes.map(\.listener).contains("local"), "\(key.rawValue)")
                    #expect(reply.changes.allSatisfy { $0.tunnel == nil }, "\(key.rawValue)")
                }
                #expect(await Streams.isAlive(streams.visitor), "\(key.rawValue)")
                #expect(await Streams.isAlive(streams.program), "\(key.rawValue)")
            }
            _ = try await world.reload { _ in }
            try await world.settle()
            #expect(await Streams.isAlive(streams.visitor))
            #expect(await Streams.isAlive(streams.program))
            let states = try await world.daemon.admin.get("/v1/streams", as: [StreamStatus].self).map(\.state)
            #expect(states.allSatisfy { $0 == .relaying }, "\(states)")
            await streams.close()
        }
    }

    @Test("of an upstream or of a tunnel's properties ends the affected streams, as the plan says")
    func loud() async throws {
        try await withWorld { world in
            var scene = try await openStreams(world)
            for key in Self.keys([.reroute, .replace, .presence]) {
                let streams = scene.streams
                let messages = try await world.engine.engine.statistics().messages.count { $0.kind == "OpenTunnelReq" }
                let reply = try await world.reload { world.walk.change(key, &$0) }
                #expect(reply.outcome == .applied, "\(key.rawValue): \(reply)")
                let web = reply.changes.first { $0.tunnel == "web" }
                let local = reply.changes.first { $0.listener == "local" }
                let db = reply.changes.first { $0.tunnel == "db" }
                try await expect(streams.visitor, isCut: web?.disposition == "cut", key)
                try await expect(streams.program, isCut: local?.disposition == "cut" || db?.disposition == "cut", key)
                if key.rawValue.hasPrefix("tunnels.") {
                    #expect(
                        web?.disposition == "cut" && web?.streams == 1 && local == nil && db == nil,
                        "\(key.rawValue): \(reply)"
                    )
                } else if key.rawValue.hasPrefix("listeners.") {
                    #expect(
                        local?.disposition == "cut" && local?.streams == 1 && web == nil,
                        "\(key.rawValue): \(reply)"
                    )
                }
                if key.effect == .reroute {
                    let now = try await world.engine.engine.statistics().messages.count { $0.kind == "OpenTunnelReq" }
                    #expect(web?.action == .update && now == messages, "\(key.rawValue)")
                } else if key.effect == .replace {
                    #expect((web ?? local)?.action == .replace, "\(key.rawValue)")
                }
                await streams.close()
                let back = try await world.reload { _ in }
                let changed = back.changes.filter { $0.action == .replace || $0.action == .add }.compactMap(\.tunnel)
                scene = try await openStreams(world, after: scene.tunnels, changed: Set(changed))
            }
            await scene.streams.close()
        }
    }

    private func expect(_ connection: TestConnection, isCut: Bool, _ key: ConfigurationKey) async throws {
        if isCut {
            try await connection.waitForClose()
        } else {
            #expect(await Streams.isAlive(connection), "\(key.rawValue)")
        }
    }

    @Test("is in the manual page for every key that a file may hold")
    func completeness() throws {
        let page = try String(contentsOfFile: "\(Binaries.packageRoot)/man/rstreamd.yaml.5", encoding: .utf8)
        #expect(page.contains(ReloadEffect.manual), "the page has the table:\n\(ReloadEffect.manual)")
    }
}

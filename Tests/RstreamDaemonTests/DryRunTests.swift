// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import DevEngine
import RstreamAdmin
import RstreamConfig
import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("A dry run", .serialized, .timeLimit(.hang))
struct DryRunTests {
    /// One random edit of the files.
    private static func edit(_ configuration: inout DaemonConfiguration, _ engine: TestEngine, _ random: inout SplitMix)
    {
        let tunnels = configuration.tunnels.indices
        let other = TunnelDefinition(
            name: "new\(Int.random(in: 0..<4, using: &random))",
            upstream: .tcp(host: "127.0.0.1", service: "1"),
            spec: TunnelSpec(),
            context: engine.context()
        )
        switch Int.random(in: 0..<19, using: &random) {
        case 0 where !configuration.tunnels.contains { $0.name == other.name }:
            var other = other
            other.spec = TunnelSpec(name: other.name, publish: false)
            other.isEnabled = Bool.random(using: &random)
            configuration.tunnels.append(other)
        case 1 where !tunnels.isEmpty: configuration.tunnels.remove(at: Int.random(in: tunnels, using: &random))
        case 2: configuration.tunnels.shuffle(using: &random)
        case 3: configuration.drain.timeout = .seconds(Int.random(in: 1...3, using: &random))
        case 4 where configuration.listeners.isEmpty:
            let listen = ListenAddress.tcp(host: "127.0.0.1", port: 0)
            configuration.listeners = [
                ListenerDefinition(name: "db", listen: listen, target: "x", context: engine.context())
            ]
        case 5: configuration.listeners = []
        case 6 where !configuration.listeners.isEmpty: configuration.listeners[0].target += "x"
        case 13 where !configuration.listeners.isEmpty:
            configuration.listeners[0].options.streamLimit = Int.random(in: 0...9, using: &random)
        case 14 where !configuration.listeners.isEmpty:
            configuration.listeners[0].options.dialTimeout = .seconds(Int.random(in: 1...9, using: &random))
        case 7: configuration.metrics = configuration.metrics == nil ? .tcp(host: "127.0.0.1", port: 0) : nil
        case 18: configuration.page.listen = configuration.page.listen == nil ? .tcp(host: "127.0.0.1", port: 0) : nil
        case 8: configuration.admin.mode = configuration.admin.mode == 0o660 ? 0o600 : 0o660
        case let choice:
            guard let index = tunnels.randomElement(using: &random) else { return }
            switch choice {
            case 9: configuration.tunnels[index].spec.labels["color"] = "\(Int.random(in: 0...9, using: &random))"
            case 10: configuration.tunnels[index].streamLimit = Int.random(in: 0...9, using: &random)
            case 11: configuration.tunnels[index].isEnabled.toggle()
            case 15: configuration.tunnels[index].targets[0].weight = Int.random(in: 1...3, using: &random)
            case 16:
                let spare = UpstreamTarget(.tcp(host: "127.0.0.1", service: "2"), isBackup: true)
                let targets = configuration.tunnels[index].targets
                configuration.tunnels[index].targets = targets.count == 1 ? targets + [spare] : [targets[0]]
            case 17:
                let health = UpstreamHealthOptions(rise: Int.random(in: 1...3, using: &random))
                configuration.tunnels[index].options.health = Bool.random(using: &random) ? health : nil
            default:
                configuration.tunnels[index].disposition =
                    [.drain, .keep, .cut].randomElement(using: &random) ?? .drain
            }
        }
    }

    @Test("reports exactly what the next reload does, whatever was edited", arguments: [UInt64(1), 2, 3])
    func foresees(seed: UInt64) async throws {
        try await AdminCallTests.withDaemon([.tcp("web"), .tcp("keep")]) { engine, daemon in
            var random = SplitMix(seed: seed)
            let visitor = try await AdminCallTests.openStream(daemon, "keep")
            let reader = try await daemon.admin.events()
            var seen: Set<String> = []
            for round in 0..<60 {
                let edits = Int.random(in: 0...3, using: &random)
                daemon.files.change { files in
                    guard case .good(var configuration) = files else { return }
                    for _ in 0..<edits { Self.edit(&configuration, engine, &random) }
                    files = .good(configuration)
                }
                // What an operator did until now is undone by a reload, which the dry run knows too.
                if Int.random(in: 0..<4, using: &random) == 0 {
                    let change = ["enable", "disable", "drain"].randomElement(using: &random) ?? ""
                    _ = try await daemon.admin.call("POST", "/v1/tunnels/web/\(change)")
                }
                let before = try await daemon.admin.get("/v1/status", as: DaemonStatus.self)
                let dry = try await daemon.admin.call("POST", "/v1/reload", #"{"dryRun":true}"#).decode(
                    ReloadReply.self
                )
                #expect(dry.dryRun)
                let after = try await daemon.admin.get("/v1/status", as: DaemonStatus.self)
                #expect(before.daemon.lastReload == after.daemon.lastReload)
                var real = try await daemon.admin.call("POST", "/v1/reload").decode(ReloadReply.self)
                #expect(!real.dryRun)
                real.dryRun = true
                #expect(Self.withoutCounts(real) == Self.withoutCounts(dry), "seed \(seed), round \(round)")
                seen.formUnion(real.changes.map(\.action.rawValue) + [real.outcome.rawValue])
                let told = try await reader.connection.state.wait(for: "reload \(round)") { state in
                    EventReader.events(in: state).count { $0.type.hasPrefix("reload.") } > round
                }
                let last = EventReader.events(in: told).filter { $0.type.hasPrefix("reload.") }[round]
                #expect(last.type == "reload.\(real.outcome.rawValue)")
                #expect(last.changes == real.changes)
                // A second one finds nothing left to do.
                let idle = try await daemon.admin.call("POST", "/v1/reload", #"{"dryRun":true}"#).decode(
                    ReloadReply.self
                )
                #expect(idle.outcome == .unchanged && idle.changes.isEmpty)
            }
            #expect(seen.isSuperset(of: ["add", "update", "replace", "remove", "applied", "unchanged"]), "\(seen)")
            await reader.connection.close()
            await visitor.close()
        }
    }

    /// Streams come and go between the two.
    private static func withoutCounts(_ reply: ReloadReply) -> ReloadReply {
        var reply = reply
        for index in reply.changes.indices { reply.changes[index].streams = 0 }
        return reply
    }
}

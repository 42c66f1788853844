// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamCore
@testable import RstreamDaemon

@Suite("A reload's plan")
struct ReloadPlanTests {
    typealias Session = WantedSession<String>

    static func tunnel(
        _ name: String,
        port: Int = 80,
        hostname: String? = nil,
        protocol: TunnelProtocol = .http,
        disposition: StreamDisposition = .drain
    ) -> WantedTunnel {
        var properties = TunnelProperties()
        properties.name = name
        properties.hostname = hostname
        properties.protocol = `protocol`.rawValue
        return WantedTunnel(
            name: name,
            properties: properties,
            local: .init(
                upstream: .tcp(host: "127.0.0.1", service: "\(port)"),
                options: UpstreamOptions(),
                streamLimit: 0,
                disposition: disposition
            )
        )
    }

    static func session(_ identity: String, context: String = "main", _ tunnels: WantedTunnel...) throws -> Session {
        WantedSession(
            contexts: [context],
            engine: .address(try EngineAddress("engine.test")),
            identity: identity,
            tunnels: tunnels.map { tunnel in
                var tunnel = tunnel
                tunnel.context = context
                return tunnel
            }
        )
    }

    private func plan(_ running: [Session], _ wanted: [Session], streams: Int = 3) -> ReloadPlan {
        ReloadPlan(running: running, wanted: wanted) { _ in streams }
    }

    @Test("equal configurations change nothing, in any order")
    func nothing() throws {
        let (web, ssh) = (Self.tunnel("web"), Self.tunnel("ssh"))
        let other = try Self.session("two", context: "other", Self.tunnel("db"))
        let plan = plan([try Self.session("one", web, ssh), other], [other, try Self.session("one", ssh, web)])
        #expect(plan.isEmpty)
        #expect(plan.steps == [.keepSession(running: 1, wanted: 0), .keepSession(running: 0, wanted: 1)])
    }

    @Test("local settings are an update, and the new disposition applies to open streams")
    func update() throws {
        let plan = plan(
            [try Self.session("one", Self.tunnel("web", disposition: .cut))],
            [try Self.session("one", Self.tunnel("web", port: 81, disposition: .keep))]
        )
        #expect(
            plan.changes == [
                .init(
                    tunnel: "web",
                    action: .update,
                    disposition: .keep,
                    streams: 3,
                    keys: [.tunnelForward, .tunnelDisposition]
                )
            ]
        )
        #expect(plan.steps.last == .updateTunnel("web", running: 0, wanted: 0, .keep))
    }

    @Test("two spellings that display alike are two names to the engine, and two paths to the kernel")
    func spellings() throws {
        let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
        func action(_ change: (inout WantedTunnel, String) -> Void) throws -> [ReloadPlan.Action] {
            var (before, after) = (Self.tunnel("web"), Self.tunnel("web"))
            change(&before, composed)
            change(&after, decomposed)
            return plan([try Self.session("one", before)], [try Self.session("one", after)]).changes.map(\.action)
        }
        #expect(try action { $0.properties.name = $1 } == [.replace])
        #expect(try action { $0.properties.labels["team"] = $1 } == [.replace])
        #expect(try action { $0.properties.labels[$1] = "x" } == [.replace])
        #expect(try action { $0.local.upstream = .unix(path: "/run/\($1)") } == [.update])
    }

    @Test("another place for streams concerns those that run; weights, backups, balance and health do not")
    func upstreams() throws {
        func change(_ change: (inout WantedTunnel) -> Void) throws -> ReloadPlan.Change? {
            let before = Self.tunnel("web")
            var after = before
            change(&after)
            return plan([try Self.session("one", before)], [try Self.session("one", after)]).changes.first
        }
        let other = UpstreamTarget(.tcp(host: "127.0.0.1", service: "81"))
        let cases: [((inout WantedTunnel) -> Void, StreamDisposition, [ConfigurationKey])] = [
            ({ $0.local.targets = [other] }, .drain, [.tunnelForward]),
            ({ $0.local.targets.append(other) }, .drain, [.targetForward]),
            ({ $0.local.targets = [other, other] }, .drain, [.targetForward]),
            ({ $0.local.targets[0].servicePort = 80 }, .drain, [.tunnelForward]),
            ({ $0.local.targets[0].weight = 2 }, .keep, [.targetWeight]),
            ({ $0.local.targets[0].isBackup = true }, .keep, [.targetBackup]),
            ({ $0.local.options.balance = .source }, .keep, [.upstreamBalance]),
            ({ $0.local.options.health = UpstreamHealthOptions() }, .keep, [.healthTcp]),
            (
                { $0.local.options.health = UpstreamHealthOptions(rise: 9, check: .http(.init(path: "/up"))) }, .keep,
                [.healthRise, .healthTcp, .healthHttpPath]
            ),
        ]
        for (edit, disposition, keys) in cases {
            let found = try #require(try change(edit))
            #expect(found.action == .update && found.disposition == disposition && found.keys == keys, "\(found)")
        }
        // A list with one entry is what `forward` says.
        #expect(try change { $0.local.targets = [UpstreamTarget(.tcp(host: "127.0.0.1", service: "80"))] } == nil)
    }

    @Test("properties are a replacement, which closes the old tunnel first where both claim one address")
    func replace() throws {
        let cases: [(WantedTunnel, WantedTunnel, Bool, ConfigurationKey)] = [
            (Self.tunnel("web"), Self.tunnel("web", hostname: "a.test"), false, .specHost),
            (Self.tunnel("web", hostname: "b.test"), Self.tunnel("web", hostname: "a.test"), false, .specHost),
            (Self.tunnel("web", protocol: .http), Self.tunnel("web", protocol: .tls), true, .specProtocol),
            (Self.tunnel("web", protocol: .http), Self.tunnel("web", protocol: .tcp), false, .specProtocol),
        ]
        for (before, after, closesFirst, key) in cases {
            let plan = plan([try Self.session("one", before)], [try Self.session("one", after)])
            #expect(
                plan.changes == [.init(tunnel: "web", action: .replace, disposition: .drain, streams: 3, keys: [key])]
            )
            #expect(
                plan.steps.last == .replaceTunnel("web", running: 0, wanted: 0, .drain, closesFirst: closesFirst)
            )
        }
    }

    @Test("removals come before additions, with the old disposition")
    func addAndRemove() throws {
        let plan = plan(
            [try Self.session("one", Self.tunnel("old", disposition: .cut))],
            [try Self.session("one", Self.tunnel("new"))]
        )
        #expect(
            plan.changes == [
                .init(tunnel: "new", action: .add, disposition: nil, streams: 0),
                .init(tunnel: "old", action: .remove, disposition: .cut, streams: 3),
            ]
        )
        #expect(
            plan.steps == [
                .keepSession(running: 0, wanted: 0), .removeTunnel("old", running: 0, .cut),
                .addTunnel("new", wanted: 0),
            ]
        )
    }

    @Test("another credential of a context renews its session and changes no tunnel")
    func renew() throws {
        let plan = plan([try Self.session("one", Self.tunnel("web"))], [try Self.session("two", Self.tunnel("web"))])
        #expect(plan.changes.isEmpty)
        #expect(plan.renewed == ["main"])
        #expect(plan.steps == [.renewSession(running: 0, wanted: 0)])
        #expect(!plan.isEmpty)
    }

    @Test("another engine is another session, and its tunnels move there")
    func move() throws {
        var elsewhere = try Self.session("two", Self.tunnel("web"))
        elsewhere.engine = .address(try EngineAddress("elsewhere.test"))
        let plan = plan([try Self.session("one", Self.tunnel("web"))], [elsewhere])
        #expect(
            plan.changes == [
                .init(tunnel: "web", action: .replace, disposition: .drain, streams: 3, keys: [.contextEngine])
            ]
        )
        #expect(
            plan.steps == [
                .startSession(wanted: 0), .removeTunnel("web", running: 0, .drain), .addTunnel("web", wanted: 0),
                .stopSession(running: 0),
            ]
        )
    }

    @Test("`limits` and `reload` affect no stream")
    func quiet() throws {
        var after = Self.tunnel("web", disposition: .cut)
        after.local.streamLimit = 9
        let plan = plan([try Self.session("one", Self.tunnel("web"))], [try Self.session("one", after)])
        let keys: [ConfigurationKey] = [.tunnelStreams, .tunnelDisposition]
        #expect(plan.changes == [.init(tunnel: "web", action: .update, disposition: .keep, streams: 3, keys: keys)])
        #expect(plan.steps.last == .updateTunnel("web", running: 0, wanted: 0, .keep))
    }

    @Test("two contexts that swap their credentials keep their sessions and tunnels")
    func swap() throws {
        let (web, db) = (Self.tunnel("web"), Self.tunnel("db"))
        let plan = plan(
            [try Self.session("one", context: "a", web), try Self.session("two", context: "b", db)],
            [try Self.session("two", context: "a", web), try Self.session("one", context: "b", db)]
        )
        #expect(plan.changes.isEmpty)
        #expect(plan.renewed == ["a", "b"])
        #expect(plan.steps == [.renewSession(running: 0, wanted: 0), .renewSession(running: 1, wanted: 1)])
    }

    @Test("a context that is renamed keeps its session, and its tunnels say what differs")
    func rename() throws {
        let plan = plan(
            [try Self.session("one", context: "old", Self.tunnel("web", disposition: .cut))],
            [try Self.session("one", context: "new", Self.tunnel("web", disposition: .cut))]
        )
        #expect(plan.changes == [Self.renamed("web")])
        #expect(plan.renewals.isEmpty)
        #expect(
            plan.steps == [
                .keepSession(running: 0, wanted: 0), .updateTunnel("web", running: 0, wanted: 0, .keep),
            ]
        )
    }

    @Test("a tunnel of another context that shares its session stays open, and its streams stay")
    func sharedSession() throws {
        var before = try Self.session("one", context: "a", Self.tunnel("x"), Self.tunnel("web", disposition: .cut))
        before.contexts.append("b")
        var after = before
        after.tunnels[1].context = "b"
        let plan = plan([before], [after])
        #expect(plan.changes == [Self.renamed("web")])
        #expect(plan.steps.last == .updateTunnel("web", running: 0, wanted: 0, .keep))
        // What else differs has the effect that it has.
        after.tunnels[1].properties.hostname = "x.test"
        #expect(self.plan([before], [after]).changes.map(\.action) == [.replace])
        #expect(self.plan([before], [after]).changes.map(\.disposition) == [.cut])
    }

    private static func renamed(_ tunnel: String) -> ReloadPlan.Change {
        .init(tunnel: tunnel, action: .update, disposition: .keep, streams: 3, keys: [.tunnelContext])
    }

    @Test("of contexts that share a session, one with another credential gets its own session, and streams stay")
    func split() throws {
        var both = try Self.session("one", context: "a", Self.tunnel("web"))
        both.contexts.append("b")
        var db = Self.tunnel("db", disposition: .cut)
        db.context = "b"
        both.tunnels.append(db)
        let plan = plan(
            [both],
            [try Self.session("one", context: "a", Self.tunnel("web")), try Self.session("two", context: "b", db)]
        )
        #expect(plan.changes.isEmpty)
        #expect(plan.renewed == ["b"])
        #expect(
            plan.steps == [
                .keepSession(running: 0, wanted: 0), .startSession(wanted: 1),
                .removeTunnel("db", running: 0, .keep), .addTunnel("db", wanted: 1),
            ]
        )
    }

    @Test("a tunnel of another context is another tunnel")
    func otherContext() throws {
        let (a, b) = (try Self.session("one", context: "a", Self.tunnel("x")), try Self.session("two", context: "b"))
        let web = Self.tunnel("web", disposition: .cut)
        var before = a
        before.tunnels += try Self.session("one", context: "a", web).tunnels
        var after = b
        after.tunnels += try Self.session("two", context: "b", web).tunnels
        let plan = plan([before], [a, after])
        #expect(
            plan.changes == [
                .init(tunnel: "web", action: .replace, disposition: .cut, streams: 3, keys: [.tunnelContext])
            ]
        )
    }

    @Test("tunnels that exchange addresses, or take over one that is given up, close first")
    func exchange() throws {
        func closing(_ running: [WantedTunnel], _ wanted: [WantedTunnel]) throws -> [String: Bool] {
            let plan = plan(
                [
                    WantedSession(
                        contexts: ["m"],
                        engine: .address(try EngineAddress("e.test")),
                        identity: "i",
                        tunnels: running
                    )
                ],
                [
                    WantedSession(
                        contexts: ["m"],
                        engine: .address(try EngineAddress("e.test")),
                        identity: "i",
                        tunnels: wanted
                    )
                ]
            )
            var closing: [String: Bool] = [:]
            for case .replaceTunnel(let name, _, _, _, let closesFirst) in plan.steps { closing[name] = closesFirst }
            return closing
        }
        let (a, b) = (Self.tunnel("a", hostname: "x.test"), Self.tunnel("b", hostname: "y.test"))
        #expect(
            try closing([a, b], [Self.tunnel("a", hostname: "y.test"), Self.tunnel("b", hostname: "x.test")])
                == ["a": true, "b": true]
        )
        // In a row: what gives an address up closes for the one that takes it.
        #expect(
            try closing([a, b], [Self.tunnel("a", hostname: "y.test"), Self.tunnel("b", hostname: "z.test")])
                == ["a": true, "b": true]
        )
        #expect(try closing([a, b], [Self.tunnel("a", hostname: "y.test")]) == ["a": true])
        let new = Self.tunnel("c", hostname: "x.test")
        #expect(try closing([a, b], [Self.tunnel("a", hostname: "z.test"), b, new]) == ["a": true])
        #expect(try closing([a, b], [Self.tunnel("a", hostname: "z.test"), b]) == ["a": false])
    }

    @Test("the same goes for tunnels of two sessions at one engine; another engine has addresses of its own")
    func exchangeAcross() throws {
        func closing(_ second: String, _ wanted: (WantedTunnel, WantedTunnel)) throws -> [String: Bool] {
            func sessions(_ first: WantedTunnel, _ other: WantedTunnel) throws -> [Session] {
                var sessions = [
                    try Self.session("one", context: "m", first), try Self.session("two", context: "n", other),
                ]
                sessions[1].engine = .address(try EngineAddress(second))
                return sessions
            }
            let plan = plan(
                try sessions(Self.tunnel("a", hostname: "x.test"), Self.tunnel("b", hostname: "y.test")),
                try sessions(wanted.0, wanted.1)
            )
            var closing: [String: Bool] = [:]
            for case .replaceTunnel(let name, _, _, _, let closesFirst) in plan.steps { closing[name] = closesFirst }
            return closing
        }
        let exchanged = (Self.tunnel("a", hostname: "y.test"), Self.tunnel("b", hostname: "x.test"))
        #expect(try closing("engine.test", exchanged) == ["a": true, "b": true])
        #expect(try closing("elsewhere.test", exchanged) == ["a": false, "b": false])
        let row = (Self.tunnel("a", hostname: "y.test"), Self.tunnel("b", hostname: "z.test"))
        #expect(try closing("engine.test", row) == ["a": true, "b": true])
        #expect(try closing("elsewhere.test", row) == ["a": false, "b": false])
    }

    @Test("a tunnel whose address a tunnel of another session takes over closes first")
    func givesUp() throws {
        let (a, b) = (Self.tunnel("a", hostname: "x.test"), Self.tunnel("b", hostname: "y.test"))
        let running = [try Self.session("one", context: "m", a), try Self.session("two", context: "n", b)]
        func closesFirst(_ wanted: [Session]) -> [Bool] {
            plan(running, wanted).steps.compactMap { step in
                if case .replaceTunnel("a", _, _, _, let closesFirst) = step { closesFirst } else { nil }
            }
        }
        let other = Self.tunnel("a", hostname: "z.test")
        let taker = Self.tunnel("c", hostname: "x.test")
        let first = try Self.session("one", context: "m", other)
        #expect(closesFirst([first, try Self.session("two", context: "n", b)]) == [false])
        #expect(closesFirst([first, try Self.session("two", context: "n", b, taker)]) == [true])
        #expect(closesFirst([first, try Self.session("three", context: "o", taker)]) == [true])
        #expect(
            closesFirst([first, try Self.session("three", context: "o", Self.tunnel("b", hostname: "x.test"))]) == [
                true
            ]
        )
    }

    @Test("every key of a tunnel is compared, with the effect of the table")
    func table() {
        let compared = Set(WantedTunnel.comparisons.map(\.key))
        let others: Set<ConfigurationKey> = [.tunnelName, .tunnelEnabled, .tunnelContext, .specHttpTokenAuth]
        for key in ConfigurationKey.allCases where key.rawValue.hasPrefix("tunnels.") {
            #expect(compared.contains(key) != others.contains(key), "\(key.rawValue)")
        }
        for key in compared { #expect([.update, .reroute, .replace].contains(key.effect), "\(key.rawValue)") }
    }

    @Test("a plan that is carried out turns the running configuration into the wanted one", arguments: 0..<200)
    func walk(seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        var running = try Self.random(&random)
        for _ in 0..<20 {
            let wanted = try Self.random(&random)
            let plan = plan(running, wanted, streams: 0)
            let after = Self.carryOut(plan, running, wanted)
            #expect(after.map(\.identity) == wanted.map(\.identity))
            for (got, ought) in zip(after, wanted) { #expect(Set(got.tunnels) == Set(ought.tunnels)) }
            // The plan has every difference, and nothing else.
            let (old, new) = (Self.byName(running), Self.byName(wanted))
            let touched = Set(old.keys).union(new.keys).filter { old[$0] != new[$0] }
            #expect(touched.isSubset(of: plan.changes.map(\.tunnel)))
            #expect(Set(plan.changes.map(\.tunnel)).count == plan.changes.count)
            #expect(ReloadPlan(running: wanted, wanted: wanted) { _ in 0 }.isEmpty)
            running = wanted
        }
    }

    private static func byName(_ sessions: [Session]) -> [String: WantedTunnel] {
        Dictionary(uniqueKeysWithValues: sessions.flatMap(\.tunnels).map { ($0.name, $0) })
    }

    /// Up to three sessions with up to six tunnels, each name once.
    private static func random(_ random: inout SplitMix) throws -> [Session] {
        var sessions = try ["main", "other", "third"].prefix(Int.random(in: 1...3, using: &random)).map { context in
            var session = try session("\(context)-\(Int.random(in: 0...1, using: &random))", context: context)
            if Int.random(in: 0...3, using: &random) == 0 { session.engine = .address(try EngineAddress("b.test")) }
            return session
        }
        for name in ["a", "b", "c", "d", "e", "f"] where Bool.random(using: &random) {
            let place = Int.random(in: sessions.indices, using: &random)
            var tunnel = tunnel(
                name,
                port: Int.random(in: 80...81, using: &random),
                hostname: [nil, "x.test", "y.test"].randomElement(using: &random) ?? nil,
                disposition: StreamDisposition.allCases.randomElement(using: &random) ?? .drain
            )
            tunnel.context = sessions[place].context
            sessions[place].tunnels.append(tunnel)
        }
        return sessions
    }

    /// Applies the steps to plain values, as the daemon does to sessions.
    private static func carryOut(_ plan: ReloadPlan, _ running: [Session], _ wanted: [Session]) -> [Session] {
        var old = running
        var new: [Int: Session] = [:]
        var place: [Int: Int] = [:]
        func tunnel(_ name: String, _ session: Int) -> WantedTunnel {
            wanted[session].tunnels.first { $0.name == name } ?? Self.tunnel("missing")
        }
        for step in plan.steps {
            switch step {
            case .keepSession(let from, let to), .renewSession(let from, let to):
                place[from] = to
                new[to] = old[from]
                new[to]?.identity = wanted[to].identity
            case .startSession(let to):
                new[to] = wanted[to]
                new[to]?.tunnels = []
            case .stopSession(let from): #expect(old[from].tunnels.isEmpty, "nothing is left in it")
            case .removeTunnel(let name, let from, _):
                old[from].tunnels.removeAll { $0.name == name }
                if let to = place[from] { new[to]?.tunnels.removeAll { $0.name == name } }
            case .updateTunnel(let name, _, let to, _), .replaceTunnel(let name, _, let to, _, _):
                new[to]?.tunnels.removeAll { $0.name == name }
                new[to]?.tunnels.append(tunnel(name, to))
            case .addTunnel(let name, let to): new[to]?.tunnels.append(tunnel(name, to))
            }
        }
        return wanted.indices.compactMap { new[$0] }
    }
}

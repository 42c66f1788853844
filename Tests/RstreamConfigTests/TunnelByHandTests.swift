// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamConfig

@Suite("A tunnel by hand")
struct TunnelByHandTests {
    private static let owner = TunnelDefinition.ByHand(user: 1_000, process: 7, isDetached: false, endsAt: nil)

    private static func configuration() throws -> DaemonConfiguration {
        let main = ContextDefinition(
            name: "main",
            engine: .address(try EngineAddress("engine.test:443")),
            credential: .none
        )
        var other = main
        other.name = "other"
        var configuration = DaemonConfiguration(contexts: [main, other], reload: .keep)
        configuration.fallback = main
        configuration.tunnels = [
            TunnelDefinition(
                name: "web",
                upstream: .tcp(host: "127.0.0.1", service: "80"),
                spec: TunnelSpec(name: "web"),
                context: main,
                mark: SourceMark(file: "/etc/rstream/tunnels.d/web.yaml", line: 3, column: 5)
            )
        ]
        return configuration
    }

    private static func table(_ pairs: [String: Tree]) -> Tree.Table {
        Tree.Table(pairs.sorted { $0.key > $1.key }.map { Tree.Pair(key: $0.key, value: $0.value) })
    }

    private static func entry(
        name: String = "new",
        forward: Tree = Tree(.word("8080")),
        spec: [String: Tree] = ["protocol": Tree(.text("http"))],
        _ others: [String: Tree] = [:]
    ) -> Tree.Table {
        table(
            [
                "name": Tree(.text(name)), "forward": forward, "tunnel": Tree(.table(table(spec))),
            ].merging(others) { $1 }
        )
    }

    private static func definition(_ entry: Tree.Table, user: UInt32? = 1_000) throws -> TunnelDefinition {
        try TunnelByHand(entry, user: user).definition(in: configuration(), of: owner)
    }

    private static func complaints(_ entry: Tree.Table, user: UInt32? = 1_000) throws -> [Diagnostic] {
        do throws(ConfigurationError) {
            let tunnel = try TunnelByHand(entry, user: user)
            guard let configuration = try? configuration() else { return [] }
            _ = try tunnel.definition(in: configuration, of: owner)
            return []
        } catch {
            return error.diagnostics
        }
    }

    @Test("gets the defaults, the context and the owner")
    func definition() throws {
        let tunnel = try Self.definition(Self.entry())
        #expect(tunnel.name == "new" && tunnel.spec.name == "new")
        #expect(tunnel.upstream == .tcp(host: "localhost", service: "8080"))
        #expect(tunnel.context.name == "main")
        #expect(tunnel.disposition == .keep, "the daemon's")
        #expect(tunnel.byHand == Self.owner)
        #expect(tunnel.mark.file == TunnelByHand.place)
        #expect(tunnel.spec.protocol == .http)
        let named = try Self.definition(Self.entry(["context": Tree(.text("other"))]))
        #expect(named.context.name == "other")
    }

    @Test("has the rights of an owner of tunnel files, unless its caller has all")
    func rights() throws {
        #expect(try Self.definition(Self.entry()).options.socketOwner == 1_000)
        #expect(try Self.definition(Self.entry(), user: nil).options.socketOwner == nil)
        let inline = Tree(.table(Self.table(["engine": Tree(.text("e.test")), "token": Tree(.text("secret-1"))])))
        for user in [1_000, nil] as [UInt32?] {
            let complaints = try Self.complaints(Self.entry(["context": inline]), user: user)
            #expect(complaints.map(\.message) == ["a tunnel that is opened by hand has no context of its own"])
            #expect(!complaints.map(\.description).joined().contains("secret-1"))
        }
    }

    @Test("is refused with the diagnostics of a file, whose places are in its text")
    func mistakes() throws {
        let entry = Self.entry(spec: ["protcol": Tree(.text("http"))])
        let complaint = try #require(try Self.complaints(entry).first)
        #expect(complaint.message == #"unknown key "protcol""#)
        #expect(complaint.hint == #"did you mean "protocol"?"#)
        #expect(complaint.file == TunnelByHand.place)
        #expect(complaint.sourceLine?.contains("protcol: http") == true)
        #expect(complaint.line > 2)
    }

    @Test(
        "is refused where a file would be",
        arguments: [
            (entry(name: "web"), #"duplicate tunnel name "web""#),
            (entry(["context": Tree(.text("none"))]), #"tunnel "new": context "none" not found"#),
            (entry(forward: Tree(.text("localhost"))), "forward has no port"),
            (Tree.Table(), "tunnels[0].name is required"),
            (entry(spec: ["port": Tree(.word("99999"))]), "port"),
        ]
    )
    func refusals(entry: Tree.Table, message: String) throws {
        let complaints = try Self.complaints(entry)
        #expect(complaints.contains { $0.severity == .error && $0.message.contains(message) }, "\(complaints)")
    }

    @Test("has the warnings that a file would have")
    func warnings() throws {
        let unchecked = Self.table(["tls": Tree(.table(Self.table(["insecureSkipVerify": Tree(.word("true"))])))])
        let warned = try TunnelByHand(Self.entry(["upstream": Tree(.table(unchecked))]), user: nil)
        let warnings = try warned.resolved(in: try Self.configuration(), of: Self.owner).warnings
        #expect(warnings.map(\.message) == [#"tunnel "new": the upstream's certificate is not checked"#])
        #expect(warnings.allSatisfy { $0.severity == .warning && $0.file == TunnelByHand.place })
        let plain = try TunnelByHand(Self.entry(), user: nil)
        #expect(try plain.resolved(in: try Self.configuration(), of: Self.owner).warnings.isEmpty)
    }

    @Test("names where a tunnel of that name is")
    func duplicate() throws {
        let complaints = try Self.complaints(Self.entry(name: "web"))
        #expect(complaints.first?.hint == "first defined at /etc/rstream/tunnels.d/web.yaml:3:5")
    }

    @Test("needs a context where the configuration has no default one")
    func noFallback() throws {
        var configuration = try Self.configuration()
        configuration.fallback = nil
        let tunnel = try TunnelByHand(Self.entry(), user: nil)
        func hint() -> String? {
            do throws(ConfigurationError) {
                _ = try tunnel.definition(in: configuration, of: Self.owner)
                return nil
            } catch {
                return error.diagnostics.first?.hint
            }
        }
        #expect(hint() == "name a context, or set \"context\" in rstreamd.yaml for all")
        configuration.contexts = []
        #expect(hint()?.hasPrefix("add a context with your engine to \"contexts\" in rstreamd.yaml") == true)
    }

    @Test(
        "is a tunnel file that means the same, whatever its texts are",
        arguments: ["plain", "${HOME}", "$5", "#", "a: b", "\"", "'", "true", "12", "- x", "ü", "\u{202E}", "a\u{0}b"]
    )
    func file(text: String) throws {
        let spec = ["labels": Tree(.table(Self.table(["k": Tree(.text(text))])))]
        guard let tunnel = try? TunnelByHand(Self.entry(spec: spec), user: nil) else { return }
        let loader = ConfigurationLoader(files: SavedFile(text: tunnel.text), environment: ["HOME": "wrong"])
        let loaded = try loader.load(SavedFile.daemonPath).configuration
        #expect(loaded.tunnels.map(\.spec.labels["k"]) == [text])
    }

    @Test("is the same when its text is read again, with the same rights")
    func again() throws {
        let first = try TunnelByHand(Self.entry(), user: 1_000)
        let second = try TunnelByHand(text: first.text, user: 1_000)
        let configuration = try Self.configuration()
        #expect(second.text == first.text && second.name == first.name)
        #expect(
            try second.definition(in: configuration, of: Self.owner)
                == first.definition(in: configuration, of: Self.owner)
        )
    }

    @Test("is one entry, neither none nor two")
    func one() throws {
        let text = try TunnelByHand(Self.entry(), user: nil).text
        let other = "  - name: other\n    forward: 80\n    tunnel: {}\n"
        let wrong = [text + other, "version: 1\ntunnels: []\n", "", "- a\n"]
        for text in wrong {
            #expect(throws: ConfigurationError.self, "\(text)") { _ = try TunnelByHand(text: text, user: nil) }
        }
    }

    @Test("is written with the keys in the order in which people write them")
    func order() throws {
        let tunnel = try TunnelByHand(
            Self.entry([
                "enabled": Tree(.word("true")), "limits": Tree(.table(Self.table(["streams": Tree(.word("3"))]))),
            ]),
            user: nil
        )
        #expect(
            tunnel.text == """
                version: 1
                tunnels:
                  - name: new
                    forward: 8080
                    enabled: true
                    limits:
                      streams: 3
                    tunnel:
                      protocol: http

                """
        )
    }

    @Test("the command line of rstreamd publish is read like files")
    func published() throws {
        let context = Self.table(["engine": Tree(.text("localhost:8443")), "noToken": Tree(.word("true"))])
        let loaded = try PublishedTunnel(Self.entry(), context: context).load(environment: [:])
        #expect(loaded.configuration.tunnels.map(\.name) == ["new"])
        #expect(loaded.configuration.tunnels.first?.context.name == "publish")
        #expect(!loaded.configuration.admin.hasSocket)
        let wrong = PublishedTunnel(Self.entry(forward: Tree(.text("nowhere"))), context: context)
        #expect(throws: ConfigurationError.self) { _ = try wrong.load(environment: [:]) }
    }

    @Test("the context of tunnels that name none is known after a load, also where no tunnel asks for it")
    func fallback() throws {
        let text = """
            version: 1
            context: main
            include: []
            contexts: { main: { engine: engine.test, noToken: true } }
            """
        let loader = ConfigurationLoader(files: SavedFile(text: "", daemonFile: text), environment: [:])
        #expect(try loader.load(SavedFile.daemonPath).configuration.fallback?.name == "main")
        let without = ConfigurationLoader(
            files: SavedFile(text: "", daemonFile: "version: 1\ninclude: []\n"),
            environment: [:]
        )
        #expect(try without.load(SavedFile.daemonPath).configuration.fallback == nil)
    }
}

/// A tunnel file, and the daemon's file that includes it.
private struct SavedFile: FileAccess {
    static let daemonPath = "/etc/rstream/rstreamd.yaml"

    let text: String
    var daemonFile = """
        version: 1
        context: main
        include: [saved.yaml]
        contexts: { main: { engine: engine.test, noToken: true } }

        """

    func read(_ path: String, limit: Int) throws(FileAccessError) -> FileContents {
        switch path {
        case Self.daemonPath: return FileContents(bytes: Array(daemonFile.utf8), mode: 0o640)
        case "/etc/rstream/saved.yaml": return FileContents(bytes: Array(text.utf8), mode: 0o640)
        default: throw .missing
        }
    }

    func names(in directory: String) throws(FileAccessError) -> [String] { throw .missing }
}

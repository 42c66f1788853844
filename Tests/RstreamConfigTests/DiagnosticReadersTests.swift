// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Linux
import RstreamTestSupport
import Testing

@testable import RstreamConfig

@Suite("what a complaint shows, and to whom")
struct DiagnosticReadersTests {
    /// Files that are wrong in all kinds of ways, with a word in them that must not be told.
    static let files = [
        "SECRET", "SECRET: [", "SECRET: 1", "\"SECRET\" SECRET", "- SECRET", "version: SECRET", "version: 9876543210",
        "version: 1\nSECRET: 1\n", "version: 1\nSECRET: 1\nSECRET: 2\n", "version: 1\ntunnels: SECRET\n",
        "version: 1\ntunnels: [SECRET]\n", "version: 1\ntunnels: [{ SECRET: 1 }]\n", "version: 1\n\tSECRET: 1\n",
        "version: 1\ntunnels: [{ name: SECRET, forward: 'SECRET:', context: SECRET, tunnel: { protocol: SECRET } }]\n",
        "version: 1\ntunnels: [{ name: a, forward: '1.2.3:SECRET', tunnel: { host: SECRET_, port: 9876543210 } }]\n",
        "version: 1\ntunnels: [{ name: a, forward: 1, tunnel: { trustedIPs: [SECRET], geoip: [SECRET], labels: { SECRET: [] } } }]\n",
        "version: 1\ntunnels: [{ name: a, forward: 1, tunnel: { labels: SECRET, http: SECRET, tls: { mode: SECRET } } }]\n",
        "version: 1\ntunnels: [{ name: SECRET, forward: 1, tunnel: {} }, { name: SECRET, forward: 1, tunnel: {} }]\n",
        "version: 1\ntunnels: []\ncontexts: { SECRET: { engine: 'SECRET/', token: SECRET, mtls: SECRET } }\n",
        "version: 1\ntunnels: []\ncontexts: { a: { engine: 'e:SECRET', token: \"SECRET\\nSECRET\" } }\n",
        "version: 1\ntunnels: []\ncontexts: { a: { projectEndpoint: SECRET_, region: _SECRET, apiUrl: SECRET, token: t } }\n",
        "version: 1\ntunnels: []\ncontexts: { a: { engine: e, tokenCredential: SECRET } }\n",
        "version: 1\ntunnels: []\ncontexts: { a: { engine: e, noToken: on, transport: { mode: SECRET, bind: { address: SECRET } } } }\n",
        "version: 1\ntunnels: []\ncontexts: { a: { engine: e, noToken: on, transport: { proxy: { http: SECRET, headers: { 'SECRET ': a } } } } }\n",
        "version: 1\ntunnels: []\nlisteners: [{ name: SECRET, listen: 'SECRET:SECRET', dial: SECRET, context: SECRET }]\n",
        "version: 1\ntunnels: []\nlisteners: [{ name: a, listen: 'unix:/SECRET', dial: a }, { name: b, listen: 'unix:/SECRET', dial: a }]\n",
        "version: 1\ntunnels: []\nlisteners: [{ name: a, listen: 'unix:/SECRET', dial: a, mode: SECRET, dialTimeout: SECRET, limits: SECRET }]\n",
        "version: 1\ntunnels: []\nlisteners: [{ name: a, listen: '127.0.0.1:1', dial: a, mode: SECRET, group: SECRET }]\n",
        "version: 1\ntunnels: []\n# $SECRET\nx: ${SECRET}\n", "version: 1\ntunnels: [*SECRET]\n", "&SECRET [*SECRET]",
        "!SECRET a", "%SECRET\n---\na", "@SECRET", "a: `SECRET`", "? SECRET\n", "SECRET: &a\n  - *b",
    ]

    private static func load(_ text: String, isElsewhere: Bool, mode: UInt32 = 0o640) -> [Diagnostic] {
        var files = ImaginaryFiles(files: [daemonPath: usualDaemonFile, tunnelPath: text])
        files.modes = [tunnelPath: mode]
        files.elsewhere = isElsewhere ? [tunnelPath] : []
        return RstreamConfigTests.load(files, rule: FileRuleTests.rule).diagnostics
    }

    private static func isTold(_ diagnostics: [Diagnostic]) -> Bool {
        let text = diagnostics.map { "\($0) \($0.message) \($0.hint ?? "") \($0.sourceLine ?? "")" }.joined()
        return text.uppercased().contains("SECRET") || text.contains("9876543210")
    }

    @Test("a file that a link leads to out of its folder is not shown to anybody", arguments: files)
    func links(text: String) {
        let diagnostics = Self.load(text, isElsewhere: true)
        #expect(!diagnostics.isEmpty)
        #expect(!Self.isTold(diagnostics), "\(diagnostics.map(\.description))")
        // The place and what is wrong are.
        #expect(diagnostics.allSatisfy { !$0.message.isEmpty && $0.file == tunnelPath })
        #expect(diagnostics.contains { $0.line > 0 })
    }

    @Test("a user who may not read the file is not shown what stands there", arguments: files)
    func readers(text: String) {
        let diagnostics = Self.load(text, isElsewhere: false)
        let stranger = diagnostics.map { $0.shown(toUser: 1_000, groups: [1_000]) }
        #expect(stranger.count == diagnostics.count)
        #expect(!Self.isTold(stranger), "\(stranger.map(\.description))")
        #expect(
            zip(stranger, diagnostics).allSatisfy { ($0.file, $0.line, $0.column) == ($1.file, $1.line, $1.column) }
        )
        // Whoever may read it is.
        for (user, groups) in [(0, []), (1_000, [50])] as [(UInt32, Set<UInt32>)] {
            #expect(diagnostics.map { $0.shown(toUser: user, groups: groups) } == diagnostics)
        }
    }

    @Test("a file that every user may read is shown to every user, unless a folder forbids it")
    func folders() {
        let text = "version: 1\nSECRET: 1\n"
        let open = Self.load(text, isElsewhere: false, mode: 0o644)
        #expect(Self.isTold(open.map { $0.shown(toUser: 1_000, groups: []) }))
        var files = ImaginaryFiles(files: [daemonPath: usualDaemonFile, tunnelPath: text], modes: [tunnelPath: 0o644])
        files.ways = [tunnelPath: [FileRuleTests.folder("/etc/rstream", 0, 50, 0o750)]]
        let closed = RstreamConfigTests.load(files, rule: FileRuleTests.rule).diagnostics
        #expect(!Self.isTold(closed.map { $0.shown(toUser: 1_000, groups: [1_000]) }))
        #expect(Self.isTold(closed.map { $0.shown(toUser: 1_000, groups: [50]) }))
    }

    @Test("a file of another user in a tunnel owner's folder is not shown")
    func foreignFile() {
        var files = ImaginaryFiles(files: [
            daemonPath: usualDaemonFile + "limits: { tunnelOwners: [deploy] }\n", tunnelPath: "SECRET: 1",
        ])
        files.ways = [tunnelPath: [FileRuleTests.folder("/etc/rstream/tunnels.d", 1_000, 1_000, 0o755)]]
        let diagnostics = RstreamConfigTests.load(files, rule: FileRuleTests.rule).diagnostics
        #expect(!diagnostics.isEmpty)
        #expect(!Self.isTold(diagnostics))
    }

    @Test("words have a form without what is put into them")
    func wording() {
        let name = "SECRET"
        let wording: Wording = "tunnel \"\(name)\" has \(shown: 3) of \(5)"
        #expect(wording.text == "tunnel \"SECRET\" has 3 of 5")
        #expect(wording.redacted == "tunnel \"…\" has 3 of …")
        let nested: Wording = "\(wording), \(SourceMark(file: "f", line: 1, column: 2))"
        #expect(nested.redacted == "tunnel \"…\" has 3 of …, f:1:2")
    }
}

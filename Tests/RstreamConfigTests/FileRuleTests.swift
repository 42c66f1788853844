// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import Linux
import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamConfig

@Suite("whose files are believed")
struct FileRuleTests {
    /// root, the daemon (100), deploy (1000, with a private group), ops (1001, whose group has others in it).
    static let accounts = Accounts(
        user: { ["root": 0, "rstream": 100, "deploy": 1_000, "ops": 1_001][$0] },
        nameOfUser: { [0: "root", 100: "rstream", 1_000: "deploy", 1_001: "ops"][$0] },
        nameOfGroup: { [0: "root", 50: "staff", 100: "rstream", 1_000: "deploy", 1_001: "ops"][$0] },
        isPrivate: { [0, 100, 1_000].contains($0) }
    )
    static let rule = FileRule(owners: [0, 100], accounts: accounts)

    static func folder(_ path: String, _ owner: UInt32 = 0, _ group: UInt32 = 0, _ mode: UInt32 = 0o755) -> PathStep {
        PathStep(.folder, path: path, owner: owner, group: group, mode: mode)
    }

    static func file(_ owner: UInt32 = 0, _ group: UInt32 = 0, _ mode: UInt32 = 0o640) -> PathStep {
        PathStep(.file, path: "/etc/r/f", owner: owner, group: group, mode: mode)
    }

    private static func judge(_ steps: [PathStep], owners: [UInt32] = []) -> (FileRule.Verdict, [String]) {
        var rule = rule
        rule.take(tunnelOwners: owners)
        let (verdict, complaints) = rule.judge(steps, holdsTunnels: !owners.isEmpty)
        return (verdict, complaints.map { "\($0.path): \($0.message) (\($0.hint))" })
    }

    @Test("root's and the daemon's are, whichever users may read them")
    func trusted() {
        let steps = [Self.folder("/"), Self.folder("/etc/r", 100, 100, 0o750)]
        for file in [Self.file(), Self.file(100, 50, 0o644), Self.file(0, 50, 0o600)] {
            let (verdict, complaints) = Self.judge(steps + [file])
            #expect(verdict == .trusted)
            #expect(complaints.isEmpty)
        }
    }

    @Test(
        "what others own or may write is not, and the command that helps is named",
        arguments: [
            (
                [file(1_000)],
                "/etc/r/f: belongs to the user \"deploy\", not to root or the daemon's user (chown root /etc/r/f)"
            ),
            (
                [file(4_242)],
                "/etc/r/f: belongs to the user 4242, not to root or the daemon's user (chown root /etc/r/f)"
            ),
            ([file(0, 0, 0o666)], "/etc/r/f: is writable by all users of this host (chmod go-w /etc/r/f)"),
            ([file(0, 0, 0o602)], "/etc/r/f: is writable by all users of this host (chmod o-w /etc/r/f)"),
            ([file(0, 50, 0o660)], "/etc/r/f: is writable by the group \"staff\" (chmod g-w /etc/r/f)"),
            // The private group of a user who is not believed.
            ([file(0, 1_000, 0o660)], "/etc/r/f: is writable by the group \"deploy\" (chmod g-w /etc/r/f)"),
            ([folder("/", 0, 0, 0o777), file()], "/: is writable by all users of this host (chmod go-w /)"),
            (
                [folder("/home/d", 1_000), file()],
                "/home/d: belongs to the user \"deploy\", not to root or the daemon's user (chown root /home/d)"
            ),
            ([folder("/srv", 0, 50, 0o2775), file()], "/srv: is writable by the group \"staff\" (chmod g-w /srv)"),
            // Sticky, but of somebody who may remove the bit.
            (
                [folder("/t", 1_000, 0, 0o1777), file()],
                "/t: belongs to the user \"deploy\", not to root or the daemon's user (chown root /t)"
            ),
            (
                [PathStep(.link, path: "/tmp/l", owner: 1_000, group: 0, mode: 0o777), file()],
                "/tmp/l: belongs to the user \"deploy\", not to root or the daemon's user (chown -h root /tmp/l)"
            ),
        ] as [([PathStep], String)]
    )
    func refused(steps: [PathStep], complaint: String) {
        let (verdict, complaints) = Self.judge(steps)
        #expect(verdict == .refused)
        #expect(complaints == [complaint])
    }

    @Test("in a sticky folder of root's users cannot replace files of others; a link has no mode of its own")
    func sticky() {
        let link = PathStep(.link, path: "/tmp/l", owner: 0, group: 0, mode: 0o777)
        let (verdict, complaints) = Self.judge([Self.folder("/tmp", 0, 0, 0o1777), link, Self.file()])
        #expect(verdict == .trusted)
        #expect(complaints.isEmpty)
    }

    @Test("the private group of who is believed is a warning")
    func privateGroup() {
        for (owner, group) in [(0, 0), (100, 100), (0, 100)] as [(UInt32, UInt32)] {
            let (verdict, complaints) = Self.judge([Self.file(owner, group, 0o664)])
            #expect(verdict == .trusted)
            #expect(complaints.count == 1)
            #expect(complaints.first?.contains("which has no other members so far (chmod g-w") == true)
        }
    }

    @Test("who is named may own tunnel files and their folders, and has no more than their own rights by it")
    func tunnelOwners() {
        let home = Self.folder("/home/d", 1_000, 1_000, 0o700)
        #expect(Self.judge([home, Self.file(1_000, 1_000)], owners: [1_000]).0 == .limited(to: 1_000))
        // Whoever owns a folder says what is in it, also when it was root that made the file.
        #expect(Self.judge([home, Self.file()], owners: [1_000]).0 == .limited(to: 1_000))
        let group = Self.judge([home, Self.file(1_000, 1_000, 0o664)], owners: [1_000])
        #expect(group.0 == .limited(to: 1_000))
        #expect(group.1.count == 1)
        #expect(Self.judge([home, Self.file(1_000, 0, 0o666)], owners: [1_000]).0 == .refused)
        #expect(Self.judge([home, Self.file(1_001, 1_001)], owners: [1_000]).0 == .refused)
        #expect(Self.judge([home, Self.file(1_001, 1_001)], owners: [1_000, 1_001]).0 == .refused)
        #expect(Self.judge([Self.file(1_001, 1_001, 0o660)], owners: [1_001]).0 == .refused)
        // To name root or the daemon takes nothing away.
        #expect(Self.judge([Self.file()], owners: [0, 100]).0 == .trusted)
        let foreign = Self.judge([Self.file(1_001)], owners: [1_000]).1
        #expect(foreign.first?.hasSuffix("(chown root /etc/r/f, or name the user in limits.tunnelOwners)") == true)
    }
}

@Suite("files of users who may have tunnels only")
struct TunnelOwnerTests {
    private static let daemonFile = """
        version: 1
        context: main
        contexts: { main: { engine: engine.example, noToken: true } }
        limits: { tunnelOwners: [deploy] }

        """

    private static func load(
        _ text: String,
        owner: UInt32 = 1_000,
        daemon: String = daemonFile,
        environment: [String: String] = ["PROXY_PASSWORD": "hunter2"]
    ) -> Outcome {
        var files = ImaginaryFiles(files: [daemonPath: daemon, tunnelPath: text])
        files.owners = [tunnelPath: owner]
        return RstreamConfigTests.load(files, environment: environment, rule: FileRuleTests.rule)
    }

    @Test("hold tunnels, which know whose they are")
    func tunnels() throws {
        let outcome = Self.load(entryFile("forward: 'unix:/run/app.sock'\ntunnel: { protocol: http }"))
        #expect(outcome.errors.isEmpty)
        #expect(outcome.tunnel?.options.socketOwner == 1_000)
        let own = Self.load(entryFile("forward: 'unix:/run/app.sock'\ntunnel: {}"), owner: 0)
        #expect(own.tunnel != nil)
        #expect(own.tunnel?.options.socketOwner == nil)
    }

    @Test(
        "hold nothing else",
        arguments: [
            (
                "version: 1\ntunnels: []\ncontexts: { x: { engine: e, tokenFile: /root/.ssh/id } }\n",
                "3:1: \"contexts\" is not"
            ),
            (
                "version: 1\ntunnels: []\nlisteners: [{ name: a, listen: '[::1]:1', dial: b }]\n",
                "3:1: \"listeners\" is not"
            ),
            (
                entryFile("forward: 1\ntunnel: {}\ncontext: { engine: e, tokenFile: /proc/self/environ }"),
                "6:14: an inline context"
            ),
            (entryFile("forward: 1\ntunnel: { labels: { a: $PROXY_PASSWORD } }"), "5:28: variables are not"),
            (entryFile("forward: 1\ntunnel: { labels: { a: \"${PROXY_PASSWORD}\" } }"), "5:29: variables are not"),
            (entryFile("forward: 1\ntunnel: { labels: { a: '${' } }"), "5:29: variables are not"),
            (entryFile("forward: $0\ntunnel: {}"), "4:14: variables are not"),
        ]
    )
    func nothingElse(text: String, error: String) {
        let outcome = Self.load(text)
        #expect(outcome.configuration == nil)
        #expect(outcome.errors.count == 1)
        #expect(outcome.errors.first?.hasPrefix(error) == true, "\(outcome.errors)")
        #expect(!outcome.diagnostics.map(\.description).joined().contains("hunter2"))
    }

    @Test("take a $ that refers to nothing, and one in a comment, as they are")
    func dollars() {
        let outcome = Self.load("# $HOME\n" + entryFile("forward: 1\ntunnel: { labels: { a: 'a $ b' } }"))
        #expect(outcome.errors.isEmpty)
        #expect(outcome.tunnel?.spec.labels["a"] == "a $ b")
    }

    @Test("are refused if their owner is not named, without being read")
    func unnamed() {
        let outcome = Self.load("SECRET: [", owner: 1_001)
        #expect(outcome.kind == .invalid)
        #expect(outcome.diagnostics.count == 1)
        #expect(outcome.diagnostics.first?.message.hasPrefix("belongs to the user \"ops\"") == true)
        #expect(!outcome.diagnostics.map(\.description).joined().contains("SECRET"))
    }

    @Test("a user who is none is a mistake, with its place")
    func unknownUser() {
        let outcome = Self.load(
            "version: 1\ntunnels: []\n",
            owner: 0,
            daemon: "version: 1\nlimits: { tunnelOwners: [root, nobody-here] }\n"
        )
        #expect(outcome.errors == ["2:32: there is no user \"nobody-here\""])
    }

    @Test("the daemon's own file and the client configuration are never theirs")
    func ownFiles() {
        for path in [daemonPath, "/etc/rstream/config.yaml"] {
            var files = ImaginaryFiles(files: [
                daemonPath: "version: 1\nlimits: { tunnelOwners: [deploy] }\ncontexts: { a: { external: true } }\n",
                "/etc/rstream/config.yaml":
                    "contexts: [{ name: a, engine: e, auth: { token: { storage: { kind: inline, value: t } } } }]",
            ])
            #expect(RstreamConfigTests.load(files, rule: FileRuleTests.rule).errors.isEmpty)
            files.owners = [path: 1_000]
            let outcome = RstreamConfigTests.load(files, rule: FileRuleTests.rule)
            #expect(outcome.kind == .invalid)
            #expect(outcome.diagnostics.map(\.file) == [path])
        }
    }

    @Test("the complaint about a folder is made once for all files in it")
    func folder() {
        var files = ImaginaryFiles(files: [daemonPath: usualDaemonFile])
        let bad = FileRuleTests.folder("/etc/rstream/tunnels.d", 0, 0, 0o777)
        for index in 0..<20 { files.files["/etc/rstream/tunnels.d/\(index).yaml"] = "version: 1\ntunnels: []\n" }
        files.ways = ["/etc/rstream/tunnels.d": [bad]]
        let outcome = RstreamConfigTests.load(files, rule: FileRuleTests.rule)
        #expect(
            outcome.diagnostics.map(\.description) == [
                "/etc/rstream/tunnels.d: error: is writable by all users of this host (chmod go-w /etc/rstream/tunnels.d)"
            ]
        )
    }
}

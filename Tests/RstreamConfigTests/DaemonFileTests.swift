// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamConfig
import RstreamDaemonModel
import RstreamModel
import Testing

@Suite("the daemon's own file")
struct DaemonFileTests {
    @Test("the shortest file has every default and no tunnels, and nothing to say")
    func shortest() {
        let outcome = load(daemon: "version: 1\n")
        #expect(outcome.configuration?.content == DaemonConfiguration(files: [daemonPath], includes: [daemonInclude]))
        #expect(outcome.diagnostics.isEmpty)
    }

    @Test("what says the same as nothing is accepted")
    func defaultsSpelledOut() {
        let text = """
            version: 1
            context:
            contexts: {}
            tunnels: []
            listeners: []
            include: [tunnels.d/*.yaml]
            clientConfig:
            watch: false
            admin: { socket: /run/rstreamd/admin.sock, group: rstream, mode: "0660" }
            metrics: {}
            page: { hosts: [] }
            reload: { changed: drain }
            log: { level: info, format: auto }
            drain: { timeout: 30s }
            reconnect: { minimum: 1s, maximum: 30s, rejected: 5m }
            limits: { streams: 0, pendingStreams: 256, openingStreams: 64, unixUpstreams: [] }
            """
        let expected = DaemonConfiguration(files: [daemonPath], includes: [daemonInclude])
        #expect(load(daemon: text).configuration?.content == expected)
    }

    @Test("every setting reaches its value")
    func everySetting() {
        let text = """
            version: 1
            clientConfig: config.yaml
            watch: on
            admin: { socket: admin.sock, group: adm, mode: 0600 }
            metrics: { listen: "[::1]:9464" }
            page: { listen: LocalHost:4041, hosts: [box.example] }
            reload: { changed: Keep }
            log: { level: Debug, format: JSON, streams: yes }
            drain: { timeout: 1.5m }
            reconnect: { minimum: 250ms, maximum: 2h, rejected: 10s }
            limits: { streams: 9, pendingStreams: 8, openingStreams: 7, unixUpstreams: [/run/a, b] }
            """
        let expected = DaemonConfiguration(
            files: [daemonPath],
            includes: [daemonInclude],
            clientConfig: "/etc/rstream/config.yaml",
            watch: true,
            reload: .keep,
            admin: AdminSettings(socket: "/etc/rstream/admin.sock", group: "adm", mode: 0o600),
            metrics: .tcp(host: "::1", port: 9_464),
            page: PageSettings(listen: .tcp(host: "localhost", port: 4_041), hosts: ["box.example"]),
            log: LogSettings(level: .debug, format: .json, streams: true),
            drain: DrainSettings(timeout: .seconds(90)),
            reconnect: ReconnectSettings(minimum: .milliseconds(250), maximum: .seconds(7_200), rejected: .seconds(10)),
            limits: LimitSettings(
                streams: 9,
                pendingStreams: 8,
                openingStreams: 7,
                unixUpstreams: ["/run/a", "/etc/rstream/b"]
            )
        )
        #expect(load(daemon: text).configuration?.content == expected)
    }

    @Test(
        "each mistake is one error at its place",
        arguments: [
            Wrong("", "1:1: version is required", "add \"version: 1\""),
            Wrong("# nothing\n", "1:1: version is required"),
            Wrong("log: {}\n", "1:1: version is required"),
            Wrong("- version: 1\n", "1:1: the file must be a mapping of keys"),
            Wrong("version: one\n", "1:10: \"version\" must be a whole number"),
            Wrong("version: 1\nverison: 1\n", "2:1: unknown key \"verison\"", "did you mean \"version\"?"),
            Wrong("version: 1\nlog: { levle: info }\n", "2:8: unknown key \"levle\"", "did you mean \"level\"?"),
            Wrong(
                "version: 1\nlog: { x: info }\n",
                "2:8: unknown key \"x\"",
                "expected one of: level, format, streams"
            ),
            Wrong("version: 1\nlog: loud\n", "2:6: \"log\" must be a mapping of keys"),
            Wrong("version: 1\nlog: { level: debgu }\n", "2:15: unknown level \"debgu\"", "did you mean \"debug\"?"),
            Wrong(
                "version: 1\nlog: { format: xml }\n",
                "2:16: unknown format \"xml\"",
                "expected one of: auto, journal, json, text"
            ),
            Wrong(
                "version: 1\ndrain: { timeout: 30 }\n",
                "2:19: \"timeout\" must be a duration",
                "expected a number and a unit, ms, s, m or h, like 30s"
            ),
            Wrong("version: 1\ndrain: { timeout: -1s }\n", "2:19: \"timeout\" must be a duration"),
            Wrong("version: 1\ndrain: { timeout: 9000h }\n", "2:19: \"timeout\" is longer than a year"),
            Wrong("version: 1\ndrain: { timeout: 99999999999999999999h }\n", "2:19: \"timeout\" must be a duration"),
            Wrong("version: 1\nreconnect: { minimum: 0s }\n", "2:23: \"minimum\" must be more than zero"),
            Wrong(
                "version: 1\nreconnect: { minimum: 1m }\n",
                "2:14: reconnect.minimum (1m) is longer than reconnect.maximum (30s)"
            ),
            Wrong("version: 1\nwatch: 5s\n", "2:8: \"watch\" must be true or false"),
            Wrong("version: 1\nclientConfig: ''\n", "2:15: \"clientConfig\" is empty"),
            Wrong("version: 1\nreload: { changed: stop }\n", "2:20: unknown reload.changed \"stop\""),
            Wrong("version: 1\nadmin: { sokcet: /a }\n", "2:10: unknown key \"sokcet\"", "did you mean \"socket\"?"),
            Wrong("version: 1\nadmin: { group: '' }\n", "2:17: \"group\" is empty"),
            Wrong(
                "version: 1\nadmin: { mode: 0860 }\n",
                "2:16: \"mode\" is not a file mode",
                "expected three or four octal digits, like \"0660\""
            ),
            Wrong("version: 1\nadmin: { mode: 1660 }\n", "2:16: \"mode\" is not a file mode"),
            Wrong("version: 1\nadmin: { mode: rw }\n", "2:16: \"mode\" is not a file mode"),
            Wrong("version: 1\nmetrics: { listen: 9464 }\n", "2:20: \"listen\" has no port"),
            Wrong("version: 1\nmetrics: { listen: localhost:x }\n", "2:20: \"listen\" has an invalid port \"x\""),
            Wrong("version: 1\npage: { listen: 4041 }\n", "2:17: \"listen\" has no port"),
            Wrong(
                "version: 1\npage: { hosts: [\"http://a\"] }\n",
                "2:17: \"http://a\" is not a host name",
                "expected a name without scheme and port, like box.example"
            ),
            Wrong(
                "version: 1\nadmin: { socket: /a }\nmetrics: { listen: unix:/a }\n",
                "3:20: unix:/a is taken",
                "first given at \(daemonPath):2:18"
            ),
            Wrong(
                "version: 1\nmetrics: { listen: \"[::]:80\" }\npage: { listen: 127.0.0.1:80 }\n",
                "3:17: 127.0.0.1:80 is taken",
                "first given at \(daemonPath):2:20"
            ),
            Wrong("version: 1\nlimits: { streams: -1 }\n", "2:20: \"streams\" is out of range"),
            Wrong("version: 1\nlimits: { streams: 1.5 }\n", "2:20: \"streams\" must be a whole number"),
            Wrong(
                "version: 1\nlimits: { streams: 99999999999999999999 }\n",
                "2:20: \"streams\" is out of range"
            ),
            Wrong("version: 1\nlimits: { pendingStreams: 0 }\n", "2:27: \"pendingStreams\" is out of range"),
            Wrong("version: 1\nlimits: { unixUpstreams: /run }\n", "2:26: \"unixUpstreams\" must be a list"),
            Wrong("version: 1\ntunnels: web\n", "2:10: \"tunnels\" must be a list"),
            Wrong("version: 1\ncontexts: [main]\n", "2:11: \"contexts\" must be a mapping of keys"),
            Wrong("version: 1\ncontext: [main]\n", "2:10: \"context\" must be text"),
            Wrong("version: 1\ncontext: main\n", "2:10: context \"main\" not found", "no contexts are defined"),
            Wrong("version: 1\nversion: 1\n", "2:1: repeated key \"version\"", "first given in line 1"),
            Wrong("version: 1\nlog:\n\tlevel: info\n", "3:1: a tab is not allowed here", "indent with spaces"),
            Wrong("version: 1\n---\nversion: 1\n", "2:1: a second document"),
            Wrong(
                "version: 1\ninclude: [\"*/a.yaml\"]\n",
                "2:11: \"*\" and \"?\" are only for the last part of a path"
            ),
            Wrong("version: 1\ninclude: [\"\"]\n", "2:11: an item of \"include\" is empty"),
            Wrong("version: 1\ninclude: [\"a\\0b\"]\n", "2:11: an item of \"include\" contains a control character"),
        ]
    )
    func mistakes(wrong: Wrong) {
        wrong.check(load(daemon: wrong.text))
    }

    @Test("of another version nothing else is judged")
    func otherVersion() {
        let outcome = load(daemon: "version: 2\nlog: { level: loud }\n")
        #expect(outcome.errors == ["1:10: unsupported version 2 (expected 1)"])
    }

    @Test("the admin socket is where systemd, an ordinary user's session or the system has a place for it, or nowhere")
    func defaultSockets() {
        let session = ["XDG_RUNTIME_DIR": "/run/user/7"]
        let cases: [([String: String], UInt32, String)] = [
            ([:], 0, "/run/rstreamd/admin.sock"), ([:], 7, "/run/rstreamd/admin.sock"),
            (session, 0, "/run/rstreamd/admin.sock"), (session, 7, "/run/user/7/rstreamd/admin.sock"),
            (["XDG_RUNTIME_DIR": "relative"], 7, "/run/rstreamd/admin.sock"),
            (["XDG_RUNTIME_DIR": "/run/user/7", "RUNTIME_DIRECTORY": "/run/x:/run/y"], 7, "/run/x/admin.sock"),
        ]
        for (environment, user, socket) in cases {
            #expect(AdminSettings.defaultSocket(environment: environment, user: user) == socket, "\(environment)")
        }
        #expect(DaemonPaths.usersAdminSocket(environment: session, user: 7) == "/run/user/7/rstreamd/admin.sock")
        #expect(DaemonPaths.usersAdminSocket(environment: session, user: 0) == nil)
    }

    @Test("systemd's directory is where the admin socket is, unless the file says otherwise")
    func runtimeDirectory() {
        let environment = ["RUNTIME_DIRECTORY": "/run/one:/run/two"]
        #expect(
            load(daemon: "version: 1\n", environment: environment).configuration?.admin.socket == "/run/one/admin.sock"
        )
        let daemon = "version: 1\nadmin: { socket: /a }\n"
        #expect(load(daemon: daemon, environment: environment).configuration?.admin.socket == "/a")
    }

    @Test("a socket that every user may write to is a warning", arguments: [("0666", 1), ("0o662", 1), ("664", 0)])
    func openSocket(mode: String, count: Int) {
        let outcome = load(daemon: "version: 1\nadmin: { mode: \(mode) }\n")
        #expect(outcome.errors.isEmpty)
        #expect(outcome.warnings.count == count)
    }

    @Test(
        "a page that other hosts reach is a warning that says who can read it",
        arguments: [
            ("127.0.0.1:4041", nil), ("'[::1]:4041'", nil), ("localhost:4041", nil), ("app.localhost:4041", nil),
            ("'[::ffff:127.0.0.1]:4041'", nil), ("unix:/run/page.sock", nil),
            ("0.0.0.0:4041", "everyone who reaches this host"), ("'[::]:4041'", "everyone who reaches this host"),
            ("192.168.1.4:4041", "everyone who reaches the private address 192.168.1.4"),
            ("8.8.8.8:4041", "everyone who reaches the public address 8.8.8.8"),
            ("box.example:4041", "everyone who reaches the addresses of box.example"),
        ] as [(String, String?)]
    )
    func openPage(address: String, readers: String?) {
        let outcome = load(daemon: "version: 1\npage: { listen: \(address) }\n")
        #expect(outcome.errors.isEmpty)
        let warning = readers.map { "2:17: \($0) can read the page: tunnels, visitors' addresses, the configuration" }
        #expect(outcome.warnings == [warning].compactMap { $0 })
    }

    @Test("all mistakes of all files are reported at once, in order")
    func allAtOnce() {
        let outcome = load(
            daemon: "version: 1\nwatch: maybe\nlogs: {}\n",
            tunnels: "version: 1\ntunnel: []\n"
        )
        #expect(
            outcome.diagnostics.map { "\($0.file):\($0.line):\($0.column): \($0.message)" } == [
                "\(daemonPath):2:8: \"watch\" must be true or false",
                "\(daemonPath):3:1: unknown key \"logs\"",
                "\(tunnelPath):1:1: tunnels is required",
                "\(tunnelPath):2:1: unknown key \"tunnel\"",
            ]
        )
    }

    @Test("a file with a million mistakes does not become a million lines")
    func manyMistakes() {
        let text = "version: 1\ntunnels: [\(String(repeating: "[],", count: 50_000))]\n"
        #expect(load(daemon: text).diagnostics.count == 1_001)
    }
}

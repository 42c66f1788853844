// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import RstreamConfig
import RstreamDaemonModel
import RstreamModel
import Testing

@Suite("listeners")
struct ListenerTests {
    @Test("every key reaches its value, in the daemon's file and in others")
    func values() throws {
        let daemon = usualDaemonFile + "listeners: [{ name: a, listen: 'unix:/run/a.sock', dial: pg-1 }]\n"
        let tunnels = """
            version: 1
            contexts: { own: { engine: o, noToken: true } }
            tunnels: []
            listeners:
              - { name: ' b ', listen: "[::1]:5432", dial: pg-2, context: own }
              - { name: c, listen: LOCALHOST:0, dial: pg-3, context: { engine: i, token: t } }
            """
        let outcome = load(daemon: daemon, tunnels: tunnels)
        #expect(outcome.diagnostics.isEmpty)
        let listeners = try #require(outcome.configuration?.listeners)
        #expect(listeners.map(\.name) == ["a", "b", "c"])
        #expect(
            listeners.map(\.listen) == [
                .unix(path: "/run/a.sock"), .tcp(host: "::1", port: 5_432), .tcp(host: "localhost", port: 0),
            ]
        )
        #expect(listeners.map(\.target) == ["pg-1", "pg-2", "pg-3"])
        #expect(listeners.map(\.context.name) == ["main", "own", "inline"])
        #expect(listeners.map { "\($0.mark)" } == ["\(daemonPath):4:13", "\(tunnelPath):5:5", "\(tunnelPath):6:5"])
    }

    @Test("how connections are taken and dialed for has defaults, and each of them may be given")
    func options() throws {
        let tunnels = """
            version: 1
            tunnels: []
            listeners:
              - { name: a, listen: "127.0.0.1:1", dial: t }
              - { name: b, listen: "unix:/run/b", dial: t, dialTimeout: 1500ms, limits: { streams: 7 } }
              - { name: c, listen: "unix:/run/c", dial: t, mode: "0600", group: db }
              - { name: d, listen: "unix:/run/d", dial: t, mode: 666, limits: {}, group: }
              - { name: e, listen: "127.0.0.1:2", dial: t, mode: , group: ~ }
            """
        let outcome = load(tunnels: tunnels)
        #expect(outcome.diagnostics.isEmpty, "\(outcome.diagnostics.map(\.description))")
        let usual = ListenerOptions()
        #expect((usual.dialTimeout, usual.streamLimit) == (.seconds(15), 0))
        #expect(usual.rights == SocketRights(mode: 0o660, group: nil))
        #expect(
            outcome.configuration?.listeners.map(\.options) == [
                usual, ListenerOptions(dialTimeout: .milliseconds(1_500), streamLimit: 7),
                ListenerOptions(rights: SocketRights(mode: 0o600, group: "db")),
                ListenerOptions(rights: SocketRights(mode: 0o666)), usual,
            ]
        )
    }

    @Test("takes as many sockets as its address has families")
    func sockets() throws {
        let texts = [("unix:/run/a", 1), ("0.0.0.0:1", 1), ("[::1]:1", 1), ("localhost:1", 2), ("db.example:1", 2)]
        for (text, count) in texts { #expect(try ListenAddress(text).socketCount == count, "\(text)") }
        let context = ContextDefinition(
            name: "c",
            engine: .address(try EngineAddress("engine.test")),
            credential: .none
        )
        let listeners = try texts.map { text, _ in
            ListenerDefinition(name: text, listen: try ListenAddress(text), target: "t", context: context)
        }
        #expect(DaemonConfiguration(listeners: listeners).listenerSockets == 7)
    }

    @Test(
        "an address is written as it is read",
        arguments: ["127.0.0.1:5432", "[::1]:0", "db.example:65535", "db.1:5432", "my_host:5432", "unix:/run/x.sock"]
    )
    func addresses(text: String) throws {
        #expect(try ListenAddress(text).description == text)
    }

    @Test(
        "each mistake is one error at its place",
        arguments: [
            Wrong("listen: a:1\ndial: t", "3:5: listeners[0].name is required"),
            Wrong("name: db\ndial: t", "3:5: listeners[0].listen is required", expectation),
            Wrong("name: db\nlisten: a:1", "3:5: listeners[0].dial is required"),
            Wrong("name: db\nlisten: a:1\ndial: ' '", "5:11: listeners[0].dial is required"),
            Wrong("name: db\nlisten: 5432\ndial: t", "4:13: \"listen\" has no port", expectation),
            Wrong("name: db\nlisten: ':5432'\ndial: t", "4:13: \"listen\" has an invalid address \"\""),
            Wrong("name: db\nlisten: '*:5432'\ndial: t", "4:13: \"listen\" has an invalid address \"*\""),
            Wrong(
                "name: db\nlisten: 127.0.0.256:1\ndial: t",
                "4:13: \"listen\" has an invalid address \"127.0.0.256\""
            ),
            Wrong("name: db\nlisten: 127.1:1\ndial: t", "4:13: \"listen\" has an invalid address \"127.1\""),
            Wrong("name: db\nlisten: ::1:5432\ndial: t", "4:13: \"listen\" has an invalid address \"::1\""),
            Wrong("name: db\nlisten: a:65536\ndial: t", "4:13: \"listen\" has an invalid port \"65536\""),
            Wrong("name: db\nlisten: 'a:'\ndial: t", "4:13: \"listen\" has an invalid port \"\""),
            Wrong("name: db\nlisten: a:http\ndial: t", "4:13: \"listen\" has an invalid port \"http\""),
            Wrong("name: db\nlisten: unix:run/a\ndial: t", "4:13: \"listen\" needs a path that starts with \"/\""),
            Wrong("name: db\nlisten: unix:@a\ndial: t", "4:13: \"listen\" needs a path that starts with \"/\""),
            Wrong(
                "name: db\nlisten: unix:/\(String(repeating: "x", count: 107))\ndial: t",
                "4:13: \"listen\" has a path of more than 107 bytes"
            ),
            Wrong("name: db\nlisten: a:1\ndial: t\nforward: 1", "6:5: unknown key \"forward\""),
            Wrong("name: db\nlisten: a:1\ndial: t\ndialTimeout: 0s", "6:18: \"dialTimeout\" must be more than zero"),
            Wrong("name: db\nlisten: a:1\ndial: t\ndialTimeout: 10", "6:18: \"dialTimeout\" must be a duration"),
            Wrong("name: db\nlisten: a:1\ndial: t\ndialTimeout: 9000h", "6:18: \"dialTimeout\" is longer than a year"),
            Wrong("name: db\nlisten: a:1\ndial: t\nlimits: 7", "6:13: \"limits\" must be a mapping of keys"),
            Wrong("name: db\nlisten: a:1\ndial: t\nlimits: { streams: -1 }", "6:24: \"streams\" is out of range"),
            Wrong(
                "name: db\nlisten: a:1\ndial: t\nlimits: { stream: 1 }",
                "6:15: unknown key \"stream\"",
                "did you mean \"streams\"?"
            ),
            Wrong(
                "name: db\nlisten: a:1\ndial: t\nmode: rw",
                "6:5: \"mode\" applies to Unix sockets only, and this listener has a port",
                "leave it out, or listen at unix:/path"
            ),
            Wrong(
                "name: db\nlisten: localhost:1\ndial: t\ngroup: db",
                "6:5: \"group\" applies to Unix sockets only, and this listener has a port",
                "leave it out, or listen at unix:/path"
            ),
            Wrong(
                "name: db\nlisten: unix:/a\ndial: t\nmode: rw",
                "6:11: \"mode\" is not a file mode",
                "expected three or four octal digits, like \"0660\""
            ),
            Wrong("name: db\nlisten: unix:/a\ndial: t\nmode: '1777'", "6:11: \"mode\" is not a file mode"),
            Wrong("name: db\nlisten: unix:/a\ndial: t\ngroup: ' '", "6:12: \"group\" is empty"),
            Wrong(
                "name: db\nlisten: a:1\ndial: t\ncontext: mian",
                "6:14: listener \"db\": context \"mian\" not found",
                "did you mean \"main\"?"
            ),
        ]
    )
    func mistakes(wrong: Wrong) {
        wrong.check(load(tunnels: file(wrong.text)))
    }

    @Test("a listener that names no context needs the daemon's")
    func noFallback() {
        let outcome = load(daemon: "version: 1\n", tunnels: file("name: db\nlisten: a:1\ndial: t"))
        #expect(outcome.errors == ["3:11: listener \"db\": fallback context is not configured"])
    }

    @Test("names and addresses are unique over all files, and the error names both places")
    func duplicates() {
        let daemon = usualDaemonFile + "listeners: [{ name: db, listen: A:1, dial: t }]\n"
        let outcome = load(daemon: daemon, tunnels: file("name: db\nlisten: a:1\ndial: t"))
        #expect(outcome.errors == ["3:11: duplicate listener name \"db\"", "4:13: listener \"db\": a:1 is taken"])
        #expect(
            outcome.diagnostics.map(\.hint) == [
                "first defined at \(daemonPath):4:21", "first given at \(daemonPath):4:33",
            ]
        )
    }

    @Test("a listener may not take the address of the metrics or the admin socket")
    func taken() {
        let daemon =
            usualDaemonFile + "metrics: { listen: 127.0.0.1:9464 }\nadmin: { socket: /run/a }\n"
            + "listeners:\n- { name: a, listen: 127.0.0.1:9464, dial: t }\n- { name: b, listen: unix:/run/a, dial: t }\n"
        #expect(
            load(daemon: daemon).errors == [
                "7:22: listener \"a\": 127.0.0.1:9464 is taken", "8:22: listener \"b\": unix:/run/a is taken",
            ]
        )
    }

    @Test(
        "what the kernel refuses is an error, and what it takes is none",
        arguments: [
            (["0.0.0.0:1", "[::]:1"], []), (["127.0.0.1:1", "127.0.0.2:1", "[::1]:1"], []),
            (["0.0.0.0:1", "127.0.0.1:2", "[::]:2"], []), (["localhost:1", "127.0.0.2:1", "[::2]:1"], []),
            (["localhost:1", "127.0.0.1:1"], [1]), (["localhost:1", "127.0.0.2:1", "[::1]:1"], [2]),
            (["127.0.0.1:1", "localhost:1", "[::1]:1"], [1]), (["[::1]:1", "LocalHost:1"], [1]),
            (["localhost:1", "app.localhost:1", "localhost:2"], [1]),
            (["localhost:1", "0.0.0.0:1", "[::]:1"], [1, 2]),
            (["0.0.0.0:1", "localhost:1"], [1]), (["[::]:1", "localhost:1"], [1]),
            (["localhost:0", "localhost:0"], []),
            (["0.0.0.0:0", "127.0.0.1:0", "[::]:0"], []), (["0.0.0.0:1", "127.0.0.1:1"], [1]),
            (["127.0.0.1:1", "0.0.0.0:1"], [1]), (["[::]:1", "[::1]:1"], [1]), (["[fe80::1]:1", "[0::0]:1"], [1]),
            (["127.0.0.1:1", "[::1]:1", "0.0.0.0:1", "[::]:1"], [2, 3]), (["[::]:1", "0.0.0.0:1", "[::]:1"], [2]),
        ] as [([String], [Int])]
    )
    func overlaps(addresses: [String], refused: [Int]) {
        let listeners = addresses.enumerated().map { "- { name: l\($0), listen: \"\($1)\", dial: t }\n" }.joined()
        let outcome = load(daemon: usualDaemonFile + "listeners:\n\(listeners)")
        #expect(outcome.diagnostics.map(\.line) == refused.map { $0 + 5 })
        #expect(outcome.diagnostics.allSatisfy { $0.hint == "first given at \(daemonPath):5:23" } || refused == [2, 3])
    }

    @Test(
        "metrics take IPv4 with IPv6, as there is one address for them; the admin socket is in the way where it is by default"
    )
    func others() {
        func errors(_ text: String) -> [String] { load(daemon: usualDaemonFile + text).errors }
        let metrics = "metrics: { listen: '[::]:1' }\n"
        #expect(
            errors(metrics + "listeners: [{ name: a, listen: 127.0.0.1:1, dial: t }]\n")
                == ["5:32: listener \"a\": 127.0.0.1:1 is taken"]
        )
        #expect(errors(metrics + "listeners: [{ name: a, listen: 127.0.0.1:2, dial: t }]\n").isEmpty)
        for (metrics, listen) in [
            ("localhost", "127.0.0.1"), ("localhost", "'[::1]"), ("127.0.0.1", "localhost"), ("'[::]", "localhost"),
        ] {
            func place(_ host: String) -> String { "\(host):1\(host.hasPrefix("'") ? "'" : "")" }
            let text =
                "metrics: { listen: \(place(metrics)) }\nlisteners: [{ name: a, listen: \(place(listen)), dial: t }]\n"
            let wanted = place(listen).replacing("'", with: "")
            #expect(errors(text) == ["5:32: listener \"a\": \(wanted) is taken"])
        }
        let path = AdminSettings.defaultSocket(environment: [:], user: geteuid())
        let listeners = "listeners: [{ name: a, listen: 'unix:\(path)', dial: t }]\n"
        #expect(errors(listeners) == ["4:32: listener \"a\": unix:\(path) is taken"])
        #expect(errors(listeners + "admin: { socket: none }\n").isEmpty)
        #expect(errors(listeners + "admin: { socket: /elsewhere }\n").isEmpty)
        #expect(errors("metrics: { listen: 'unix:\(path)' }\n") == ["4:20: unix:\(path) is taken"])
    }

    /// A file whose only listener has these keys, the first of which is on line 3.
    private func file(_ keys: String) -> String {
        "version: 1\nlisteners:\n  - \(keys.replacing("\n", with: "\n    "))\ntunnels: []\n"
    }
}

private let expectation = "expected an address and a port, like 127.0.0.1:5432 or [::1]:5432, or unix:/path"

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamConfig
import RstreamDaemonModel
import RstreamModel
import Testing

@Suite("tunnels")
struct TunnelTests {
    @Test("the smallest tunnel has every default and the labels that mark it")
    func smallest() throws {
        let tunnel = try #require(load(tunnels: entryFile("forward: 8080\ntunnel: {}")).tunnel)
        let expected = TunnelDefinition(
            name: "web",
            upstream: .tcp(host: "localhost", service: "8080"),
            spec: TunnelSpec(name: "web", labels: ["rstream.managed-by": "run", "rstream.source": "apply"]),
            context: ContextDefinition(
                name: "main",
                engine: .address(try EngineAddress("engine.example")),
                credential: .none
            )
        )
        #expect(tunnel.content == expected)
        #expect(tunnel.options.connectTimeout == .seconds(5))
        #expect("\(tunnel.mark)" == "\(tunnelPath):3:5")
    }

    @Test("every key of the table reaches its property")
    func everyKey() throws {
        let text = tunnelFile(
            """
            publish: yes
            protocol: " HTTP "
            type: ByteStream
            host: web-1a2b.t.cluster.example
            allowCrossRegionRouting: off
            upstreamTLS: No
            trustedIPs: [192.0.2.0/24, "2001:db8::/32"]
            geoip: [fr, DE]
            labels: { env: prod, version: 1.10, none: , rstream.source: me }
            http: { auth: { token: true, rstream: false }, gate: { challenge: FALSE } }
            tls: { mode: terminated, minVersion: TLS1.2, alpns: [h2], ciphers: [TLS_AES_128_GCM_SHA256], mtls: false }
            """
        )
        let outcome = load(tunnels: text)
        #expect(outcome.errors.isEmpty)
        let expected = TunnelSpec(
            name: "web",
            type: .bytestream,
            publish: true,
            protocol: .http,
            labels: [
                "env": "prod", "version": "1.10", "none": "", "rstream.managed-by": "run", "rstream.source": "apply",
            ],
            geoip: ["FR", "DE"],
            trustedIPs: ["192.0.2.0/24", "2001:db8::/32"],
            hostname: "web-1a2b.t.cluster.example",
            tls: TunnelSpec.TLS(
                mode: .terminated,
                minVersion: .tls12,
                alpns: ["h2"],
                ciphers: ["TLS_AES_128_GCM_SHA256"],
                mtls: false
            ),
            http: TunnelSpec.HTTP(tokenAuth: true, rstreamAuth: false, challenge: false),
            upstreamTLS: false,
            allowCrossRegionRouting: false
        )
        #expect(outcome.tunnel?.spec == expected)
    }

    @Test("a tcp tunnel may ask for its port")
    func tcpPort() {
        #expect(load(tunnels: tunnelFile("{ protocol: tcp, port: 10022 }")).tunnel?.spec.port == 10_022)
    }

    @Test("what is wrong by itself and what does not go together are told at once, unless that is a guess")
    func together() {
        let all = load(
            tunnels: tunnelFile("{ protocol: tls, host: 'a b', port: 70000, http: { version: h2c }, geoip: [Mars] }")
        )
        let messages = all.diagnostics.filter { $0.severity == .error }.map(\.message)
        #expect(messages.count == 4, "\(messages)")
        #expect(messages.contains { $0.hasSuffix("port 70000 is not between 1 and 65535") })
        #expect(messages.contains { $0.hasSuffix("http settings require protocol \"http\"") })
        let guess = load(tunnels: tunnelFile("{ protocol: tlss, http: { version: h2c } }"))
        #expect(guess.diagnostics.count == 1)
    }

    @Test("older keys mean what they meant")
    func aliases() throws {
        let text = tunnelFile("{ protocol: http, http: { upstreamTLS: true, tokenAuth: true } }")
        let spec = try #require(load(tunnels: text).tunnel?.spec)
        #expect(spec.upstreamTLS == true)
        #expect(spec.httpUseTLS == true)
        #expect(spec.http.tokenAuth == true)
    }

    @Test("null is as good as absent, in every place where something may be absent")
    func nulls() {
        let outcome = load(
            tunnels: entryFile(
                "forward: 8080\ncontext:\nenabled:\nupstream:\nlimits:\nreload:\ntunnel: { publish: , protocol: ~, http: , tls: null, host: , port: , geoip: , labels: }"
            )
        )
        #expect(outcome.diagnostics.isEmpty)
        #expect(outcome.tunnel?.isEnabled == true)
    }

    @Test(
        "forward takes every form",
        arguments: [
            ("8080", UpstreamAddress.tcp(host: "localhost", service: "8080")),
            ("db:5432", .tcp(host: "db", service: "5432")),
            ("'[::1]:80'", .tcp(host: "::1", service: "80")),
            ("unix:/run/app.sock", .unix(path: "/run/app.sock")),
            ("'unix:@app'", .abstract(name: "app")),
        ]
    )
    func forward(written: String, meant: UpstreamAddress) {
        #expect(load(tunnels: entryFile("forward: \(written)\ntunnel: {}")).tunnel?.upstream == meant)
    }

    @Test("a number that is not a port is taken as the official tool takes it, with a warning")
    func portOfForward() {
        let outcome = load(tunnels: entryFile("forward: db:70000\ntunnel: {}"))
        #expect(outcome.errors.isEmpty)
        #expect(outcome.warnings == ["4:14: tunnel \"web\": 70000 is not a port"])
    }

    @Test("the extension keys reach their values")
    func extensions() throws {
        let text = """
            forward: 1
            enabled: false
            upstream: { connectTimeout: 750ms, holdTimeout: 10s, idleTimeout: 5m, proxyProtocol: V2 }
            limits: { streams: 12 }
            reload: { changed: keep }
            tunnel: {}
            """
        let tunnel = try #require(load(tunnels: entryFile(text)).tunnel)
        #expect(!tunnel.isEnabled)
        #expect(
            tunnel.options
                == UpstreamOptions(
                    connectTimeout: .milliseconds(750),
                    holdTimeout: .seconds(10),
                    proxyProtocol: .v2,
                    idleTimeout: .seconds(300)
                )
        )
        #expect(tunnel.streamLimit == 12)
        #expect(tunnel.disposition == .keep)
    }

    @Test("extension keys that say the same as nothing")
    func plainExtensions() throws {
        let text = """
            forward: 1
            upstream: { connectTimeout: 5s, holdTimeout: 0s, idleTimeout: 0m, proxyProtocol: none }
            limits: { streams: 0 }
            reload: {}
            tunnel: {}
            """
        let plain = load(tunnels: entryFile("forward: 1\ntunnel: {}")).tunnel
        #expect(load(tunnels: entryFile(text)).tunnel?.content == plain?.content)
        #expect(plain?.options == UpstreamOptions())
    }

    @Test("what a tunnel says about its streams at a reload comes before what the daemon says")
    func disposition() {
        let daemon = usualDaemonFile + "reload: { changed: cut }\n"
        #expect(load(daemon: daemon, tunnels: entryFile("forward: 1\ntunnel: {}")).tunnel?.disposition == .cut)
        let text = entryFile("forward: 1\nreload: { changed: drain }\ntunnel: {}")
        #expect(load(daemon: daemon, tunnels: text).tunnel?.disposition == .drain)
    }

    @Test(
        "each mistake in an entry is one error at its place",
        arguments: [
            Wrong("tunnel: {}", "3:5: tunnels[0].forward is required"),
            Wrong("forward:\ntunnel: {}", "4:5: tunnels[0].forward is required"),
            Wrong("forward: ' '\ntunnel: {}", "4:14: tunnels[0].forward is required"),
            Wrong("forward: 'a:'\ntunnel: {}", "4:14: tunnel \"web\": invalid forward target \"a:\""),
            Wrong(
                "forward: unix:relative\ntunnel: {}",
                "4:14: tunnel \"web\": invalid forward target \"unix:relative\""
            ),
            Wrong("forward: [1]\ntunnel: {}", "4:14: \"forward\" must be text"),
            Wrong("forward: 1", "3:5: tunnels[0].tunnel is required", "it may be {}"),
            Wrong("forward: 1\ntunnel:", "5:5: tunnels[0].tunnel is required"),
            Wrong("forward: 1\ntunnel: [a]", "5:13: \"tunnel\" must be a mapping of keys"),
            Wrong("forward: 1\ntunnel: {}\ncontext: [a]", "6:14: context must be a string or object"),
            Wrong(
                "forward: 1\ntunnel: {}\ncontext: mian",
                "6:14: tunnel \"web\": context \"mian\" not found",
                "did you mean \"main\"?"
            ),
            Wrong(
                "forward: 1\ntunnel: {}\ncontext: { engine: e }",
                "6:14: context \"inline\": a credential is required"
            ),
            Wrong("forward: 1\ntunnel: {}\ncontext: { token: t }", "6:14: context \"inline\": engine is required"),
            Wrong("forward: 1\ntunnel: {}\ncontext: { external: true }", "6:16: unknown key \"external\""),
            Wrong("forward: 1\ntunnel: {}\nenabled: perhaps", "6:14: \"enabled\" must be true or false"),
            Wrong(
                "forward: 1\ntunnel: {}\nprotocol: http",
                "6:5: unknown key \"protocol\"",
                "\"protocol\" belongs in \"tunnel\""
            ),
            Wrong("forward: 1\ntunnel: {}\nupstream: { holdTimeout: 5 }", "6:30: \"holdTimeout\" must be a duration"),
            Wrong("forward: 1\ntunnel: {}\nupstream: { idleTimeout: -5s }", "6:30: \"idleTimeout\" must be a duration"),
            Wrong("forward: 1\ntunnel: {}\nupstream: { proxyProtocol: v3 }", "6:32: unknown proxyProtocol \"v3\""),
            Wrong(
                "forward: 1\ntunnel: {}\nupstream: { connectTimeout: 0s }",
                "6:33: \"connectTimeout\" must be more than zero"
            ),
            Wrong("forward: 1\ntunnel: {}\nlimits: { streams: -5 }", "6:24: \"streams\" is out of range"),
            Wrong(
                "forward: 1\ntunnel: {}\nreload: { changed: kep }",
                "6:24: unknown reload.changed \"kep\"",
                "did you mean \"keep\"?"
            ),
            Wrong(
                "forward: 1\ntunnel: { protocol: tls }\ninspect: true",
                "6:5: tunnel \"web\": inspect requires protocol \"http\""
            ),
            Wrong(
                "forward: 1\ntunnel: { protocol: http, upstreamTLS: true }\ninspect: true",
                "6:5: tunnel \"web\": inspect sees nothing with upstreamTLS, which encrypts at the engine",
                "let the daemon speak TLS to the service: \"tls\" in \"upstream\""
            ),
            Wrong("forward: 1\ntunnel: {}\nreload: keep", "6:13: \"reload\" must be a mapping of keys"),
            Wrong("forward: 1\ntunnel: {}\nname: again", "6:5: repeated key \"name\"", "first given in line 3"),
        ]
    )
    func entryMistakes(wrong: Wrong) {
        let outcome = load(tunnels: entryFile(wrong.text))
        // An inline context without an engine also lacks a credential, and the other way round; see the first.
        if wrong.text.contains("{ external") {
            #expect(outcome.errors.contains(wrong.error))
        } else {
            wrong.check(outcome)
        }
    }

    @Test(
        "each mistake in what the engine is asked for is one error at its place",
        arguments: [
            Wrong("protcol: http", "6:7: unknown key \"protcol\"", "did you mean \"protocol\"?"),
            Wrong("protocol: htpt", "6:17: unknown protocol \"htpt\"", "did you mean \"http\"?"),
            Wrong(
                "protocol: gopher",
                "6:17: unknown protocol \"gopher\"",
                "expected one of: http, tls, tcp, dtls, quic, webtty"
            ),
            Wrong("protocol: [http]", "6:17: \"protocol\" must be text"),
            Wrong("publish: maybe", "6:16: \"publish\" must be true or false"),
            Wrong("type: datagram", "6:7: tunnel \"web\": datagram tunnels are not supported, only bytestream tunnels"),
            Wrong("protocol: quic", "6:7: tunnel \"web\": datagram tunnels are not supported, only bytestream tunnels"),
            Wrong("host: ''", "6:13: tunnel \"web\": the hostname is blank"),
            Wrong("host: a_b", "6:13: tunnel \"web\": \"a_b\" is not a host name"),
            Wrong("port: 80", "6:7: tunnel \"web\": port requires protocol tcp"),
            Wrong("port: eighty", "6:13: \"port\" must be a whole number"),
            Wrong("{ protocol: tcp, port: 70000 }", "6:24: tunnel \"web\": port 70000 is not between 1 and 65535"),
            Wrong("{ protocol: tcp, publish: false }", "6:24: tunnel \"web\": a tcp tunnel must be published"),
            Wrong("{ protocol: tcp, host: a.example }", "6:24: tunnel \"web\": a tcp tunnel takes no hostname"),
            Wrong(
                "{ protocol: tls, http: { version: h2c } }",
                "6:32: tunnel \"web\": http settings require protocol \"http\""
            ),
            Wrong("trustedIPs: 192.0.2.0/24", "6:19: \"trustedIPs\" must be a list"),
            Wrong(
                "trustedIPs: [192.0.2.7]",
                "6:20: tunnel \"web\": \"192.0.2.7\" is not an address range",
                "did you mean \"192.0.2.7/32\"?"
            ),
            Wrong("trustedIPs: [192.0.2.0/33]", "6:20: tunnel \"web\": \"192.0.2.0/33\" is not an address range"),
            Wrong(
                "trustedIPs: [ok, ~]",
                "6:20: tunnel \"web\": \"ok\" is not an address range | 6:24: an item of \"trustedIPs\" must be text"
            ),
            Wrong("geoip: [FR, ZZ]", "6:19: tunnel \"web\": \"ZZ\" is not a country code"),
            Wrong("labels: [a]", "6:15: \"labels\" must be a mapping of keys"),
            Wrong("labels: { a: [b] }", "6:20: label \"a\" must be text"),
            Wrong(
                "{ protocol: http, http: { version: http/1.0 } }",
                "6:42: unknown version \"http/1.0\"",
                "did you mean \"http/1.1\"?"
            ),
            Wrong("{ http: { auth: { tokn: true } } }", "6:25: unknown key \"tokn\"", "did you mean \"token\"?"),
            Wrong(
                "{ http: { auth: { token: true }, tokenAuth: false } }",
                "6:40: tunnel \"web\": http.tokenAuth and http.auth.token disagree"
            ),
            Wrong(
                "{ upstreamTLS: true, http: { upstreamTLS: false } }",
                "6:9: tunnel \"web\": upstreamTLS and http.upstreamTLS disagree"
            ),
            Wrong("tls: { mode: broken }", "6:20: unknown mode \"broken\"", "expected one of: terminated, passthrough"),
            Wrong(
                "tls: { mode: passthrough, mtls: true }",
                "6:33: tunnel \"web\": mtlsAuth needs TLS that ends at the engine, not tls.mode passthrough"
            ),
            Wrong("tls: { minVersion: 1.2 }", "6:26: unknown minVersion \"1.2\""),
            Wrong("tls: { alpns: h2 }", "6:21: \"alpns\" must be a list"),
            Wrong("mode: passthrough", "6:7: unknown key \"mode\"", "\"mode\" belongs in \"tls\""),
            Wrong("publish: !mine yes", "6:16: tags are not supported"),
        ]
    )
    func specMistakes(wrong: Wrong) {
        let outcome = load(tunnels: tunnelFile(wrong.text))
        #expect(outcome.errors.joined(separator: " | ") == wrong.error)
        if let hint = wrong.hint { #expect(outcome.diagnostics.first?.hint == hint) }
    }

    @Test("a tunnel without a name is told by its index")
    func nameless() {
        let text =
            "version: 1\ntunnels:\n  - { name: a, forward: 1, tunnel: {} }\n  - { name: ' ', forward: 1, tunnel: {} }\n  - forward: 1\n    tunnel: {}\n"
        #expect(
            load(tunnels: text).errors == ["4:13: tunnels[1].name is required", "5:5: tunnels[2].name is required"]
        )
    }

    @Test("names are trimmed, and unique over all files")
    func duplicateNames() {
        let daemon = usualDaemonFile + "tunnels: [{ name: web, forward: 1, tunnel: {} }]\n"
        let outcome = load(
            daemon: daemon,
            tunnels: entryFile("forward: 1\ntunnel: {}").replacing("name: web", with: "name: ' web '")
        )
        #expect(outcome.errors == ["3:11: duplicate tunnel name \"web\""])
        #expect(outcome.diagnostics.map(\.hint) == ["first defined at \(daemonPath):4:19"])
    }

    @Test("a tunnel that names no context needs the daemon's, even when only one is defined")
    func noFallback() {
        let outcome = load(
            daemon: "version: 1\ncontexts: { main: { engine: e, noToken: true } }\n",
            tunnels: entryFile("forward: 1\ntunnel: {}")
        )
        #expect(outcome.errors == ["3:11: tunnel \"web\": fallback context is not configured"])
    }

    @Test("a tunnel may name a context of its own file or bring one along")
    func ownContext() {
        let named =
            "version: 1\ncontexts: { mine: { engine: e, token: t } }\ntunnels: [{ name: a, forward: 1, context: mine, tunnel: {} }]\n"
        #expect(load(daemon: "version: 1\n", tunnels: named).tunnel?.context.name == "mine")
        let inline = entryFile("forward: 1\ncontext: { engine: e, token: t }\ntunnel: {}")
        let context = load(daemon: "version: 1\n", tunnels: inline).tunnel?.context
        #expect(context?.name == "inline")
        #expect(context?.credential == .token(Secret("t")))
    }

    @Test("a reference to a context that is wrong itself is not one more error")
    func brokenContext() {
        let outcome = load(
            daemon: "version: 1\ncontext: main\ncontexts: { main: { engine: '', noToken: true } }\n",
            tunnels: entryFile("forward: 1\ntunnel: {}")
        )
        #expect(outcome.errors == ["3:29: context \"main\": engine is empty"])
    }

    @Test("tunnels have the same content whatever line or file they stand on")
    func equality() {
        let first = load(tunnels: entryFile("forward: 1\ntunnel: {}")).tunnel
        let second = load(tunnels: "# moved\n\n" + entryFile("tunnel: {}\nforward: 1")).tunnel
        #expect(first?.content == second?.content)
        #expect(first != second)
        #expect(first?.mark.line != second?.mark.line)
    }

    @Test("anchors and merge keys work, and complaints point at the anchor")
    func merge() {
        let text = """
            version: 1
            tunnels:
              - &web
                name: web
                forward: 1
                tunnel: &spec { protocol: http }
              - <<: *web
                name: two
                tunnel: { <<: *spec, publish: false }
            """
        let tunnels = load(tunnels: text).configuration?.tunnels
        #expect(tunnels?.map(\.name) == ["web", "two"])
        #expect(tunnels?.map(\.spec.publish) == [nil, false])
        #expect(tunnels?.map(\.spec.protocol) == [.http, .http])
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamConfig
import RstreamModel
import Testing

@Suite("transport")
struct TransportTests {
    @Test("every key reaches its value")
    func everyKey() throws {
        let text = """
            mode: auto
            ipFamily: IPv4
            mptcp: yes
            bind: { mode: interface, interface: eth0 }
            dns: { override: 1.1.1.1, tls: true, serverName: one.one.one.one, dnssec: false }
            tls: { caFile: ca.pem, serverName: engine.internal, insecureSkipVerify: off }
            proxy:
              http: https://proxy.example
              username: u
              password: ' p '
              headers: { X-Env: ci, Proxy-Note: 8 }
              fromEnvironment: false
              tls: { caFile: /pca.pem }
            redirects: Engine
            prewarm: { mode: Fixed, maximum: 256, maxAge: 1m }
            """
        let expected = TransportOptions(
            bind: .interface("eth0"),
            ipFamily: .ipv4,
            multipath: true,
            dns: TransportOptions.DNS(server: try EngineAddress("1.1.1.1:853"), tlsServerName: "one.one.one.one"),
            tls: TransportOptions.TLS(caFile: "/etc/rstream/ca.pem", serverName: "engine.internal"),
            proxy: Proxy(
                route: .https(try EngineAddress("proxy.example:443")),
                credentials: Proxy.Credentials(username: "u", password: Secret(" p ")),
                headers: ["X-Env": "ci", "Proxy-Note": "8"],
                tls: TransportOptions.TLS(caFile: "/pca.pem")
            ),
            redirects: .engine,
            prewarm: TransportOptions.Prewarm(mode: .fixed, maximum: 256, maxAge: .seconds(60))
        )
        let outcome = load(daemon: file(text))
        #expect(outcome.diagnostics.isEmpty)
        #expect(outcome.configuration?.contexts.first?.transport == expected)
    }

    @Test(
        "a bind is an address unless it says otherwise",
        arguments: [
            ("address: 192.0.2.1", .address(.v4(0xC000_0201))),
            ("mode: ADDRESS\n  address: 192.0.2.1", .address(.v4(0xC000_0201))),
            ("mode: interface\n  interface: wg-0.5", .interface("wg-0.5")),
            ("mode: ''\n  interface: ''", nil),
        ] as [(String, TransportOptions.Bind?)]
    )
    func bind(written: String, meant: TransportOptions.Bind?) {
        let outcome = load(daemon: file("bind:\n  \(written)"))
        #expect(outcome.diagnostics.isEmpty)
        #expect(outcome.configuration?.contexts.first?.transport.bind == meant)
    }

    @Test(
        "a resolver has the port of what it speaks",
        arguments: [
            ("override: 192.0.2.53", "192.0.2.53:53", nil),
            ("override: '[2001:db8::1]:5353'", "[2001:db8::1]:5353", nil),
            ("{ override: dns.example, tls: true }", "dns.example:853", "dns.example"),
            ("{ override: 'dns.example:8853', tls: true, serverName: n }", "dns.example:8853", "n"),
        ] as [(String, String, String?)]
    )
    func dns(written: String, server: String, name: String?) throws {
        let outcome = load(daemon: file("dns:\n  \(written)"))
        #expect(outcome.diagnostics.isEmpty)
        let expected = TransportOptions.DNS(server: try EngineAddress(server), tlsServerName: name)
        #expect(outcome.configuration?.contexts.first?.transport.dns == expected)
    }

    @Test(
        "each mistake is one error at its place",
        arguments: [
            Wrong("ipFamily: ipv5", "7:17: unknown ipFamily \"ipv5\""),
            Wrong("redirects: publik", "7:18: unknown redirects \"publik\""),
            Wrong("redirects: [any]", "7:18: \"redirects\" must be text"),
            Wrong("prewarm: { mode: on }", "7:24: unknown prewarm.mode \"on\""),
            Wrong("prewarm: { maximum: 0 }", "7:27: \"maximum\" is out of range"),
            Wrong("prewarm: { maximum: 257 }", "7:27: \"maximum\" is out of range"),
            Wrong("prewarm: { maxAge: 999ms }", "7:26: \"maxAge\" is out of range"),
            Wrong("prewarm: { maxAge: 61s }", "7:26: \"maxAge\" is out of range"),
            Wrong("maxAge: 5s", "7:7: unknown key \"maxAge\""),
            Wrong("mptcp: maybe", "7:14: \"mptcp\" must be true or false"),
            Wrong("bind: eth0", "7:13: \"bind\" must be a mapping of keys"),
            Wrong("bind: { mode: iface, interface: eth0 }", "7:21: unknown bind.mode \"iface\""),
            Wrong("bind: { mode: interface }", "7:15: bind.interface is required with bind.mode: interface"),
            Wrong(
                "bind: { mode: interface, interface: '' }",
                "7:15: bind.interface is required with bind.mode: interface"
            ),
            Wrong("bind: { mode: address }", "7:15: bind.address is required with bind.mode: address"),
            Wrong(
                "bind: { mode: interface, interface: a/b }",
                "7:43: bind.interface \"a/b\" is not the name of an interface",
                "expected a name like eth0"
            ),
            Wrong("bind: { address: 192.0.2.1:80 }", "7:24: bind.address \"192.0.2.1:80\" is not an IP address"),
            Wrong("bind: { address: host.example }", "7:24: bind.address \"host.example\" is not an IP address"),
            Wrong(
                "bind: { address: 192.0.2.1 }\nipFamily: ipv6",
                "7:24: bind.address is not an ipv6 address, as ipFamily requires"
            ),
            Wrong("dns: { tls: true }", "7:14: dns.tls requires dns.override"),
            Wrong(
                "dns: { override: 1.1.1.1, tls: true }",
                "7:33: dns.serverName is required with dns.tls when dns.override is an IP address"
            ),
            Wrong(
                "dns: { override: 'd:x' }",
                "7:24: dns.override has an invalid port \"x\": it is a number from 1 to 65535"
            ),
            Wrong("dns: { override: d, tls: on, serverName: a_b }", "7:48: dns.serverName is not a host name"),
            Wrong(
                "dns: { override: d, dnssec: true }",
                "7:27: dns.dnssec is not supported (ERR_RSTREAM_UNSUPPORTED_CONFIG)"
            ),
            Wrong("override: d", "7:7: unknown key \"override\"", "\"override\" belongs in \"dns\""),
            Wrong("http: http://p", "7:7: unknown key \"http\"", "\"http\" belongs in \"proxy\""),
        ]
    )
    func mistakes(wrong: Wrong) {
        wrong.check(load(daemon: file(wrong.text)))
    }

    @Test("a check that is switched off is a warning where that stands")
    func unchecked() {
        let outcome = load(
            daemon: file(
                "tls: { insecureSkipVerify: true }\nproxy: { http: https://p, tls: { insecureSkipVerify: yes } }"
            )
        )
        #expect(outcome.errors.isEmpty)
        #expect(
            outcome.warnings == [
                "7:34: the engine's certificate is not checked", "8:60: the proxy's certificate is not checked",
            ]
        )
        #expect(outcome.configuration?.contexts.first?.transport.verification == TransportOptions.Verification.none)
        #expect(load(daemon: file("tls: { insecureSkipVerify: false }")).diagnostics.isEmpty)
    }

    @Test("what is given and not used is a warning")
    func unused() {
        let outcome = load(
            daemon: file("bind: { interface: eth0 }\ndns: { override: d, serverName: n }\nproxy: { username: u }")
        )
        #expect(outcome.errors.isEmpty)
        #expect(
            outcome.warnings == [
                "7:15: \"interface\" has no effect without \"mode: interface\"",
                "8:27: \"serverName\" has no effect without \"tls: true\"",
                "9:16: \"username\" has no effect without a proxy",
            ]
        )
    }
}

@Suite("transport.proxy")
struct ProxyTests {
    @Test(
        "a URL says what is spoken to the proxy, and where",
        arguments: [
            ("http: http://p", Proxy(route: .http(address("p:80")))),
            ("http: p:3128", Proxy(route: .http(address("p:3128")))),
            ("http: https://p/", Proxy(route: .https(address("p:443")))),
            ("socks5: socks5://p", Proxy(route: .socks5(address("p:1080")))),
            ("socks5: SOCKS5H://p:9", Proxy(route: .socks5(address("p:9")))),
            ("socks5: p", Proxy(route: .socks5(address("p:1080")))),
            ("http: http://u:p%40%3A@h", Proxy(route: .http(address("h:80")), credentials: user("u", "p@:"))),
            ("http: http://u:p@h\n  password: q", Proxy(route: .http(address("h:80")), credentials: user("u", "q"))),
            ("http: http://u@h\n  username: v", Proxy(route: .http(address("h:80")), credentials: user("v", ""))),
            ("http: h\n  socks5: ''\n  tls: {}\n  headers: {}", Proxy(route: .http(address("h:80")))),
        ]
    )
    func routes(written: String, meant: Proxy) {
        let outcome = load(daemon: file("proxy:\n  \(written)"))
        #expect(outcome.diagnostics.isEmpty)
        #expect(outcome.configuration?.contexts.first?.transport.proxy == meant)
    }

    @Test(
        "the environment's proxy is the first of three variables that says something",
        arguments: [
            (["HTTPS_PROXY": " ", "http_proxy": "http://a:1", "ALL_PROXY": "socks5://b"], "http://a:1"),
            (["https_proxy": "c", "HTTP_PROXY": "a"], "c"),
            (["ALL_PROXY": "socks5h://u:p@b"], "socks5h://u:p@b"),
            ([:], nil),
        ] as [([String: String], String?)]
    )
    func environment(variables: [String: String], proxy: String?) throws {
        let outcome = load(daemon: file("proxy: { fromEnvironment: true }"), environment: variables)
        let url = try proxy.map { try ProxyURL($0) }
        let route = Proxy.Route.environment(ProxyEnvironment(proxy: url))
        let expected = Proxy(route: route, credentials: url?.credentials)
        #expect(outcome.configuration?.contexts.first?.transport.proxy == expected)
    }

    @Test("the environment also says what needs no proxy")
    func exceptions() throws {
        let variables = ["no_proxy": "localhost, .internal:8443", "HTTP_PROXY": "p"]
        let outcome = load(daemon: file("proxy: { fromEnvironment: true }"), environment: variables)
        let expected = ProxyEnvironment(
            proxy: try ProxyURL("p"),
            exceptions: ProxyException.list("localhost,.internal:8443")
        )
        #expect(outcome.configuration?.contexts.first?.transport.proxy == Proxy(route: .environment(expected)))
    }

    @Test("a variable that is no proxy is an error that does not show it")
    func brokenEnvironment() {
        let outcome = load(
            daemon: file("proxy: { fromEnvironment: true }"),
            environment: ["HTTP_PROXY": "http://u:hunter2"]
        )
        #expect(outcome.errors == ["7:16: environment variable HTTP_PROXY has an invalid port"])
    }

    @Test(
        "each mistake is one error at its place",
        arguments: [
            Wrong("http: a, socks5: b", "7:25: only one proxy transport can be configured"),
            Wrong(
                "tls: { caFile: c }",
                "7:16: proxy TLS configuration requires proxy.http or proxy.fromEnvironment"
            ),
            Wrong(
                "socks5: a, tls: { caFile: c }",
                "7:27: proxy TLS configuration can only be used with proxy.http or proxy.fromEnvironment"
            ),
            Wrong("socks5: a, headers: { A: b }", "7:27: proxy HTTP headers cannot be used with SOCKS5 proxy"),
            Wrong("http: a, tls: { insecureSkipVerify: false }", "7:25: cannot use TLS with HTTP proxy"),
            Wrong(
                "http: ftp://a",
                "7:22: unsupported HTTP proxy scheme \"ftp\"",
                "expected http://host:port or https://host:port"
            ),
            Wrong("http: socks5://a", "7:22: unsupported HTTP proxy scheme \"socks5\""),
            Wrong("socks5: http://a", "7:24: unsupported SOCKS5 proxy scheme \"http\""),
            Wrong("http: http://a/b", "7:22: proxy.http has a path, a query or a fragment"),
            Wrong("http: 'http://a:0'", "7:22: proxy.http has an invalid port"),
            Wrong("http: http://a_b", "7:22: proxy.http has an invalid host"),
            Wrong("http: a, password: p", "7:25: proxy.password needs proxy.username"),
            Wrong("http: a, username: 'u:v'", "7:25: proxy.username must not contain \":\""),
            Wrong("http: 'http://u%3Av:p@a'", "7:16: proxy.username must not contain \":\""),
            Wrong(
                "socks5: a, username: \(String(repeating: "u", count: 256))",
                "7:27: a SOCKS5 proxy takes user names of 1 to 255 bytes, and passwords of 255 at most"
            ),
            Wrong(
                "http: a, username: u, headers: { proxy-authorization: Bearer x }",
                "7:49: reserved proxy header \"proxy-authorization\""
            ),
            Wrong("http: a, headers: { 'a b': c }", "7:36: invalid proxy header name \"a b\""),
            Wrong("http: a, headers: { host: c }", "7:36: reserved proxy header \"host\""),
            Wrong("http: a, headers: { A: b, a: c }", "7:42: duplicate proxy header \"a\""),
            Wrong("http: a, headers: { A: \"b\\r\\nC: d\" }", "7:39: header \"A\" contains a control character"),
            Wrong("http: a, headers: { A: [b] }", "7:39: header \"A\" must be text"),
            Wrong("htp: a, tls: { caFile: c }", "7:16: unknown key \"htp\"", "did you mean \"http\"?"),
            Wrong("http: a, caFile: c", "7:25: unknown key \"caFile\"", "\"caFile\" belongs in \"tls\""),
        ]
    )
    func mistakes(wrong: Wrong) {
        wrong.check(load(daemon: file("proxy: { \(wrong.text) }")))
    }
}

/// A daemon's file with one context of this transport, the first key of which is on line 7.
private func file(_ transport: String) -> String {
    let lines = transport.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n")
    return contextFile("engine: e\nnoToken: true\ntransport:\n\(lines)")
}

private func address(_ text: String) -> EngineAddress {
    do {
        return try EngineAddress(text)
    } catch {
        preconditionFailure("\(text) \(error)")
    }
}

private func user(_ name: String, _ password: String) -> Proxy.Credentials {
    Proxy.Credentials(username: name, password: Secret(password))
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import ClientConfiguration
import RstreamModel
import Testing

/// What a set of fields must be refused for.
struct WrongTransport: CustomTestStringConvertible {
    let key: String
    let what: String
    let code: RstreamError.Code
    let change: @Sendable (inout TransportFields) -> Void

    init(
        _ key: String,
        _ what: String,
        code: RstreamError.Code = .invalidConfig,
        _ change: @escaping @Sendable (inout TransportFields) -> Void
    ) {
        self.key = key
        self.what = what
        self.code = code
        self.change = change
    }

    var testDescription: String { "\(key): \(what)" }
}

@Suite("transport")
struct TransportTests {
    private func judged(
        environment: [String: String] = [:],
        _ change: (inout TransportFields) -> Void
    ) -> (options: TransportOptions, mistakes: [SettingMistake]) {
        var fields = TransportFields()
        change(&fields)
        var mistakes: [SettingMistake] = []
        let options = fields.options(environment: environment, mistakes: &mistakes)
        return (options, mistakes)
    }

    private func accepted(
        environment: [String: String] = [:],
        sourceLocation: SourceLocation = #_sourceLocation,
        _ change: (inout TransportFields) -> Void
    ) -> TransportOptions {
        let (options, mistakes) = judged(environment: environment, change)
        #expect(mistakes.isEmpty, sourceLocation: sourceLocation)
        return options
    }

    private func address(_ text: String) throws -> EngineAddress { try EngineAddress(text) }

    @Test("nothing set, or nothing but blanks, asks for nothing")
    func blank() {
        #expect(accepted { _ in } == TransportOptions())
        let options = accepted { fields in
            fields.mode = " "
            fields.useQUIC = false
            fields.bind.address = ""
            fields.ipFamily = " "
            fields.dns.override = ""
            fields.dns.serverName = " "
            fields.tls.caFile = ""
            fields.tls.serverName = " "
            fields.proxy.http = ""
            fields.proxy.socks5 = " "
            fields.proxy.password = Secret(" ")
            fields.proxy.tls.caFile = " "
        }
        #expect(options == TransportOptions())
    }

    @Test("auto and tls are TLS, and mode wins over useQuic", arguments: ["auto", "tls", "TLS", " Auto "])
    func mode(text: String) {
        let options = accepted {
            $0.mode = text
            $0.useQUIC = true
        }
        #expect(options == TransportOptions())
    }

    @Test("every plain setting reaches its value")
    func plain() throws {
        let options = accepted {
            $0.bind.address = "192.0.2.1"
            $0.ipFamily = "IPv4"
            $0.multipath = true
            $0.dns.override = "1.1.1.1"
            $0.tls.caFile = "/ca.pem"
            $0.tls.serverName = "engine.internal"
            $0.tls.insecureSkipVerify = true
        }
        let expected = TransportOptions(
            bind: .address(.v4(0xC000_0201)),
            ipFamily: .ipv4,
            multipath: true,
            dns: .init(server: try address("1.1.1.1:53")),
            tls: .init(caFile: "/ca.pem", serverName: "engine.internal", insecureSkipVerify: true)
        )
        #expect(options == expected)
    }

    @Test("bind.mode interface uses the interface, anything else the address")
    func bind() {
        let interface = accepted {
            $0.bind.mode = "interface"
            $0.bind.interface = "eth0"
            $0.bind.address = "192.0.2.1"
        }
        #expect(interface.bind == .interface("eth0"))
        let address = accepted {
            $0.bind.mode = "address"
            $0.bind.interface = "eth0"
            $0.bind.address = "192.0.2.1"
        }
        #expect(address.bind == .address(.v4(0xC000_0201)))
        let nothing = accepted { $0.bind.interface = "eth0" }
        #expect(nothing.bind == nil)
    }

    @Test("DNS over TLS has port 853 and verifies the resolver's own name unless told another")
    func dnsOverTLS() throws {
        let own = accepted {
            $0.dns.override = "dns.example"
            $0.dns.tls = true
        }
        #expect(own.dns == .init(server: try address("dns.example:853"), tlsServerName: "dns.example"))
        let other = accepted {
            $0.dns.override = "1.1.1.1:8853"
            $0.dns.tls = true
            $0.dns.serverName = "one.one.one.one"
        }
        #expect(other.dns == .init(server: try address("1.1.1.1:8853"), tlsServerName: "one.one.one.one"))
    }

    @Test("an HTTP proxy has the port of its scheme, and the keys' credentials win over the URL's")
    func httpProxy() throws {
        let plain = accepted { $0.proxy.http = "http://u:p%40@proxy.example" }
        #expect(
            plain.proxy
                == Proxy(
                    route: .http(try address("proxy.example:80")),
                    credentials: .init(username: "u", password: Secret("p@"))
                )
        )
        let secure = accepted {
            $0.proxy.http = "https://x:y@proxy.example:3128"
            $0.proxy.username = "u"
            $0.proxy.password = Secret("p")
            $0.proxy.headers = ["X-Env": "ci"]
            $0.proxy.tls.caFile = "/pca.pem"
        }
        let expected = Proxy(
            route: .https(try address("proxy.example:3128")),
            credentials: .init(username: "u", password: Secret("p")),
            headers: ["X-Env": "ci"],
            tls: .init(caFile: "/pca.pem")
        )
        #expect(secure.proxy == expected)
    }

    @Test("a SOCKS5 proxy may leave out scheme and port", arguments: ["p", "socks5://p", "socks5h://p:1080"])
    func socks(text: String) throws {
        let options = accepted { $0.proxy.socks5 = text }
        #expect(options.proxy == Proxy(route: .socks5(try address("p:1080"))))
    }

    @Test(
        "fromEnvironment takes the first variable that says something, in either case",
        arguments: [
            (["HTTPS_PROXY": "http://a", "ALL_PROXY": "socks5://b"], "http://a"),
            (["HTTPS_PROXY": " ", "http_proxy": "http://b"], "http://b"),
            (["all_proxy": "socks5://c"], "socks5://c"),
        ]
    )
    func fromEnvironment(environment: [String: String], expected: String) throws {
        let options = accepted(environment: environment) { $0.proxy.fromEnvironment = true }
        let route = Proxy.Route.environment(ProxyEnvironment(proxy: try ProxyURL(expected)))
        #expect(options.proxy == Proxy(route: route))
    }

    @Test("fromEnvironment keeps the exceptions, and may find no proxy")
    func exceptions() {
        let options = accepted(environment: ["NO_PROXY": "a, .b"]) { $0.proxy.fromEnvironment = true }
        let environment = ProxyEnvironment(exceptions: ProxyException.list("a,.b"))
        #expect(options.proxy == Proxy(route: .environment(environment)))
    }

    @Test("a configured proxy makes fromEnvironment mean nothing, and without it the environment means nothing")
    func environmentUnused() throws {
        let environment = ["HTTPS_PROXY": "http://a"]
        #expect(accepted(environment: environment) { _ in }.proxy == nil)
        let options = accepted(environment: environment) {
            $0.proxy.http = "http://b"
            $0.proxy.fromEnvironment = true
        }
        #expect(options.proxy == Proxy(route: .http(try address("b:80"))))
    }

    @Test(
        "each conflict is one mistake at its key",
        arguments: [
            WrongTransport("mode", "invalid tunnel transport \"udp\"") { $0.mode = "udp" },
            WrongTransport("mode", "transport QUIC is not supported", code: .unsupportedTransport) { $0.mode = "quic" },
            WrongTransport("useQuic", "transport QUIC is not supported", code: .unsupportedTransport) {
                $0.useQUIC = true
            },
            WrongTransport("bind.mode", "unknown bind.mode \"device\"") { $0.bind.mode = "device" },
            WrongTransport("bind.mode", "bind.interface is required with bind.mode: interface") {
                $0.bind.mode = "interface"
                $0.bind.address = "192.0.2.1"
            },
            WrongTransport("bind.address", "bind.address \"eth0\" is not an IP address") { $0.bind.address = "eth0" },
            WrongTransport("bind.address", "bind.address is not an ipv6 address, as ipFamily requires") {
                $0.bind.address = "192.0.2.1"
                $0.ipFamily = "ipv6"
            },
            WrongTransport("ipFamily", "unknown ipFamily \"ipv5\"") { $0.ipFamily = "ipv5" },
            WrongTransport("dns.dnssec", "dns.dnssec is not supported", code: .unsupportedConfig) {
                $0.dns.override = "1.1.1.1"
                $0.dns.dnssec = true
            },
            WrongTransport("dns.tls", "dns.tls requires dns.override") { $0.dns.tls = true },
            WrongTransport(
                "dns.tls",
                "dns.serverName is required with dns.tls when dns.override is an IP address"
            ) {
                $0.dns.override = "1.1.1.1"
                $0.dns.tls = true
            },
            WrongTransport("dns.serverName", "dns.serverName is not a host name") {
                $0.dns.override = "1.1.1.1"
                $0.dns.tls = true
                $0.dns.serverName = "a b"
            },
            WrongTransport(
                "dns.override",
                "dns.override contains \"/\": it is host[:port], without scheme, path or user"
            ) { $0.dns.override = "https://1.1.1.1" },
            WrongTransport("tls.serverName", "tls.serverName is not a host name") { $0.tls.serverName = "a/b" },
            WrongTransport("proxy.socks5", "only one proxy transport can be configured") {
                $0.proxy.http = "http://a"
                $0.proxy.socks5 = "socks5://b"
            },
            WrongTransport("proxy.tls", "proxy TLS configuration requires proxy.http or proxy.fromEnvironment") {
                $0.proxy.tls.insecureSkipVerify = true
            },
            WrongTransport(
                "proxy.tls",
                "proxy TLS configuration can only be used with proxy.http or proxy.fromEnvironment"
            ) {
                $0.proxy.socks5 = "socks5://b"
                $0.proxy.tls.caFile = "ca.pem"
            },
            WrongTransport("proxy.headers", "proxy HTTP headers cannot be used with SOCKS5 proxy") {
                $0.proxy.socks5 = "socks5://b"
                $0.proxy.headers = ["a": "b"]
            },
            WrongTransport("proxy.tls", "cannot use TLS with HTTP proxy") {
                $0.proxy.http = "http://a"
                $0.proxy.tls.serverName = "a"
            },
            WrongTransport("proxy.http", "unsupported HTTP proxy scheme \"ftp\"") { $0.proxy.http = "ftp://a" },
            WrongTransport("proxy.http", "unsupported HTTP proxy scheme \"socks5\"") { $0.proxy.http = "socks5://a" },
            WrongTransport("proxy.socks5", "unsupported SOCKS5 proxy scheme \"http\"") { $0.proxy.socks5 = "http://a" },
            WrongTransport("proxy.http", "proxy.http has a path, a query or a fragment") {
                $0.proxy.http = "http://a/b"
            },
            WrongTransport("proxy.password", "proxy.password needs proxy.username") {
                $0.proxy.http = "http://a"
                $0.proxy.password = Secret("p")
            },
            WrongTransport("proxy.username", "proxy.username must not contain \":\"") {
                $0.proxy.http = "http://a"
                $0.proxy.username = "a:b"
            },
            WrongTransport("proxy.headers.X Y", "invalid proxy header name \"X Y\"") {
                $0.proxy.http = "http://a"
                $0.proxy.headers = ["X Y": "b"]
            },
            WrongTransport("proxy.headers.Host", "reserved proxy header \"Host\"") {
                $0.proxy.http = "http://a"
                $0.proxy.headers = ["Host": "b"]
            },
            WrongTransport("proxy.headers.x", "duplicate proxy header \"x\"") {
                $0.proxy.http = "http://a"
                $0.proxy.headers = ["X": "b", "x": "b"]
            },
            WrongTransport("bind.interface", "bind.interface \"a/b\" is not the name of an interface") {
                $0.bind.mode = "interface"
                $0.bind.interface = "a/b"
            },
            WrongTransport("proxy.tls", "proxy TLS configuration requires proxy.http or proxy.fromEnvironment") {
                $0.proxy.tls.insecureSkipVerify = false
            },
            WrongTransport("proxy.headers.X", "invalid value for proxy header \"X\"") {
                $0.proxy.http = "http://a"
                $0.proxy.headers = ["X": "a\r\nb: c"]
            },
        ]
    )
    func conflict(wrong: WrongTransport) {
        let mistakes = judged(wrong.change).mistakes
        #expect(mistakes.map(\.key) == [wrong.key])
        #expect(mistakes.map(\.what) == [wrong.what])
        #expect(mistakes.map(\.code) == [wrong.code])
    }

    @Test("a broken proxy variable is named, and its credentials are not")
    func brokenVariable() {
        let (_, mistakes) = judged(environment: ["https_proxy": "http://u:hunter2@a b"]) {
            $0.proxy.fromEnvironment = true
        }
        #expect(mistakes.map(\.key) == ["proxy.fromEnvironment"])
        #expect(mistakes.first?.what.hasPrefix("environment variable https_proxy ") == true)
        #expect(!"\(mistakes)".contains("hunter2"))
    }

    @Test("all mistakes are found at once")
    func several() {
        let (_, mistakes) = judged {
            $0.mode = "quic"
            $0.ipFamily = "x"
            $0.dns.tls = true
        }
        #expect(mistakes.map(\.key) == ["mode", "ipFamily", "dns.tls"])
    }
}

@Suite("transport of two levels")
struct TransportMergeTests {
    @Test("a field of the nearer level wins only when it is set, and headers merge by key")
    func fields() {
        var far = TransportFields()
        far.ipFamily = "ipv4"
        far.multipath = true
        far.dns.override = "1.1.1.1"
        far.tls.caFile = "far.pem"
        far.proxy.headers = ["A": "far", "B": "far"]
        far.proxy.password = Secret("far")
        far.redirects = "engine"
        var near = TransportFields()
        near.ipFamily = " "
        near.multipath = false
        near.tls.caFile = "near.pem"
        near.proxy.headers = ["b": "near", "C": "near"]
        near.proxy.password = Secret(" ")
        near.redirects = ""
        let merged = near.merged(over: far)
        #expect(merged.ipFamily == "ipv4")
        #expect(merged.multipath == false)
        #expect(merged.dns.override == "1.1.1.1")
        #expect(merged.tls.caFile == "near.pem")
        #expect(merged.proxy.headers == ["A": "far", "b": "near", "C": "near"])
        #expect(merged.proxy.password == Secret("far"))
        #expect(merged.redirects == "engine")
        near.redirects = "any"
        #expect(near.merged(over: far).redirects == "any")
    }

    @Test("mode clears an inherited useQuic, and useQuic an inherited mode")
    func quic() {
        var far = TransportFields()
        var near = TransportFields()
        far.useQUIC = true
        near.mode = "tls"
        #expect(near.merged(over: far).useQUIC == nil)
        #expect(near.merged(over: far).mode == "tls")
        #expect(TransportFields().merged(over: far).useQUIC == true)
        far = TransportFields()
        far.mode = "quic"
        near = TransportFields()
        near.useQUIC = false
        #expect(near.merged(over: far).mode == nil)
        #expect(near.merged(over: far).useQUIC == false)
    }
}

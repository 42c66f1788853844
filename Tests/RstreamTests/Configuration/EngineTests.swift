// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import ClientConfiguration
import RstreamModel
import Testing
import YAML

@Suite("Finding the engine")
struct EngineTests {
    private let token = ["RSTREAM_AUTHENTICATION_TOKEN": "t"]

    private func address(_ text: String) throws -> EngineLocation { .address(try EngineAddress(text)) }

    @Test("the program's engine wins over the variable's, and that over the context's")
    func precedence() throws {
        let file = context("engine: C.example")
        #expect(resolve(file, environment: token).client?.engine == (try address("c.example:443")))
        let older = token.merging(["RSTREAM_ENGINE_ADDRESS": "w"]) { $1 }
        #expect(resolve(file, environment: older).client?.engine == (try address("w")))
        let variables = older.merging(["RSTREAM_ENGINE": "v:8443"]) { $1 }
        let variable = resolve(file, environment: variables).client
        #expect(variable?.engine == (try address("v:8443")))
        #expect(variable?.engineSource == .variable("RSTREAM_ENGINE"))
        let override = resolve(file, environment: variables) { $0.engine = "o" }.client
        #expect(override?.engine == (try address("o")))
        #expect(override?.engineSource == .override)
    }

    @Test("stored credentials go to no other engine than their context's, however it is written")
    func storedToken() throws {
        let file = context("engine: e.example\n\(stored("t"))")
        #expect(resolve(file, environment: ["RSTREAM_ENGINE": " E.example:443 "]).client?.credentialSource == .context)
        let other = resolve(file, environment: ["RSTREAM_ENGINE": "evil.example"])
        #expect(other.complaint == "refusing to use a stored token with an explicit engine override")
        #expect(other.code == .storedTokenEngineOverride)
        let port = resolve(file) { $0.engine = "e.example:8443" }
        #expect(port.code == .storedTokenEngineOverride)
        let without = resolve(context(stored("t"))) { $0.engine = "e" }
        #expect(without.code == .storedTokenEngineOverride)
        let environment = resolve(context("region: auto", environment: stored("t"))) { $0.engine = "e" }
        #expect(environment.code == .storedTokenEngineOverride)
        let mtls = resolve(context("engine: e\nauth: { mtls: { certificate: C, key: K } }")) { $0.engine = "f" }
        #expect(mtls.complaint == "refusing to use stored mTLS credentials with an explicit engine override")
        #expect(mtls.code == .storedMTLSEngineOverride)
    }

    @Test("credentials that are explicit too may go to an explicit engine")
    func explicitBoth() {
        let file = context("engine: e.example\n\(stored("t"))")
        let variables = token.merging(["RSTREAM_ENGINE": "other.example"]) { $1 }
        #expect(resolve(file, environment: variables).client?.credential == .token(Secret("t")))
    }

    @Test("a context with a project and no engine is looked up at its own API URL")
    func project() {
        let file = context("projectEndpoint: 1a2b3c4d\n\(stored("t"))", environment: "headers: { x-company: acme }")
        let expected = ManagedProject(
            apiURL: "https://api.example",
            endpoint: "1a2b3c4d",
            headers: ["X-Company": "acme"]
        )
        #expect(resolve(file).client?.engine == .project(expected))
        let unlinked = resolve(context("projectEndpoint: p\n\(stored("t"))"))
        #expect(unlinked.client?.engine == .project(ManagedProject(endpoint: "p")))
    }

    @Test("the program's region wins over the variable's, and that over the context's; blank is not set, auto is none")
    func region() {
        let file = context("projectEndpoint: p\nregion: C-1\n\(stored("t"))")
        func region(_ variable: String? = nil, _ override: String? = nil) -> String?? {
            let outcome = resolve(file, environment: variable.map { ["RSTREAM_REGION": $0] } ?? [:]) {
                $0.region = override
            }
            guard case .project(let project) = outcome.client?.engine else { return nil }
            return project.region
        }
        #expect(region() == "c-1")
        #expect(region(" ") == "c-1")
        #expect(region("V-1") == "v-1")
        #expect(region("v-1", "o-1") == "o-1")
        #expect(region("auto") == .some(nil))
        #expect(region("v-1", "AUTO") == .some(nil))
    }

    @Test("with a region the context's engine is not used")
    func regionOverEngine() {
        let file = context("engine: e\nprojectEndpoint: p\n\(stored("t"))")
        #expect(
            resolve(file) { $0.region = "eu" }.client?.engine == .project(ManagedProject(endpoint: "p", region: "eu"))
        )
    }

    @Test(
        "each mistake has its text and code",
        arguments: [
            Refused("", "3:5: context \"main\": engine is required but not configured", .engineRequired),
            Refused(
                "engine: https://e",
                "4:5: context \"main\": engine contains \"/\": it is host[:port], without scheme, path or user",
                .invalidEngine
            ),
            Refused(
                "engine: e\nregion: eu",
                "5:5: context \"main\": managed project endpoint is required for region selection",
                .projectEndpointRequired
            ),
            Refused("projectEndpoint: p\nregion: -eu", "5:5: invalid region \"-eu\"", .invalidRegion),
            Refused("projectEndpoint: a/b", "4:5: context \"main\": projectEndpoint \"a/b\" is not a DNS label"),
            Refused(
                "projectEndpoint: p\napiUrl: http://api.example",
                "5:5: context \"main\": API URL \"http://api.example\" would send the token unencrypted: http:// is for this host only"
            ),
            Refused(
                "projectEndpoint: p\napiUrl: https://user:hidden@api.example/x",
                "5:5: context \"main\": API URL \"https://***@api.example/x\" contains a user name, which control planes do not accept"
            ),
            Refused(
                "projectEndpoint: p\napiUrl: https://user:hid/den@api.example",
                "5:5: context \"main\": API URL \"https://***@api.example\" contains a user name, which control planes do not accept"
            ),
        ]
    )
    func mistakes(refused: Refused) {
        refused.check(resolve(context(refused.text), environment: token))
    }

    @Test("an explicit engine and a region are a conflict, whatever the source of the region")
    func regionAndEngine() {
        let variables = token.merging(["RSTREAM_ENGINE": "e"]) { $1 }
        for outcome in [
            resolve(context("projectEndpoint: p\nregion: eu"), environment: variables),
            resolve(context("projectEndpoint: p"), environment: variables) { $0.region = "eu" },
        ] {
            #expect(outcome.complaint == "region selection cannot be combined with an explicit engine override")
            #expect(outcome.code == .regionEngineConflict)
        }
    }

    @Test("an invalid explicit engine is reported with its source")
    func brokenEngine() {
        let outcome = resolve(environment: token.merging(["RSTREAM_ENGINE": "a b"]) { $1 })
        #expect(outcome.complaint?.hasPrefix("engine of RSTREAM_ENGINE contains \" \"") == true)
        #expect(outcome.code == .invalidEngine)
    }

    @Test("a project cannot be looked up with a client certificate, or with nothing")
    func projectNeedsToken() {
        let outcome = resolve(context("projectEndpoint: p\nauth: { mtls: { certificate: C, key: K } }"))
        #expect(outcome.code == .authRequired)
        #expect(resolve(context("projectEndpoint: p")) { $0.noToken = true }.code == .authRequired)
    }

    @Test(
        "a region's name has letters, digits and inner punctuation, 64 characters at most",
        arguments: [
            ("a", true), ("eu-west-3", true), ("a._-b", true), (String(repeating: "a", count: 64), true),
            ("", false), ("-a", false), ("a-", false), ("a b", false), ("é", false),
            (String(repeating: "a", count: 65), false), ("A", false),
        ]
    )
    func regionNames(name: String, isValid: Bool) {
        #expect(Region.isValid(name) == isValid)
    }
}

@Suite("Transport from every side")
struct TransportSourceTests {
    private let file = context(
        "engine: e\n\(stored("t"))\ntransport: { mode: quic }",
        environment: "transport: { mptcp: true }"
    )

    @Test("the program's mode wins over both variables, and these over context and environment")
    func mode() {
        #expect(resolve(file).complaint == "7:18: context \"main\": transport QUIC is not supported")
        #expect(resolve(file).code == .unsupportedTransport)
        #expect(resolve(file) { $0.mode = "tls" }.client?.transport.multipath == true)
        #expect(resolve(file, environment: ["RSTREAM_TUNNEL_TRANSPORT": "auto"]).client != nil)
        #expect(resolve(file, environment: ["RSTREAM_QUIC_TRANSPORT": "0"]).client != nil)
        let quic = ["RSTREAM_QUIC_TRANSPORT": "1"]
        #expect(resolve(context("engine: e\n\(stored("t"))"), environment: quic).code == .unsupportedTransport)
        let both = quic.merging(["RSTREAM_TUNNEL_TRANSPORT": "tls"]) { $1 }
        #expect(resolve(file, environment: both).client != nil)
        let wrong = resolve(file) { $0.mode = "udp" }
        #expect(wrong.complaint == "context \"main\": invalid tunnel transport \"udp\"")
    }

    @Test("a mistake points into the entry that made it")
    func places() {
        let outer = resolve(
            context("engine: e\n\(stored("t"))", environment: "transport: { proxy: { tls: { caFile: c } } }")
        )
        #expect(
            outer.complaint
                == "9:27: context \"main\": proxy TLS configuration requires proxy.http or proxy.fromEnvironment"
        )
        let dnssec = resolve(context("engine: e\n\(stored("t"))\ntransport:\n  dns: { dnssec: true }"))
        #expect(dnssec.complaint == "7:14: context \"main\": dns.dnssec is not supported")
        #expect(dnssec.code == .unsupportedConfig)
    }

    @Test("the variables of proxies are those of the process")
    func proxies() throws {
        let outcome = resolve(
            context("engine: e\n\(stored("t"))\ntransport: { proxy: { fromEnvironment: true } }"),
            environment: ["HTTPS_PROXY": "http://p"]
        )
        let route = Proxy.Route.environment(ProxyEnvironment(proxy: try ProxyURL("http://p")))
        #expect(outcome.client?.transport.proxy?.route == route)
    }
}

@Suite("Headers for the control plane")
struct ControlPlaneHeaderTests {
    @Test("the program's win over the variable's, and these over the file's, by canonical name")
    func precedence() {
        let file = context(
            "projectEndpoint: p\n\(stored("t"))",
            environment: "headers: { x-a: file, x-b: file, x-c: file }"
        )
        let variables = ["RSTREAM_CONTROL_PLANE_HEADERS": #"{"X-B":"variable","X-C":"variable"}"#]
        let outcome = resolve(file, environment: variables) { $0.headers = ["X-c": "override"] }
        guard case .project(let project) = outcome.client?.engine else {
            Issue.record("no project")
            return
        }
        #expect(project.headers == ["X-A": "file", "X-B": "variable", "X-C": "override"])
    }

    @Test(
        "each rule has its text",
        arguments: [
            ("{ 'a b': v }", "invalid control plane header name \"a b\""),
            ("{ Authorization: v }", "reserved control plane header \"Authorization\""),
            ("{ x-forwarded-for: v }", "reserved control plane header \"x-forwarded-for\""),
            ("{ x-a: \"a\\r\\nb\" }", "invalid value for control plane header \"x-a\""),
            ("{ x-a: v, X-A: w }", "duplicate control plane header \"x-a\""),
        ]
    )
    func rules(headers: String, complaint: String) {
        let outcome = resolve(context("projectEndpoint: p\n\(stored("t"))", environment: "headers: \(headers)"))
        #expect(outcome.error?.what == complaint)
        #expect(outcome.code == .invalidConfig)
        #expect(outcome.error?.span?.start.line == 9)
    }

    @Test("a variable that is no JSON object of texts is refused without repeating it")
    func variable() {
        let file = context("projectEndpoint: p\n\(stored("t"))")
        for text in ["x", "[]", #"{"a":1}"#, #"{"X-Secret":"hunter2""#] {
            let outcome = resolve(file, environment: ["RSTREAM_CONTROL_PLANE_HEADERS": text])
            #expect(outcome.complaint == "RSTREAM_CONTROL_PLANE_HEADERS: is not a JSON object of texts")
        }
    }
}

@Suite("The URL of a control plane")
struct ControlPlaneURLTests {
    @Test(
        "is https, or http to this host, with the port of its scheme",
        arguments: [
            ("https://rstream.io", "https://rstream.io:443"),
            (" https://A.example:8443/x/ ", "https://a.example:8443/x"),
            ("http://localhost:1", "http://localhost:1"), ("http://127.9.9.9", "http://127.9.9.9:80"),
            ("http://[::1]:80", "http://[::1]:80"),
        ]
    )
    func valid(text: String, expected: String) throws {
        #expect(try ControlPlaneURL(text).description == expected)
    }

    @Test(
        "is nothing else",
        arguments: [
            ("", ControlPlaneURL.Malformed.scheme), ("rstream.io", .scheme), ("ftp://a", .scheme),
            ("https://", .scheme), ("https://a:b@c", .user), ("https://a:b/c@d", .user),
            ("https://a b", .address(.character(" "))), ("https://a/b?c", .path),
            ("https://a/b c", .path), ("http://rstream.io", .cleartext), ("http://192.0.2.1", .cleartext),
        ]
    )
    func malformed(text: String, expected: ControlPlaneURL.Malformed) {
        #expect(throws: expected) { try ControlPlaneURL(text) }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOHTTP1
import RstreamAdmin
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("The policy for requests")
struct RequestPolicyTests {
    private static let port = RequestPolicy.Endpoint.loopback(names: ["metrics.internal", "box"])
    private static let page = RequestPolicy.Endpoint.page(names: ["box", "tunnels.example"])

    private static func policy(
        _ uri: String = "/metrics",
        _ version: NIOHTTP1.HTTPVersion = .http1_1,
        at endpoint: RequestPolicy.Endpoint = .file,
        _ headers: [(String, String)] = [("Host", "localhost")],
        method: HTTPMethod = .GET
    ) -> RequestPolicy {
        RequestPolicy(
            HTTPRequestHead(version: version, method: method, uri: uri, headers: HTTPHeaders(headers)),
            at: endpoint
        )
    }

    @Test("the version and the client decide whether a connection stays open")
    func connections() {
        let host = ("Host", "h")
        let cases: [(NIOHTTP1.HTTPVersion, [(String, String)], keeps: Bool, says: String?)] = [
            (.http1_1, [host], true, nil),
            (.http1_1, [host, ("Connection", "close")], false, "close"),
            (.http1_0, [host, ("Connection", "keep-alive")], true, "keep-alive"),
            (.http1_0, [("Connection", "Keep-Alive")], true, "keep-alive"),
            (.http1_0, [host], false, "close"),
        ]
        for (version, headers, keeps, says) in cases {
            let policy = Self.policy("/", version, headers)
            #expect(policy.keepsAlive == keeps && policy.connection == says, "\(version) \(headers)")
            #expect(policy.problem == nil)
        }
    }

    @Test("a client that expects 100 Continue gets it, except with HTTP/1.0")
    func continues() {
        let headers = [("Host", "h"), ("Expect", "100-Continue")]
        #expect(Self.policy("/", .http1_1, headers).wantsContinue)
        #expect(!Self.policy("/", .http1_0, headers).wantsContinue)
        #expect(!Self.policy("/", .http1_1, [("Host", "h")]).wantsContinue)
        #expect(!Self.policy("/", .http1_1, [("Expect", "100-continue")]).wantsContinue, "it is refused anyway")
    }

    @Test(
        "a target in absolute form is reduced to its path",
        arguments: [
            ("http://rstreamd/v1/status", "/v1/status"), ("HTTP://h:80/v1/streams?tunnel=a", "/v1/streams?tunnel=a"),
            ("http://h", "/"), ("http://h?x=1", "/?x=1"), ("http://[::1]:9464/metrics", "/metrics"),
            ("/v1/status", "/v1/status"), ("/http://h/x", "/http://h/x"), ("*", "*"),
        ]
    )
    func absolute(uri: String, target: String) {
        let policy = Self.policy(uri)
        #expect(policy.target == target)
        #expect(policy.problem == nil)
    }

    @Test("HTTP/1.1 requires one valid Host, and HTTP/1.0 none")
    func hosts() {
        for headers in [
            [], [("Host", "a"), ("Host", "a")], [("Host", "a b")], [("Host", "a:b")], [("Host", "a:1:2")],
            [("Host", "[::1")], [("Host", "[box]:1")], [("Host", "a/b")], [("Host", "a@b")], [("Host", "a:999999")],
        ] as [[(String, String)]] {
            #expect(Self.policy("/", .http1_1, headers).problem?.code == .badRequest, "\(headers)")
            #expect(!Self.policy("/", .http1_1, headers).keepsAlive)
        }
        for host in ["", "a", "a.b-c_d", "a:", "a:80", "127.0.0.1:9464", "[::1]", "[fe80::1]:1"] {
            #expect(Self.policy("/", .http1_1, [("Host", host)]).problem == nil, "\(host)")
        }
        #expect(Self.policy("/", .http1_0, []).problem == nil)
    }

    @Test(
        "a loopback port accepts its own names and addresses only, against DNS rebinding"
    )
    func ownNames() {
        for host in ["localhost", "LOCALHOST:9464", "127.0.0.1", "[::1]:9464", "metrics.internal", "Box:1", "10.0.0.7"]
        {
            #expect(Self.policy(at: Self.port, [("Host", host)]).problem == nil, "\(host)")
        }
        for host in ["evil.example", "evil.example:9464", "localhost.evil.example", "127.0.0.1.evil.example", ""] {
            let headers = [("Host", host)]
            #expect(Self.policy(at: Self.port, headers).problem?.code == .forbidden, "\(host)")
            #expect(Self.policy(at: .file, headers).problem == nil)
            #expect(
                Self.policy(at: .network, headers).problem == nil,
                "others have names for it that are not known here"
            )
        }
        // The authority of the target overrides Host.
        let lie = [("Host", "localhost")]
        #expect(Self.policy("http://evil.example/metrics", at: Self.port, lie).problem?.code == .forbidden)
        #expect(Self.policy("/metrics", .http1_0, at: Self.port, []).problem == nil)
    }

    @Test("requests of another origin are refused at every port, and allowed at a Unix socket")
    func origins() {
        for origin in ["http://evil.example", "null", "https://localhost:9464", "http://localhost", ""] {
            let headers = [("Host", "localhost:9464"), ("Origin", origin)]
            for endpoint in [Self.port, .network] {
                #expect(Self.policy(at: endpoint, headers).problem?.code == .forbidden, "\(origin)")
            }
            #expect(Self.policy(at: .file, headers).problem == nil)
        }
        let own = [("Host", "localhost:9464"), ("Origin", "http://LocalHost:9464")]
        #expect(Self.policy(at: Self.port, own).problem == nil)
    }

    @Test("the page answers to its own names only, wherever it listens")
    func pageNames() {
        for host in [
            "localhost:4041", "127.0.0.1:4041", "[::1]:4041", "192.0.2.7:4041", "box", "Tunnels.Example:443",
        ] {
            #expect(Self.policy(at: Self.page, [("Host", host)]).problem == nil, "\(host)")
        }
        for host in ["evil.example", "tunnels.example.evil.example", "box.evil.example:4041", ""] {
            let policy = Self.policy(at: Self.page, [("Host", host)])
            #expect(policy.problem?.code == .forbidden, "\(host)")
            #expect(policy.problem?.detail.contains("page.hosts") == true)
        }
        let own = [("Host", "box:4041"), ("Origin", "http://box:4041")]
        #expect(Self.policy(at: Self.page, own).problem == nil)
        let other = [("Host", "box:4041"), ("Origin", "http://box:8080")]
        #expect(Self.policy(at: Self.page, other).problem?.code == .forbidden)
    }

    @Test(
        "the page may be linked to from other sites, which can neither show nor read it",
        arguments: [
            ("same-origin", "cors", "empty", true), ("none", "navigate", "document", true),
            ("cross-site", "navigate", "document", true), ("same-site", "navigate", "document", true),
            ("Cross-Site", "navigate", "iframe", false), ("cross-site", "navigate", "embed", false),
            ("cross-site", "cors", "empty", false), ("same-site", "cors", "empty", false),
            ("cross-site", "no-cors", "script", false), ("same-site", "no-cors", "image", false),
            ("something new", "cors", "empty", false),
        ]
    )
    func otherSites(site: String, mode: String, destination: String, isAllowed: Bool) {
        let headers = [
            ("Host", "localhost:4041"), ("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", mode),
            ("Sec-Fetch-Dest", destination),
        ]
        let problem = Self.policy("/", at: Self.page, headers).problem
        #expect((problem == nil) == isAllowed)
        #expect(problem.map { $0.code == .forbidden } ?? true)
        #expect(Self.policy("/", at: .file, headers).problem == nil)
    }

    @Test("no web page changes anything through a port that is forwarded to the admin socket")
    func forwarded() {
        let headers = [("Host", "localhost:4041"), ("Origin", "http://localhost:4041")]
        for method: HTTPMethod in [.POST, .PUT, .DELETE, .OPTIONS] {
            #expect(Self.policy("/v1/reload", at: .file, headers, method: method).problem?.code == .forbidden)
            #expect(Self.policy("/v1/reload", at: .file, method: method).problem == nil)
        }
        for method: HTTPMethod in [.GET, .HEAD] {
            #expect(Self.policy("/v1/status", at: .file, headers, method: method).problem == nil)
        }
    }

    @Test("takes time linear in the length of a head", arguments: ["a", "[", ":", ".", "/", "http://"])
    func growth(unit: String) {
        Growth.expectLinear("Host, Origin and target") {
            Growth.text(unit, $0)
        } _: { text in
            for endpoint in [Self.port, Self.page] {
                _ = Self.policy("http://" + text, at: endpoint, [("Host", text), ("Origin", "http://" + text)])
            }
        }
    }

    @Test("a date is written as RFC 9110 has it, before 1970 too")
    func dates() {
        let dates: [(String, String)] = [
            ("1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
            ("1969-12-31T23:59:59Z", "Wed, 31 Dec 1969 23:59:59 GMT"),
            ("2024-02-29T12:00:00Z", "Thu, 29 Feb 2024 12:00:00 GMT"),
            ("2026-12-31T23:59:59.999Z", "Thu, 31 Dec 2026 23:59:59 GMT"),
        ]
        for (time, text) in dates {
            let time = UTCTime(time)
            #expect(time.map { HTTPDate.text($0) } == text)
        }
    }
}

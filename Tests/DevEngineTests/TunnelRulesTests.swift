// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import Testing

@testable import DevEngine

@Suite("Rules for tunnels")
struct TunnelRulesTests {
    typealias Change = @Sendable (inout TunnelProperties) -> Void

    private func judge(_ change: Change) throws(EngineError) -> TunnelProperties {
        var asked = TunnelProperties()
        change(&asked)
        return try TunnelRules.validate(asked, host: "localhost")
    }

    private func code(_ change: Change) -> EngineErrorCode? {
        do throws(EngineError) {
            _ = try judge(change)
            return nil
        } catch {
            return error.code
        }
    }

    @Test("a tunnel is published and carries bytes unless it says otherwise")
    func defaults() throws {
        let granted = try judge { _ in }
        #expect(granted.publish == true)
        #expect(granted.type == "bytestream")
    }

    @Test("the old name of upstream_tls is granted under the new one")
    func oldName() throws {
        let granted = try judge {
            $0.protocol = "http"
            $0.httpUseTLS = true
        }
        #expect(granted.upstreamTLS == true)
    }

    @Test("a hostname is one label below .t.<host>, in any case")
    func hostname() throws {
        #expect(try judge { $0.hostname = "Web.T.localhost" }.hostname == "web.t.localhost")
    }

    static let impossible: [(String, Change)] = [
        ("foreign hostname", { $0.hostname = "www.example.com" }),
        ("two labels", { $0.hostname = "a.b.t.localhost" }),
        ("no label", { $0.hostname = ".t.localhost" }),
        ("blank hostname", { $0.hostname = " " }),
        ("port without tcp", { $0.port = 80 }),
        ("port 0", { ($0.protocol, $0.port) = ("tcp", 0) }),
        ("large port", { ($0.protocol, $0.port) = ("tcp", 65_536) }),
        ("private tcp", { ($0.protocol, $0.publish) = ("tcp", false) }),
        ("tcp datagrams", { ($0.protocol, $0.type) = ("tcp", "datagram") }),
        ("tcp with a hostname", { ($0.protocol, $0.hostname) = ("tcp", "a.t.localhost") }),
        ("tcp with token_auth", { ($0.protocol, $0.tokenAuth) = ("tcp", true) }),
        ("contradicting type", { ($0.protocol, $0.type) = ("quic", "bytestream") }),
        ("private quic", { ($0.protocol, $0.publish) = ("quic", false) }),
        ("http settings without http", { ($0.protocol, $0.tokenAuth) = ("tls", true) }),
        ("http_version and upstream_tls", { ($0.httpVersion, $0.upstreamTLS) = ("http/1.1", true) }),
        ("two names, two values", { ($0.httpUseTLS, $0.upstreamTLS) = (true, false) }),
        ("passthrough and upstream_tls", { ($0.tlsMode, $0.upstreamTLS) = ("passthrough", true) }),
        ("passthrough and tls_min_version", { ($0.tlsMode, $0.tlsMinVersion) = ("passthrough", "tls1.3") }),
        ("passthrough and mtls_auth", { ($0.tlsMode, $0.mtlsAuth) = ("passthrough", true) }),
        ("passthrough http", { ($0.protocol, $0.tlsMode) = ("http", "passthrough") }),
        ("two logins", { ($0.mtlsAuth, $0.rstreamAuth) = (true, true) }),
        ("unknown protocol", { $0.protocol = "gopher" }),
        ("unknown version", { $0.tlsMinVersion = "tls1.1" }),
        ("bad prefix", { $0.trustedIPs = ["10.0.0.0"] }),
    ]

    @Test("combinations no engine allows are refused with 2000", arguments: impossible)
    func invalid(name: String, change: Change) {
        #expect(code(change) == .invalidRequest)
    }

    static let beyond: [(String, Change)] = [
        ("datagram", { ($0.type, $0.publish) = ("datagram", false) }),
        ("quic", { $0.protocol = "quic" }),
        ("dtls", { $0.protocol = "dtls" }),
        ("h3", { ($0.protocol, $0.httpVersion) = ("http", "h3") }),
        ("webtty", { $0.protocol = "webtty" }),
        ("geoip", { $0.geoip = ["CH"] }),
        ("rstream_auth", { $0.rstreamAuth = true }),
        ("challenge_mode", { $0.challengeMode = true }),
        ("an unknown cipher", { $0.tlsCiphers = ["foo"] }),
        ("an unknown cipher beside another", { $0.tlsCiphers = ["TLS_AES_128_GCM_SHA256", "TLS_AES_foo"] }),
        ("a cipher that is a rule", { $0.tlsCiphers = ["ALL:!ECDHE"] }),
        ("an empty ALPN", { $0.tlsALPNs = [""] }),
        ("an ALPN that is too long", { $0.tlsALPNs = [String(repeating: "a", count: 256)] }),
        ("an ALPN in other letters", { $0.tlsALPNs = ["grün"] }),
    ]

    @Test("what this engine cannot do is refused with 5000", arguments: beyond)
    func unavailable(name: String, change: Change) {
        #expect(code(change) == .featureNotAvailable)
    }

    static let ordinary: [(String, Change)] = [
        ("plain tcp", { ($0.protocol, $0.type, $0.publish, $0.port) = ("tcp", "bytestream", true, 1) }),
        ("h2c", { ($0.protocol, $0.httpVersion) = ("http", "h2c") }),
        ("private h2c", { ($0.protocol, $0.httpVersion, $0.publish) = ("http", "h2c", false) }),
        ("private webtty", { ($0.protocol, $0.publish) = ("webtty", false) }),
        ("guarded http", { ($0.protocol, $0.tokenAuth, $0.mtlsAuth, $0.trustedIPs) = ("http", true, true, ["::/0"]) }),
        ("passthrough", { ($0.protocol, $0.tlsMode) = ("tls", "passthrough") }),
    ]

    @Test("ordinary tunnels are granted", arguments: ordinary)
    func allowed(name: String, change: Change) {
        #expect(code(change) == nil)
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import Testing

@Suite("what a tunnel may be")
struct TunnelSpecTests {
    @Test(
        "these may be sent",
        arguments: [
            TunnelSpec(),
            TunnelSpec(name: "web", publish: true, protocol: .http, hostname: "a.example"),
            TunnelSpec(publish: false),
            TunnelSpec(publish: false, protocol: .http),
            TunnelSpec(publish: false, protocol: .webtty),
            TunnelSpec(publish: false, protocol: .tls),
            // Edge settings of a private tunnel are the engine's to ignore.
            TunnelSpec(publish: false, protocol: .http, geoip: ["CH"], hostname: "a", http: .init(tokenAuth: true)),
            TunnelSpec(
                protocol: .http,
                http: .init(version: .h2c, tokenAuth: true, rstreamAuth: false, challenge: true)
            ),
            TunnelSpec(protocol: .http, upstreamTLS: true, httpUseTLS: true),
            TunnelSpec(http: .init(version: .http11)),
            TunnelSpec(protocol: .tls, tls: .init(mode: .passthrough, alpns: ["h2"], mtls: false), upstreamTLS: false),
            TunnelSpec(
                protocol: .tls,
                tls: .init(mode: .terminated, minVersion: .tls13, alpns: ["a"], ciphers: ["b"], mtls: true)
            ),
            TunnelSpec(type: .bytestream, protocol: .webtty),
            TunnelSpec(
                name: "db",
                type: .bytestream,
                publish: true,
                protocol: .tcp,
                labels: ["a": "b"],
                geoip: ["CH"],
                trustedIPs: ["10.0.0.0/8"],
                port: 5432,
                allowCrossRegionRouting: true
            ),
            TunnelSpec(protocol: .tcp, port: 1),
            TunnelSpec(protocol: .tcp, port: 65_535),
        ]
    )
    func valid(spec: TunnelSpec) throws {
        #expect(spec.problems == [])
        #expect(spec.unsupported == nil)
        _ = try spec.validated()
    }

    @Test("a port is for tcp only, and between 1 and 65535")
    func port() {
        for kind in TunnelProtocol.allCases where kind != .tcp {
            #expect(broken(TunnelSpec(protocol: kind, port: 80)) == [.port])
        }
        #expect(broken(TunnelSpec(port: 80)) == [.port])
        for port in [0, -1, 65_536, .max, .min] {
            #expect(broken(TunnelSpec(protocol: .tcp, port: port)) == [.port])
            #expect(broken(TunnelSpec(protocol: .http, port: port)) == [.port])
        }
    }

    @Test(
        "a tcp tunnel takes nothing that belongs to TLS, HTTP, names or packets",
        arguments: [
            (TunnelSpec(publish: false, protocol: .tcp), .publish),
            (TunnelSpec(type: .datagram, protocol: .tcp), .type),
            (TunnelSpec(protocol: .tcp, hostname: "a.example"), .hostname),
            (TunnelSpec(protocol: .tcp, tls: .init(mode: .terminated)), .tlsMode),
            (TunnelSpec(protocol: .tcp, tls: .init(alpns: ["h2"])), .tlsALPNs),
            (TunnelSpec(protocol: .tcp, tls: .init(minVersion: .tls12)), .tlsMinVersion),
            (TunnelSpec(protocol: .tcp, tls: .init(ciphers: ["a"])), .tlsCiphers),
            (TunnelSpec(protocol: .tcp, tls: .init(mtls: false)), .mtlsAuth),
            (TunnelSpec(protocol: .tcp, http: .init(version: .http11)), .httpVersion),
            (TunnelSpec(protocol: .tcp, http: .init(tokenAuth: false)), .tokenAuth),
            (TunnelSpec(protocol: .tcp, http: .init(rstreamAuth: false)), .rstreamAuth),
            (TunnelSpec(protocol: .tcp, http: .init(challenge: false)), .challengeMode),
            (TunnelSpec(protocol: .tcp, upstreamTLS: false), .upstreamTLS),
            (TunnelSpec(protocol: .tcp, httpUseTLS: false), .httpUseTLS),
            (TunnelSpec(protocol: .tcp, datagramGuaranteedDelivery: false), .datagramGuaranteedDelivery),
        ] as [(TunnelSpec, TunnelSpec.Field)]
    )
    func tcp(spec: TunnelSpec, field: TunnelSpec.Field) {
        #expect(broken(spec) == [field])
    }

    @Test(
        "http settings require protocol http",
        arguments: [
            (TunnelSpec.HTTP(version: .h2c), .httpVersion),
            (.init(tokenAuth: false), .tokenAuth),
            (.init(rstreamAuth: false), .rstreamAuth),
            (.init(challenge: false), .challengeMode),
        ] as [(TunnelSpec.HTTP, TunnelSpec.Field)]
    )
    func httpSettings(http: TunnelSpec.HTTP, field: TunnelSpec.Field) {
        for kind in [TunnelProtocol.tls, .webtty, .dtls, .quic] {
            let problems = TunnelSpec(protocol: kind, http: http).problems
            #expect(problems.map(\.field) == [field])
            #expect(problems.first?.description == "http settings require protocol \"http\"")
        }
        #expect(broken(TunnelSpec(protocol: .http, http: http)) == [])
    }

    @Test("the old name of upstreamTLS is an http setting too, and must agree with the new one")
    func httpUseTLS() {
        #expect(broken(TunnelSpec(protocol: .tls, httpUseTLS: true)) == [.httpUseTLS])
        #expect(broken(TunnelSpec(protocol: .http, upstreamTLS: true, httpUseTLS: false)) == [.upstreamTLS])
        #expect(broken(TunnelSpec(protocol: .http, upstreamTLS: false, httpUseTLS: true)) == [.upstreamTLS])
        #expect(broken(TunnelSpec(protocol: .http, upstreamTLS: false, httpUseTLS: false)) == [])
    }

    @Test("a hostname is not blank", arguments: ["", " ", "\t\n"])
    func blankHostname(hostname: String) {
        #expect(broken(TunnelSpec(protocol: .http, hostname: hostname)) == [.hostname])
    }

    @Test("guaranteed delivery is for datagram tunnels")
    func guaranteedDelivery() {
        let rule: [TunnelSpec.Field] = [.datagramGuaranteedDelivery]
        for kind in [nil, TunnelProtocol.http, .tls, .webtty] {
            #expect(broken(TunnelSpec(protocol: kind, datagramGuaranteedDelivery: true)) == rule)
        }
        #expect(broken(TunnelSpec(type: .bytestream, datagramGuaranteedDelivery: true)) == rule)
        for kind in [TunnelProtocol.dtls, .quic] {
            #expect(broken(TunnelSpec(protocol: kind, datagramGuaranteedDelivery: true)) == [])
        }
        let h3 = TunnelSpec(protocol: .http, http: .init(version: .h3), datagramGuaranteedDelivery: true)
        #expect(broken(h3) == [])
        #expect(broken(TunnelSpec(type: .datagram, publish: false, datagramGuaranteedDelivery: true)) == [])
        #expect(broken(TunnelSpec(type: .datagram, protocol: .webtty, datagramGuaranteedDelivery: true)) == [])
    }

    @Test("a published datagram tunnel needs a protocol that carries packets")
    func publishedDatagram() {
        #expect(broken(TunnelSpec(type: .datagram, publish: true)) == [.protocol])
        #expect(broken(TunnelSpec(type: .datagram, publish: true, protocol: .webtty)) == [])
        #expect(broken(TunnelSpec(type: .datagram, publish: true, protocol: .dtls)) == [])
        #expect(broken(TunnelSpec(type: .datagram, publish: true, protocol: .tls)) == [.type])
        #expect(broken(TunnelSpec(type: .datagram, publish: true, protocol: .http)) == [.type])
        #expect(broken(TunnelSpec(type: .datagram, publish: false)) == [])
    }

    @Test("the type does not contradict the protocol")
    func contradiction() {
        for kind in [TunnelProtocol.dtls, .quic] {
            #expect(broken(TunnelSpec(type: .bytestream, protocol: kind)) == [.type])
        }
        for kind in [TunnelProtocol.http, .tls] {
            #expect(broken(TunnelSpec(type: .datagram, protocol: kind)) == [.type])
            #expect(broken(TunnelSpec(type: .bytestream, protocol: kind)) == [])
        }
        #expect(broken(TunnelSpec(type: .bytestream, protocol: .http, http: .init(version: .h3))) == [.type])
    }

    @Test("a private datagram tunnel has no protocol", arguments: [TunnelProtocol.dtls, .quic])
    func privateDatagram(kind: TunnelProtocol) {
        #expect(broken(TunnelSpec(publish: false, protocol: kind)) == [.protocol])
    }

    @Test("TLS that passes through is not ended by the engine")
    func passthrough() {
        let mode = TunnelSpec.TLS(mode: .passthrough)
        #expect(broken(TunnelSpec(protocol: .tls, tls: mode, upstreamTLS: true)) == [.upstreamTLS])
        #expect(
            broken(TunnelSpec(protocol: .tls, tls: .init(mode: .passthrough, minVersion: .tls13))) == [.tlsMinVersion]
        )
        #expect(broken(TunnelSpec(protocol: .tls, tls: .init(mode: .passthrough, mtls: true))) == [.mtlsAuth])
    }

    @Test("with TLS to the upstream, ALPN chooses the HTTP version")
    func upstreamVersion() {
        let spec = TunnelSpec(protocol: .http, http: .init(version: .h2c), upstreamTLS: true)
        #expect(broken(spec) == [.httpVersion])
    }

    @Test(
        "everything that carries packets is valid, and not offered",
        arguments: [
            TunnelSpec(type: .datagram, publish: false),
            TunnelSpec(protocol: .dtls),
            TunnelSpec(protocol: .quic),
            TunnelSpec(protocol: .http, http: .init(version: .h3)),
            TunnelSpec(http: .init(version: .h3)),
            TunnelSpec(type: .datagram, protocol: .webtty),
        ]
    )
    func unsupported(spec: TunnelSpec) {
        #expect(spec.problems == [])
        #expect(spec.unsupported != nil)
        let error = #expect(throws: RstreamError.self) { try spec.validated() }
        #expect(error?.code == .unsupportedTunnel)
        #expect(error?.origin == .configuration)
        #expect(error?.retry == .afterReload)
    }

    @Test("a broken rule is reported with the tunnel's name, before what is not offered")
    func reported() {
        let spec = TunnelSpec(name: "db", type: .datagram, protocol: .tcp)
        let error = #expect(throws: RstreamError.self) { try spec.validated() }
        #expect(error?.code == .invalidTunnel)
        #expect(error?.origin == .configuration)
        #expect(error?.retry == .afterReload)
        #expect(error?.what == "tunnel \"db\": a tcp tunnel is a bytestream")
    }

    @Test("every broken rule is found, not the first only")
    func all() {
        let spec = TunnelSpec(publish: false, protocol: .tcp, hostname: " ", port: 0, http: .init(tokenAuth: true))
        #expect(broken(spec) == [.port, .publish, .tokenAuth, .hostname, .hostname])
    }

    @Test("a tcp tunnel states its type and publication, which need not be written")
    func tcpDefaults() throws {
        let properties = try TunnelSpec(name: "db", protocol: .tcp).validated()
        #expect(properties.type == "bytestream")
        #expect(properties.publish == true)
        #expect(properties.protocol == "tcp")
        #expect(properties.port == nil)
    }

    @Test("nothing is sent that was not written")
    func absent() throws {
        #expect(try TunnelSpec().validated() == TunnelProperties())
        let properties = try TunnelSpec(publish: false, protocol: .http).validated()
        var expected = TunnelProperties()
        expected.publish = false
        expected.protocol = "http"
        #expect(properties == expected)
    }

    @Test("everything that was written is sent, in the wire's words")
    func everything() {
        let spec = TunnelSpec(
            name: "web",
            type: .datagram,
            publish: true,
            protocol: .http,
            labels: ["a": "b"],
            geoip: ["CH"],
            trustedIPs: ["10.0.0.0/8"],
            hostname: "a.example",
            port: 8443,
            tls: .init(mode: .passthrough, minVersion: .tls12, alpns: ["h2"], ciphers: ["c"], mtls: false),
            http: .init(version: .http11, tokenAuth: true, rstreamAuth: false, challenge: true),
            upstreamTLS: false,
            httpUseTLS: true,
            datagramGuaranteedDelivery: true,
            allowCrossRegionRouting: false
        )
        var expected = TunnelProperties()
        expected.name = "web"
        expected.type = "datagram"
        expected.publish = true
        expected.protocol = "http"
        expected.labels = ["a": "b"]
        expected.geoip = ["CH"]
        expected.trustedIPs = ["10.0.0.0/8"]
        expected.hostname = "a.example"
        expected.port = 8443
        expected.tlsMode = "passthrough"
        expected.tlsMinVersion = "tls1.2"
        expected.tlsALPNs = ["h2"]
        expected.tlsCiphers = ["c"]
        expected.mtlsAuth = false
        expected.httpVersion = "http/1.1"
        expected.tokenAuth = true
        expected.rstreamAuth = false
        expected.challengeMode = true
        expected.upstreamTLS = false
        expected.httpUseTLS = true
        expected.datagramGuaranteedDelivery = true
        expected.allowCrossRegionRouting = false
        #expect(spec.properties == expected)
    }

    private func broken(_ spec: TunnelSpec) -> [TunnelSpec.Field] {
        spec.problems.map(\.field)
    }
}

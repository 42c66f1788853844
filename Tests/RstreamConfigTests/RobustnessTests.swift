// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamConfig
import RstreamModel
import RstreamTestSupport
import Testing

@Suite("no configuration can harm the loader")
struct RobustnessTests {
    private static let daemon = """
        version: 1
        context: main
        contexts:
          main: { engine: "${E:-e.example:443}", token: abc, transport: { mode: tls, tls: { caFile: ca.pem } } }
          far: { projectEndpoint: p, region: eu, apiUrl: "https://c", tokenFile: t, transport: { ipFamily: ipv4,
            bind: { mode: interface, interface: eth0 }, dns: { override: "1.1.1.1:853", tls: on, serverName: one },
            proxy: { http: "https://u:p@x:1", password: q, headers: { A: b }, tls: { serverName: n } } } }
        listeners: [{ name: db, listen: "[::1]:5432", dial: pg, context: far }]
        watch: true
        admin: { socket: /run/a, group: g, mode: "0660" }
        metrics: { listen: 127.0.0.1:9464 }
        page: { listen: localhost:4041, hosts: [box.example] }
        reload: { changed: keep }
        include: [tunnels.d/*.yaml]
        log: { level: info, format: auto }
        drain: { timeout: 30s }
        reconnect: { minimum: 1s, maximum: 30s, rejected: 5m }
        limits: { streams: 0, pendingStreams: 256, unixUpstreams: [/run/a] }
        """
    private static let tunnels = """
        version: 1
        tunnels:
          - &a
            name: web
            forward: ${PORT}
            upstream: { connectTimeout: 5s, holdTimeout: 1s, proxyProtocol: v2, idleTimeout: 1h }
            limits: { streams: 5 }
            reload: { changed: cut }
            tunnel: { protocol: http, trustedIPs: [192.0.2.0/24], geoip: [FR], labels: { a: $B }, http: { auth: { token: on } } }
          - { <<: *a, name: two }
        """

    @Test("the sample itself is right")
    func sample() {
        #expect(
            load(daemon: Self.daemon, tunnels: Self.tunnels, environment: ["PORT": "1", "B": "b"]).diagnostics.isEmpty
        )
    }

    @Test("every truncation is loaded or refused")
    func truncations() {
        for count in 0...Self.daemon.count { check(load(daemon: String(Self.daemon.prefix(count)))) }
        for count in 0...Self.tunnels.count { check(load(tunnels: String(Self.tunnels.prefix(count)))) }
    }

    @Test("mutations are loaded or refused, with every place inside its file", arguments: [11, 12, 13] as [UInt64])
    func mutations(seed: UInt64) {
        var random = SplitMix(seed: seed)
        for _ in 0..<250 {
            let daemon = mutated(Self.daemon, &random)
            let tunnels = mutated(Self.tunnels, &random)
            check(load(daemon: daemon, tunnels: tunnels, environment: ["PORT": "1\n$", "B": ": {"]))
        }
    }

    private func check(_ outcome: Outcome) {
        if let configuration = outcome.configuration {
            #expect(configuration.tunnels.allSatisfy { $0.spec.problems.isEmpty && $0.spec.unsupported == nil })
        } else {
            #expect(!outcome.errors.isEmpty)
        }
        for diagnostic in outcome.diagnostics {
            // A file that is skipped as a whole has no place in it.
            let isSkipped = diagnostic.severity == .warning && (diagnostic.line, diagnostic.column) == (0, 0)
            #expect(isSkipped || diagnostic.line >= 1 && diagnostic.column >= 1)
            #expect(!diagnostic.description.isEmpty)
        }
    }

    private func mutated(_ text: String, _ random: inout SplitMix) -> String {
        var scalars = Array(text.unicodeScalars)
        let interesting = Array("\0\t\n\r :-?[]{},&*!|>'\"%@`#<\\~$éy0".unicodeScalars)
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let place = Int.random(in: 0..<scalars.count, using: &random)
            let scalar = interesting.randomElement(using: &random) ?? " "
            switch Int.random(in: 0..<3, using: &random) {
            case 0: scalars[place] = scalar
            case 1: scalars.insert(scalar, at: place)
            default:
                scalars.removeSubrange(place..<min(scalars.count - 1, place + Int.random(in: 1...9, using: &random)))
            }
        }
        return String(String.UnicodeScalarView(scalars))
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamConfig
import RstreamTestSupport
import Testing

@Suite("many tunnels")
struct ScaleTests {
    @Test("a thousand tunnels in one file load in no time", .timeLimit(.hang))
    func thousand() {
        let text = "version: 1\ntunnels:\n" + (0..<1_000).map(Self.tunnel).joined()
        var outcome = Outcome()
        let cost = Growth.cost { outcome = load(tunnels: text, environment: ["TOKEN": "t"]) }
        #expect(outcome.diagnostics.isEmpty)
        #expect(outcome.configuration?.tunnels.count == 1_000)
        print("1,000 tunnels in one file: \(cost)")
        #expect(cost < .seconds(10), "a release build needs well under one second")
    }

    @Test("as many mistakes, each with a guess at what was meant, take no longer", .timeLimit(.hang))
    func mistakes() {
        let tunnels = (0..<300).map { "  - { name: n\($0), forward: 8080, context: absent-\($0)-x, tunnel: {} }\n" }
        let contexts = (0..<300).map { "  context\($0): { engine: e, noToken: true }\n" }
        let text = "version: 1\ncontexts:\n\(contexts.joined())tunnels:\n\(tunnels.joined())"
        var outcome = Outcome()
        let cost = Growth.cost { outcome = load(tunnels: text) }
        #expect(outcome.errors.count == 300)
        #expect(outcome.diagnostics.allSatisfy { $0.hint?.hasSuffix(", …") == true })
        print("300 references to contexts that do not exist among 300 that do: \(cost)")
        #expect(cost < .seconds(10))
    }

    private static func tunnel(_ index: Int) -> String {
        """
          - name: tunnel-\(index)
            forward: 127.0.0.1:\(1_024 + index)
            context: { engine: engine.example, token: "${TOKEN}", transport: { tls: { caFile: ca.pem } } }
            upstream: { connectTimeout: 2s, holdTimeout: 10s }
            tunnel:
              publish: true
              protocol: http
              host: tunnel-\(index).t.example
              trustedIPs: [192.0.2.0/24, "2001:db8::/32"]
              geoip: [FR, DE]
              labels: { env: prod, number: \(index) }
              http: { auth: { token: true }, gate: { challenge: false } }
              tls: { mode: terminated, minVersion: tls1.2 }

        """
    }
}

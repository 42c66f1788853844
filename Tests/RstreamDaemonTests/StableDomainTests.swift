// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport
import Testing

@Suite("a name that the agent makes itself")
struct StableDomainTests {
    private struct Constant: RandomNumberGenerator {
        let value: UInt64
        func next() -> UInt64 { value }
    }

    @Test("it is a slug, the project's label, t, and the rest", arguments: 1...50 as ClosedRange<UInt64>)
    func shape(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let engine = try EngineAddress("AbC123.eu.Example.com:8443")
        let name = try #require(StableDomain.generate(for: engine, using: &random))
        #expect(name.wholeMatch(of: /r[0-9a-f]{8}-abc123\.t\.eu\.example\.com/) != nil, "seed \(seed): \(name)")
        #expect(Hostname.isValid(name))
    }

    @Test("small numbers keep their leading zeros, large ones fit")
    func digits() throws {
        let engine = try EngineAddress("p.example.com")
        var zeros = Constant(value: 0)
        #expect(StableDomain.generate(for: engine, using: &zeros) == "r00000000-p.t.example.com")
        var ones = Constant(value: .max)
        #expect(StableDomain.generate(for: engine, using: &ones) == "rffffffff-p.t.example.com")
    }

    @Test("two labels are enough")
    func twoLabels() throws {
        var zeros = Constant(value: 0)
        #expect(StableDomain.generate(for: try EngineAddress("p.local"), using: &zeros) == "r00000000-p.t.local")
    }

    @Test("the same seed gives the same name, the next draw another")
    func seeded() throws {
        let engine = try EngineAddress("p.example.com")
        var first = SplitMix(seed: 7)
        var second = SplitMix(seed: 7)
        let name = StableDomain.generate(for: engine, using: &first)
        #expect(name == StableDomain.generate(for: engine, using: &second))
        #expect(name != StableDomain.generate(for: engine, using: &first))
    }

    @Test(
        "none is made where the engine must allocate one",
        arguments: ["192.0.2.1", "[::1]", "localhost", "\(String(repeating: "p", count: 54)).example.com"]
    )
    func notApplicable(engine: String) throws {
        var random = SplitMix(seed: 1)
        #expect(StableDomain.generate(for: try EngineAddress(engine), using: &random) == nil)
    }

    @Test("a project's label of 53 characters still fits")
    func longestLabel() throws {
        var random = SplitMix(seed: 1)
        let label = String(repeating: "p", count: 53)
        let name = try #require(StableDomain.generate(for: try EngineAddress("\(label).example.com"), using: &random))
        #expect(name.split(separator: ".").first?.utf8.count == 63)
        #expect(Hostname.isValid(name))
    }

    @Test(
        "only a published tunnel that is not tcp and has no name of its own takes one",
        arguments: [
            (TunnelSpec(), true),
            (TunnelSpec(publish: true, protocol: .http), true),
            (TunnelSpec(protocol: .tls), true),
            (TunnelSpec(publish: false), false),
            (TunnelSpec(protocol: .tcp), false),
            (TunnelSpec(protocol: .http, hostname: "a.example"), false),
        ]
    )
    func applies(spec: TunnelSpec, takes: Bool) {
        #expect(spec.takesStableHostname == takes)
    }
}

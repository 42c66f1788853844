// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import RstreamWire
import Testing

@Suite("the table of a tunnel's properties")
struct TunnelPropertyTests {
    /// Properties of which only this one is set.
    private func sample(_ property: TunnelProperty) -> TunnelProperties {
        var properties = TunnelProperties()
        switch property.place {
        case .text(let path): properties[keyPath: path] = property.words?.first ?? "text"
        case .flag(let path): properties[keyPath: path] = true
        case .number(let path): properties[keyPath: path] = 4_711
        case .list(let path): properties[keyPath: path] = ["192.0.2.0/24", "198.51.100.0/24"]
        case .pairs(let path): properties[keyPath: path] = ["team": "web"]
        case .time(let path): properties[keyPath: path] = Timestamp(seconds: 1_700_000_000, nanoseconds: 5)
        }
        return properties
    }

    @Test("no two properties share a place, a name or a field of a specification")
    func places() {
        for property in TunnelProperty.allCases {
            let set = TunnelProperty.allCases.filter { sample(property)[$0] != nil }
            #expect(set == [property])
        }
        let fields = TunnelProperty.allCases.compactMap(\.field)
        #expect(Set(fields) == Set(TunnelSpec.Field.allCases))
        #expect(fields.count == TunnelSpec.Field.allCases.count)
    }

    @Test("every property goes over the wire", arguments: TunnelProperty.allCases)
    func wire(property: TunnelProperty) throws {
        let sent = sample(property)
        let payload = try Message.openTunnelRequest(OpenTunnelRequest(requestID: "r", properties: sent)).payload()
        guard case .openTunnelRequest(let request) = try Message(payload: payload) else {
            Issue.record("another message")
            return
        }
        #expect(request.properties == sent)
        #expect(request.properties.hasSame(property, as: sent))
        #expect(!request.properties.hasSame(property, as: TunnelProperties()))
    }

    @Test("every field of a specification is sent under its property")
    func specification() {
        let spec = TunnelSpec(
            name: "n",
            type: .bytestream,
            publish: true,
            protocol: .http,
            labels: ["k": "v"],
            geoip: ["FR"],
            trustedIPs: ["192.0.2.0/24"],
            hostname: "a.example",
            port: 1,
            tls: .init(mode: .terminated, minVersion: .tls12, alpns: ["h2"], ciphers: ["c"], mtls: true),
            http: .init(version: .h2c, tokenAuth: true, rstreamAuth: true, challenge: true),
            upstreamTLS: true,
            httpUseTLS: true,
            datagramGuaranteedDelivery: true,
            allowCrossRegionRouting: true
        )
        for property in TunnelProperty.allCases {
            #expect((spec.properties[property] != nil) == (property.field != nil), "\(property.rawValue)")
        }
    }

    @Test("texts are compared byte by byte")
    func bytes() {
        var (composed, decomposed) = (TunnelProperties(), TunnelProperties())
        (composed.name, decomposed.name) = ("caf\u{E9}", "cafe\u{301}")
        (composed.labels, decomposed.labels) = (["caf\u{E9}": ""], ["cafe\u{301}": ""])
        #expect(!composed.hasSame(.name, as: decomposed))
        #expect(!composed.hasSame(.labels, as: decomposed))
    }
}

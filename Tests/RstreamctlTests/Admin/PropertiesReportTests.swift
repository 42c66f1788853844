// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import RstreamModel
import Testing

@Suite("a tunnel's properties in the admin API")
struct PropertiesReportTests {
    /// What the API leaves out: it has fields of its own for the first three, and the last is an older name.
    private static let left: [TunnelProperty] = [.id, .creationDate, .host, .mtlsCACertPEM, .httpUseTLS]

    /// `tls_min_version` as the API writes it.
    private static func name(_ property: TunnelProperty) -> String {
        let words = property.rawValue.split(separator: "_")
        return words.enumerated().map { $0 == 0 ? String($1) : $1.capitalized }.joined()
    }

    @Test("are all there, named as the protocol names them", arguments: TunnelProperty.allCases)
    func names(property: TunnelProperty) throws {
        var properties = TunnelProperties()
        switch property.place {
        case .text(let path): properties[keyPath: path] = "text"
        case .flag(let path): properties[keyPath: path] = true
        case .number(let path): properties[keyPath: path] = 1
        case .list(let path): properties[keyPath: path] = ["text"]
        case .pairs(let path): properties[keyPath: path] = ["key": "text"]
        case .time(let path): properties[keyPath: path] = Timestamp(seconds: 1)
        }
        let bytes = try AdminJSON.encode(PropertiesReport(properties))
        #expect(try AdminJSON.decode(PropertiesReport.self, from: bytes) == PropertiesReport(properties))
        guard case .object(let shown) = try AdminJSON.decode(JSONValue.self, from: bytes) else {
            Issue.record("no object")
            return
        }
        if Self.left.contains(property) {
            #expect(shown.isEmpty || property == .httpUseTLS)
        } else {
            #expect(Array(shown.keys) == [Self.name(property)])
        }
    }
}

extension Substring {
    fileprivate var capitalized: String { prefix(1).uppercased() + dropFirst() }
}

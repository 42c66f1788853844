// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// A tunnel's properties as the API names them: PROTOCOL.md §5.1 in camelCase. What is not set is left out.
@dynamicMemberLookup
package struct PropertiesReport: Hashable, Sendable {
    /// What the API leaves out: a tunnel's status has fields of its own for the first three, and the last is an older
    /// name of `upstream_tls`.
    private static let hidden: Set<TunnelProperty> = [.id, .creationDate, .host, .mtlsCACertPEM, .httpUseTLS]

    /// What the API shows, in the order of the protocol.
    package static let shown = TunnelProperty.allCases.filter { !hidden.contains($0) }

    private var properties: TunnelProperties

    package init(_ properties: TunnelProperties) {
        self.properties = properties.without(Self.hidden)
        self.properties.upstreamTLS = properties.upstreamTLS ?? properties.httpUseTLS
    }

    /// The value of a property; nil when it is not set.
    package subscript(property: TunnelProperty) -> TunnelProperties.Value? { properties[property] }

    package subscript<Value>(dynamicMember path: WritableKeyPath<TunnelProperties, Value>) -> Value {
        get { properties[keyPath: path] }
        set { properties[keyPath: path] = newValue }
    }
}

extension TunnelProperty {
    /// The API's name of it: `tlsMinVersion` for `tls_min_version`.
    package var camelCaseName: String {
        rawValue.split(separator: "_").enumerated()
            .map { $0 == 0 ? String($1) : $1.prefix(1).uppercased() + $1.dropFirst() }.joined()
    }
}

extension PropertiesReport: Codable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(_ property: TunnelProperty) { stringValue = property.camelCaseName }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private static let keys = shown.map { (property: $0, key: Key($0)) }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        properties = TunnelProperties()
        for (property, key) in Self.keys where container.contains(key) {
            switch property.place {
            case .text(let path): properties[keyPath: path] = try container.decodeIfPresent(String.self, forKey: key)
            case .flag(let path): properties[keyPath: path] = try container.decodeIfPresent(Bool.self, forKey: key)
            case .number(let path): properties[keyPath: path] = try container.decodeIfPresent(UInt32.self, forKey: key)
            case .list(let path):
                properties[keyPath: path] = try container.decodeIfPresent([String].self, forKey: key) ?? []
            case .pairs(let path):
                properties[keyPath: path] = try container.decodeIfPresent([String: String].self, forKey: key) ?? [:]
            // Not shown.
            case .time: break
            }
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        for (property, key) in Self.keys {
            switch properties[property] {
            case .text(let text): try container.encode(text, forKey: key)
            case .flag(let flag): try container.encode(flag, forKey: key)
            case .number(let number): try container.encode(number, forKey: key)
            case .list(let list): try container.encode(list, forKey: key)
            case .pairs(let pairs): try container.encode(pairs, forKey: key)
            case .time, nil: break
            }
        }
    }
}

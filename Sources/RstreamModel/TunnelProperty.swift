// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Every property of a tunnel under its name on the wire, in the order of PROTOCOL.md §5.1.
///
/// This is the table that validation, the comparison of a reload, the admin API, `rstreamctl` and the dev engine go by.
/// A new property is a case here: the compiler then asks for its value, its names and its rules, and tests ask for its
/// place on the wire and in the documents.
package enum TunnelProperty: String, Hashable, Sendable, CaseIterable {
    case id
    case creationDate = "creation_date"
    case name
    case type
    case publish
    case `protocol`
    case labels
    case geoip
    case trustedIPs = "trusted_ips"
    case host
    case tlsMode = "tls_mode"
    case tlsALPNs = "tls_alpns"
    case tlsMinVersion = "tls_min_version"
    case tlsCiphers = "tls_ciphers"
    case mtlsAuth = "mtls_auth"
    case mtlsCACertPEM = "mtls_cacert_pem"
    case httpVersion = "http_version"
    case httpUseTLS = "http_use_tls"
    case tokenAuth = "token_auth"
    case rstreamAuth = "rstream_auth"
    case challengeMode = "challenge_mode"
    case hostname
    case port
    case upstreamTLS = "upstream_tls"
    case datagramGuaranteedDelivery = "datagram_guaranteed_delivery"
    case allowCrossRegionRouting = "allow_cross_region_routing"

    /// What kind of value it has, and where that stands.
    package enum Place {
        case text(WritableKeyPath<TunnelProperties, String?>)
        case flag(WritableKeyPath<TunnelProperties, Bool?>)
        case number(WritableKeyPath<TunnelProperties, UInt32?>)
        case list(WritableKeyPath<TunnelProperties, [String]>)
        case pairs(WritableKeyPath<TunnelProperties, [String: String]>)
        case time(WritableKeyPath<TunnelProperties, Timestamp?>)
    }

    /// What kind of value it has, and where that stands.
    package var place: Place {
        switch self {
        case .id: .text(\.id)
        case .creationDate: .time(\.creationDate)
        case .name: .text(\.name)
        case .type: .text(\.type)
        case .publish: .flag(\.publish)
        case .protocol: .text(\.protocol)
        case .labels: .pairs(\.labels)
        case .geoip: .list(\.geoip)
        case .trustedIPs: .list(\.trustedIPs)
        case .host: .text(\.host)
        case .tlsMode: .text(\.tlsMode)
        case .tlsALPNs: .list(\.tlsALPNs)
        case .tlsMinVersion: .text(\.tlsMinVersion)
        case .tlsCiphers: .list(\.tlsCiphers)
        case .mtlsAuth: .flag(\.mtlsAuth)
        case .mtlsCACertPEM: .text(\.mtlsCACertPEM)
        case .httpVersion: .text(\.httpVersion)
        case .httpUseTLS: .flag(\.httpUseTLS)
        case .tokenAuth: .flag(\.tokenAuth)
        case .rstreamAuth: .flag(\.rstreamAuth)
        case .challengeMode: .flag(\.challengeMode)
        case .hostname: .text(\.hostname)
        case .port: .number(\.port)
        case .upstreamTLS: .flag(\.upstreamTLS)
        case .datagramGuaranteedDelivery: .flag(\.datagramGuaranteedDelivery)
        case .allowCrossRegionRouting: .flag(\.allowCrossRegionRouting)
        }
    }

    /// What users call it in a specification; nil when only engines set it.
    package var field: TunnelSpec.Field? {
        switch self {
        case .id, .creationDate, .host, .mtlsCACertPEM: nil
        case .name: .name
        case .type: .type
        case .publish: .publish
        case .protocol: .protocol
        case .labels: .labels
        case .geoip: .geoip
        case .trustedIPs: .trustedIPs
        case .tlsMode: .tlsMode
        case .tlsALPNs: .tlsALPNs
        case .tlsMinVersion: .tlsMinVersion
        case .tlsCiphers: .tlsCiphers
        case .mtlsAuth: .mtlsAuth
        case .httpVersion: .httpVersion
        case .httpUseTLS: .httpUseTLS
        case .tokenAuth: .tokenAuth
        case .rstreamAuth: .rstreamAuth
        case .challengeMode: .challengeMode
        case .hostname: .hostname
        case .port: .port
        case .upstreamTLS: .upstreamTLS
        case .datagramGuaranteedDelivery: .datagramGuaranteedDelivery
        case .allowCrossRegionRouting: .allowCrossRegionRouting
        }
    }

    /// Which part of the edge it sets up (PROTOCOL.md §5.2): a tcp tunnel takes general properties only, and those for
    /// HTTP need protocol http.
    package enum Group: Hashable, Sendable {
        case general
        case hostname
        case tls
        case http
        case datagrams
    }

    /// Which part of the edge it sets up.
    package var group: Group {
        switch self {
        case .id, .creationDate, .name, .type, .publish, .protocol, .labels, .geoip, .trustedIPs, .host, .mtlsCACertPEM,
            .port, .allowCrossRegionRouting:
            .general
        case .hostname: .hostname
        case .tlsMode, .tlsALPNs, .tlsMinVersion, .tlsCiphers, .mtlsAuth, .upstreamTLS: .tls
        case .httpVersion, .httpUseTLS, .tokenAuth, .rstreamAuth, .challengeMode: .http
        case .datagramGuaranteedDelivery: .datagrams
        }
    }

    /// The words that it may be; nil where any value goes.
    package var words: [String]? {
        switch self {
        case .type: TunnelType.allCases.map(\.rawValue)
        case .protocol: TunnelProtocol.allCases.map(\.rawValue)
        case .tlsMode: TLSMode.allCases.map(\.rawValue)
        case .tlsMinVersion: TLSVersion.allCases.map(\.rawValue)
        case .httpVersion: HTTPVersion.allCases.map(\.rawValue)
        case .id, .creationDate, .name, .publish, .labels, .geoip, .trustedIPs, .host, .tlsALPNs, .tlsCiphers,
            .mtlsAuth, .mtlsCACertPEM, .httpUseTLS, .tokenAuth, .rstreamAuth, .challengeMode, .hostname, .port,
            .upstreamTLS, .datagramGuaranteedDelivery, .allowCrossRegionRouting:
            nil
        }
    }
}

extension TunnelProperties {
    /// The value of a property.
    package enum Value: Hashable, Sendable {
        case text(String)
        case flag(Bool)
        case number(UInt32)
        case list([String])
        case pairs([String: String])
        case time(Timestamp)
    }

    /// The value of a property; nil when it is not set, which an empty list counts as.
    package subscript(property: TunnelProperty) -> Value? {
        switch property.place {
        case .text(let path): self[keyPath: path].map { .text($0) }
        case .flag(let path): self[keyPath: path].map { .flag($0) }
        case .number(let path): self[keyPath: path].map { .number($0) }
        case .list(let path): self[keyPath: path].isEmpty ? nil : .list(self[keyPath: path])
        case .pairs(let path): self[keyPath: path].isEmpty ? nil : .pairs(self[keyPath: path])
        case .time(let path): self[keyPath: path].map { .time($0) }
        }
    }

    /// The same, with these properties not set.
    package func without(_ unset: Set<TunnelProperty>) -> TunnelProperties {
        var rest = self
        for property in unset {
            switch property.place {
            case .text(let path): rest[keyPath: path] = nil
            case .flag(let path): rest[keyPath: path] = nil
            case .number(let path): rest[keyPath: path] = nil
            case .list(let path): rest[keyPath: path] = []
            case .pairs(let path): rest[keyPath: path] = [:]
            case .time(let path): rest[keyPath: path] = nil
            }
        }
        return rest
    }

    /// Whether both have the same value of a property, byte by byte.
    package func hasSame(_ property: TunnelProperty, as other: TunnelProperties) -> Bool {
        switch property.place {
        case .text(let path): String?._haveSameBytes(self[keyPath: path], other[keyPath: path])
        case .flag(let path): self[keyPath: path] == other[keyPath: path]
        case .number(let path): self[keyPath: path] == other[keyPath: path]
        case .list(let path): [String]._haveSameBytes(self[keyPath: path], other[keyPath: path])
        case .pairs(let path): [String: String]._haveSameBytes(self[keyPath: path], other[keyPath: path])
        case .time(let path): self[keyPath: path] == other[keyPath: path]
        }
    }
}

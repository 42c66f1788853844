// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// The rules of PROTOCOL.md §5.2 that a client can check before it asks the engine.
extension TunnelSpec {
    /// One rule that a specification breaks.
    public struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
        /// The property the rule is about.
        public let field: Field
        /// What the rule is, to be read after the tunnel's name.
        public let description: String
    }

    /// The fields of a specification, so that a configuration error can point at the line of the one it is about.
    public enum Field: String, Hashable, Sendable, CaseIterable {
        case name, labels, type, publish, `protocol`, geoip, trustedIPs, hostname, port
        case tlsMode, tlsMinVersion, tlsALPNs, tlsCiphers, mtlsAuth
        case httpVersion, tokenAuth, rstreamAuth, challengeMode
        case upstreamTLS, httpUseTLS, datagramGuaranteedDelivery, allowCrossRegionRouting
    }

    /// Every rule that this specification breaks, in a stable order; empty when it may be sent.
    public var problems: [Problem] {
        lengthProblems + portProblems + tcpProblems + httpProblems + valueProblems + privateProblems + tlsProblems
            + datagramProblems
    }

    /// The bytes of the longest name of a tunnel.
    package static let longestName = 255
    /// The bytes of the longest key of a label.
    package static let longestLabelKey = 256
    /// The bytes of the longest value of a label.
    package static let longestLabelValue = 1_024
    /// How many labels a tunnel may have beside those that say who manages it.
    package static let mostLabels = 64
    /// Labels that the official tools look for (RUN.md §2.3).
    package static let managingLabels = ["rstream.managed-by", "rstream.source"]

    private var lengthProblems: [Problem] {
        var found: [Problem] = []
        if let name, name.utf8.count > Self.longestName {
            found.append(Problem(field: .name, description: "the name is longer than \(Self.longestName) bytes"))
        }
        if let hostname, hostname.utf8.count > Hostname.longest {
            found.append(
                Problem(field: .hostname, description: "the hostname is longer than \(Hostname.longest) bytes")
            )
        }
        if labels.count > Self.mostLabels + Self.managingLabels.filter({ labels[$0] != nil }).count {
            found.append(Problem(field: .labels, description: "there are more than \(Self.mostLabels) labels"))
        } else if labels.contains(where: {
            $0.key.utf8.count > Self.longestLabelKey || $0.value.utf8.count > Self.longestLabelValue
        }) {
            found.append(
                Problem(
                    field: .labels,
                    description: "a label's key is longer than \(Self.longestLabelKey) bytes, "
                        + "or its value longer than \(Self.longestLabelValue)"
                )
            )
        }
        return found
    }

    /// The properties to send.
    ///
    /// - Throws: ``RstreamError`` with ``RstreamError/Code/invalidTunnel`` naming the first broken rule, or
    ///   ``RstreamError/Code/unsupportedTunnel`` for a datagram tunnel.
    public func validated() throws(RstreamError) -> TunnelProperties {
        if let problem = problems.first {
            throw RstreamError(
                code: .invalidTunnel,
                origin: .configuration,
                retry: .afterReload,
                what: "tunnel \"\((name ?? "").shortened)\": \(problem.description)"
            )
        }
        if let problem = unsupported {
            throw RstreamError(
                code: .unsupportedTunnel,
                origin: .configuration,
                retry: .afterReload,
                what: "tunnel \"\((name ?? "").shortened)\": \(problem.description)"
            )
        }
        return properties
    }

    /// What is valid, but not offered by this implementation: everything that carries packets.
    public var unsupported: Problem? {
        if http.version == .h3 {
            return Problem(
                field: .httpVersion,
                description: "http/3 needs a datagram tunnel, which is not supported"
            )
        }
        guard (type ?? derivedType) == .datagram else { return nil }
        return Problem(
            field: type == nil ? .protocol : .type,
            description: "datagram tunnels are not supported, only bytestream tunnels"
        )
    }

    /// What a published port may be.
    package static let ports = 1...65_535

    private var portProblems: [Problem] {
        guard let port else { return [] }
        if !Self.ports.contains(port) {
            let (first, last) = (Self.ports.lowerBound, Self.ports.upperBound)
            return [Problem(field: .port, description: "port \(port) is not between \(first) and \(last)")]
        }
        return `protocol` == .tcp ? [] : [Problem(field: .port, description: "port requires protocol tcp")]
    }

    private var tcpProblems: [Problem] {
        guard `protocol` == .tcp else { return [] }
        var found: [Problem] = []
        if publish == false {
            found.append(Problem(field: .publish, description: "a tcp tunnel must be published"))
        }
        if type == .datagram {
            found.append(Problem(field: .type, description: "a tcp tunnel is a bytestream"))
        }
        return found
            + given { $0.group != .general }.map { field in
                Problem(field: field, description: "a tcp tunnel takes no \(field.rawValue)")
            }
    }

    /// The fields that are set, among those of the properties that fit.
    private func given(_ fits: (TunnelProperty) -> Bool) -> [Field] {
        let properties = properties
        return TunnelProperty.allCases.filter { fits($0) && properties[$0] != nil }.compactMap(\.field)
    }

    private var httpProblems: [Problem] {
        guard let `protocol`, `protocol` != .http, `protocol` != .tcp else { return [] }
        return given { $0.group == .http }.map { field in
            Problem(field: field, description: "http settings require protocol \"http\"")
        }
    }

    private var valueProblems: [Problem] {
        var found: [Problem] = []
        if let hostname, hostname.trimmed.isEmpty {
            found.append(Problem(field: .hostname, description: "the hostname is blank"))
        }
        if let httpUseTLS, let upstreamTLS, httpUseTLS != upstreamTLS {
            found.append(Problem(field: .upstreamTLS, description: "upstreamTLS and http.upstreamTLS disagree"))
        }
        return found
    }

    /// Edge settings of a private tunnel are sent as they are: the official tools do, and engines ignore them.
    private var privateProblems: [Problem] {
        guard publish == false, `protocol` == .dtls || `protocol` == .quic else { return [] }
        return [Problem(field: .protocol, description: "a private datagram tunnel has no protocol")]
    }

    private var tlsProblems: [Problem] {
        var found: [Problem] = []
        if tls.mode == .passthrough {
            let ended: [(Field, Bool)] = [
                (.upstreamTLS, speaksTLSUpstream), (.tlsMinVersion, tls.minVersion != nil),
                (.mtlsAuth, tls.mtls == true),
            ]
            found += ended.filter(\.1).map { field, _ in
                Problem(
                    field: field,
                    description: "\(field.rawValue) needs TLS that ends at the engine, not tls.mode passthrough"
                )
            }
        }
        if speaksTLSUpstream, http.version != nil {
            found.append(
                Problem(
                    field: .httpVersion,
                    description: "http.version is chosen by ALPN when upstreamTLS is true"
                )
            )
        }
        return found
    }

    /// By the property's new name or its old one.
    private var speaksTLSUpstream: Bool { (upstreamTLS ?? httpUseTLS) == true }

    private var datagramProblems: [Problem] {
        guard `protocol` != .tcp else { return [] }
        var found: [Problem] = []
        let derived = derivedType
        if let type, let derived, type != derived {
            found.append(
                Problem(
                    field: .type,
                    description: "type \(type.rawValue) contradicts protocol \(`protocol`?.rawValue ?? "")"
                )
            )
        }
        if datagramGuaranteedDelivery != nil, (type ?? derived ?? .bytestream) != .datagram {
            found.append(
                Problem(
                    field: .datagramGuaranteedDelivery,
                    description: "datagramGuaranteedDelivery requires a datagram tunnel"
                )
            )
        }
        if type == .datagram, publish == true, `protocol` == nil {
            found.append(
                Problem(
                    field: .protocol,
                    description: "a published datagram tunnel needs protocol dtls, quic, webtty, or http with h3"
                )
            )
        }
        return found
    }

    /// The type that the protocol implies (PROTOCOL.md §5.2); nil where both are possible.
    private var derivedType: TunnelType? {
        switch `protocol` {
        case .tcp, .tls: .bytestream
        case .http: http.version == .h3 ? .datagram : .bytestream
        case .dtls, .quic: .datagram
        case .webtty, nil: nil
        }
    }

    /// The wire form. A `tcp` tunnel states its type and publication explicitly.
    package var properties: TunnelProperties {
        var properties = TunnelProperties()
        properties.name = name
        properties.type = `protocol` == .tcp ? TunnelType.bytestream.rawValue : type?.rawValue
        properties.publish = `protocol` == .tcp ? true : publish
        properties.protocol = `protocol`?.rawValue
        properties.labels = labels
        properties.geoip = geoip
        properties.trustedIPs = trustedIPs
        properties.tlsMode = tls.mode?.rawValue
        properties.tlsALPNs = tls.alpns
        properties.tlsMinVersion = tls.minVersion?.rawValue
        properties.tlsCiphers = tls.ciphers
        properties.mtlsAuth = tls.mtls
        properties.httpVersion = http.version?.rawValue
        properties.httpUseTLS = httpUseTLS
        properties.tokenAuth = http.tokenAuth
        properties.rstreamAuth = http.rstreamAuth
        properties.challengeMode = http.challenge
        properties.hostname = hostname?.trimmed
        properties.port = port.map { UInt32(clamping: $0) }
        properties.upstreamTLS = upstreamTLS
        properties.datagramGuaranteedDelivery = datagramGuaranteedDelivery
        properties.allowCrossRegionRouting = allowCrossRegionRouting
        return properties
    }
}

extension TunnelProperty {
    /// Those of ``words`` that no tunnel of this implementation is refused for.
    package var offeredWords: [String] {
        (words ?? []).filter { word in
            var spec = TunnelSpec(name: "")
            switch self {
            case .type: spec.type = TunnelType(rawValue: word)
            case .protocol: spec.protocol = TunnelProtocol(rawValue: word)
            case .httpVersion: spec.http.version = HTTPVersion(rawValue: word)
            default: break
            }
            return spec.unsupported == nil
        }
    }
}

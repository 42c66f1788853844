// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import FoundationEssentials
internal import RstreamModel
internal import SwiftProtobuf

// Converts the model's values to their generated types and back. Presence is kept: nil is an absent wrapper, a zero
// value is a wrapper that is present and empty.

extension ClientDetails {
    init(_ wire: Rstream_IoRstrm_Protobuf_ClientDetails) throws(FieldError) {
        self.init(
            agent: wire.hasAgent ? WireText.text(wire.agent.value, WireLimits.detail) : nil,
            channel: wire.hasChannel ? WireText.text(wire.channel.value, WireLimits.detail) : nil,
            version: wire.hasVersion ? WireText.text(wire.version.value, WireLimits.detail) : nil,
            os: wire.hasOs ? WireText.text(wire.os.value, WireLimits.detail) : nil,
            arch: wire.hasArch ? WireText.text(wire.arch.value, WireLimits.detail) : nil,
            token: wire.hasToken ? Secret(try WireText.value(wire.token.value, "token", WireLimits.token)) : nil,
            protocolVersion: wire.hasProtocolVersion
                ? WireText.text(wire.protocolVersion.value, WireLimits.detail) : nil
        )
    }

    var wire: Rstream_IoRstrm_Protobuf_ClientDetails {
        .with {
            if let agent { $0.agent = .init(agent) }
            if let channel { $0.channel = .init(channel) }
            if let version { $0.version = .init(version) }
            if let os { $0.os = .init(os) }
            if let arch { $0.arch = .init(arch) }
            if let token { $0.token = .init(token.reveal()) }
            if let protocolVersion { $0.protocolVersion = .init(protocolVersion) }
        }
    }
}

extension ServerDetails {
    init(_ wire: Rstream_IoRstrm_Protobuf_ServerDetails) {
        self.init(
            agent: wire.hasAgent ? WireText.text(wire.agent.value, WireLimits.detail) : nil,
            channel: wire.hasChannel ? WireText.text(wire.channel.value, WireLimits.detail) : nil,
            version: wire.hasVersion ? WireText.text(wire.version.value, WireLimits.detail) : nil,
            plan: wire.hasPlan ? WireText.text(wire.plan.value, WireLimits.detail) : nil,
            provider: wire.hasProvider ? WireText.text(wire.provider.value, WireLimits.detail) : nil,
            region: wire.hasRegion ? WireText.text(wire.region.value, WireLimits.detail) : nil,
            update: wire.hasUpdate ? WireText.text(wire.update.value, WireLimits.detail) : nil
        )
    }

    var wire: Rstream_IoRstrm_Protobuf_ServerDetails {
        .with {
            if let agent { $0.agent = .init(agent) }
            if let channel { $0.channel = .init(channel) }
            if let version { $0.version = .init(version) }
            if let plan { $0.plan = .init(plan) }
            if let provider { $0.provider = .init(provider) }
            if let region { $0.region = .init(region) }
            if let update { $0.update = .init(update) }
        }
    }
}

extension EngineError {
    init(_ wire: Rstream_IoRstrm_Protobuf_Error) {
        self.init(
            code: EngineErrorCode(rawValue: wire.code.rawValue),
            message: wire.hasMessage ? WireText.text(wire.message.value) : ""
        )
    }

    var wire: Rstream_IoRstrm_Protobuf_Error {
        .with {
            // Every 32-bit number is a value of an open proto3 enum.
            $0.code = Rstream_IoRstrm_Protobuf_ErrorCode(rawValue: Int(Int32(clamping: code.rawValue))) ?? .unspecified
            if !message.isEmpty { $0.message = .init(message) }
        }
    }
}

extension IPAddress {
    /// Nil when the engine sent no address, or one of another length.
    init?(_ wire: Rstream_IoRstrm_Protobuf_IpAddress) {
        switch wire.addr {
        case .v4(let number): self = .v4(number)
        case .v6(let octets): self.init(v6Octets: [UInt8](octets))
        case nil: return nil
        }
    }

    var wire: Rstream_IoRstrm_Protobuf_IpAddress {
        .with {
            switch self {
            case .v4(let number): $0.v4 = number
            case .v6: $0.v6 = .init(octets)
            }
        }
    }
}

// Written out, field by field: a table of pairs of key paths would need a wrapper's presence, value and setter for each
// field, which is longer than these two lines and hides the limits. `TunnelPropertyTests` sends each property.
extension TunnelProperties {
    /// The properties that a client requests.
    init(_ wire: Rstream_IoRstrm_Protobuf_TunnelProperties) throws(FieldError) {
        self.init()
        id = wire.hasID ? try WireText.identifier(wire.id.value, "id") : nil
        creationDate =
            wire.hasCreationDate
            ? Timestamp(seconds: wire.creationDate.seconds, nanoseconds: wire.creationDate.nanos) : nil
        name = wire.hasName ? try WireText.value(wire.name.value, "name", WireLimits.name) : nil
        type = wire.hasType ? try WireText.value(wire.type.value, "type", WireLimits.word) : nil
        publish = wire.hasPublish ? wire.publish.value : nil
        `protocol` = wire.hasProtocol ? try WireText.value(wire.protocol.value, "protocol", WireLimits.word) : nil
        labels = try Self.labels(wire.labels)
        geoip = try WireText.words(wire.geoip, "geoip")
        trustedIPs = try WireText.words(wire.trustedIps, "trusted_ips")
        host = wire.hasHost ? try WireText.value(wire.host.value, "host", WireLimits.endpoint) : nil
        tlsMode = wire.hasTlsMode ? try WireText.value(wire.tlsMode.value, "tls_mode", WireLimits.word) : nil
        tlsALPNs = try WireText.words(wire.tlsAlpns, "tls_alpns")
        tlsMinVersion =
            wire.hasTlsMinVersion
            ? try WireText.value(wire.tlsMinVersion.value, "tls_min_version", WireLimits.word) : nil
        tlsCiphers = try WireText.words(wire.tlsCiphers, "tls_ciphers")
        mtlsAuth = wire.hasMtlsAuth ? wire.mtlsAuth.value : nil
        mtlsCACertPEM =
            wire.hasMtlsCacertPem
            ? try WireText.value(wire.mtlsCacertPem.value, "mtls_cacert_pem", WireLimits.certificate) : nil
        httpVersion =
            wire.hasHTTPVersion ? try WireText.value(wire.httpVersion.value, "http_version", WireLimits.word) : nil
        httpUseTLS = wire.hasHTTPUseTls ? wire.httpUseTls.value : nil
        tokenAuth = wire.hasTokenAuth ? wire.tokenAuth.value : nil
        rstreamAuth = wire.hasRstreamAuth ? wire.rstreamAuth.value : nil
        challengeMode = wire.hasChallengeMode ? wire.challengeMode.value : nil
        hostname = wire.hasHostname ? try WireText.value(wire.hostname.value, "hostname", WireLimits.endpoint) : nil
        port = wire.hasPort ? wire.port.value : nil
        upstreamTLS = wire.hasUpstreamTls ? wire.upstreamTls.value : nil
        datagramGuaranteedDelivery =
            wire.hasDatagramGuaranteedDelivery ? wire.datagramGuaranteedDelivery.value : nil
        allowCrossRegionRouting = wire.hasAllowCrossRegionRouting ? wire.allowCrossRegionRouting.value : nil
    }

    /// The properties that an engine granted. They are shown, and visitors use them, so a host name has to be valid.
    init(granted wire: Rstream_IoRstrm_Protobuf_TunnelProperties) throws(FieldError) {
        try self.init(wire)
        if let hostname, !hostname.isEmpty, !Hostname.isValid(hostname) {
            throw FieldError("hostname", .notHostname)
        }
        if let host, !host.isEmpty, (try? EngineAddress(host)) == nil { throw FieldError("host", .notHostname) }
    }

    /// Labels are a map in the schema and a list of pairs on the wire. The generated type declares the list, because a
    /// map would hash its keys before their length can be checked.
    private static func labels(
        _ entries: [Rstream_IoRstrm_Protobuf_TunnelProperties.Label]
    ) throws(FieldError) -> [String: String] {
        guard entries.count <= WireLimits.labels else { throw FieldError("labels", .tooMany(WireLimits.labels)) }
        var labels: [String: String] = [:]
        for entry in entries {
            let key = try WireText.value(entry.key, "labels", WireLimits.labelKey)
            labels[key] = try WireText.value(entry.value, "labels", WireLimits.labelValue)
        }
        return labels
    }

    var wire: Rstream_IoRstrm_Protobuf_TunnelProperties {
        .with {
            if let id { $0.id = .init(id) }
            if let creationDate {
                $0.creationDate = .with {
                    $0.seconds = creationDate.seconds
                    $0.nanos = creationDate.nanoseconds
                }
            }
            if let name { $0.name = .init(name) }
            if let type { $0.type = .init(type) }
            if let publish { $0.publish = .init(publish) }
            if let `protocol` { $0.protocol = .init(`protocol`) }
            $0.labels = labels.sorted { $0.key < $1.key }.map { key, value in
                .with {
                    $0.key = key
                    $0.value = value
                }
            }
            $0.geoip = geoip
            $0.trustedIps = trustedIPs
            if let host { $0.host = .init(host) }
            if let tlsMode { $0.tlsMode = .init(tlsMode) }
            $0.tlsAlpns = tlsALPNs
            if let tlsMinVersion { $0.tlsMinVersion = .init(tlsMinVersion) }
            $0.tlsCiphers = tlsCiphers
            if let mtlsAuth { $0.mtlsAuth = .init(mtlsAuth) }
            if let mtlsCACertPEM { $0.mtlsCacertPem = .init(mtlsCACertPEM) }
            if let httpVersion { $0.httpVersion = .init(httpVersion) }
            if let httpUseTLS { $0.httpUseTls = .init(httpUseTLS) }
            if let tokenAuth { $0.tokenAuth = .init(tokenAuth) }
            if let rstreamAuth { $0.rstreamAuth = .init(rstreamAuth) }
            if let challengeMode { $0.challengeMode = .init(challengeMode) }
            if let hostname { $0.hostname = .init(hostname) }
            if let port { $0.port = .init(port) }
            if let upstreamTLS { $0.upstreamTls = .init(upstreamTLS) }
            if let datagramGuaranteedDelivery { $0.datagramGuaranteedDelivery = .init(datagramGuaranteedDelivery) }
            if let allowCrossRegionRouting { $0.allowCrossRegionRouting = .init(allowCrossRegionRouting) }
        }
    }
}

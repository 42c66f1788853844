internal import FoundationEssentials
internal import RstreamModel
internal import SwiftProtobuf

// The model's values in their generated form and back. Presence is kept: nil is an absent wrapper, a zero value is a
// wrapper that is present and empty.

extension ClientDetails {
    init(_ wire: Rstream_IoRstrm_Protobuf_ClientDetails) {
        self.init(
            agent: wire.hasAgent ? wire.agent.value : nil,
            channel: wire.hasChannel ? wire.channel.value : nil,
            version: wire.hasVersion ? wire.version.value : nil,
            os: wire.hasOs ? wire.os.value : nil,
            arch: wire.hasArch ? wire.arch.value : nil,
            token: wire.hasToken ? Secret(wire.token.value) : nil,
            protocolVersion: wire.hasProtocolVersion ? wire.protocolVersion.value : nil
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
            agent: wire.hasAgent ? wire.agent.value : nil,
            channel: wire.hasChannel ? wire.channel.value : nil,
            version: wire.hasVersion ? wire.version.value : nil,
            plan: wire.hasPlan ? wire.plan.value : nil,
            provider: wire.hasProvider ? wire.provider.value : nil,
            region: wire.hasRegion ? wire.region.value : nil,
            update: wire.hasUpdate ? wire.update.value : nil
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
            message: wire.hasMessage ? wire.message.value : ""
        )
    }

    var wire: Rstream_IoRstrm_Protobuf_Error {
        .with {
            // Every number has a value in an open proto3 enum; only a number outside 32 bits would not.
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

extension TunnelProperties {
    init(_ wire: Rstream_IoRstrm_Protobuf_TunnelProperties) {
        self.init()
        id = wire.hasID ? wire.id.value : nil
        creationDate =
            wire.hasCreationDate
            ? Timestamp(seconds: wire.creationDate.seconds, nanoseconds: wire.creationDate.nanos) : nil
        name = wire.hasName ? wire.name.value : nil
        type = wire.hasType ? wire.type.value : nil
        publish = wire.hasPublish ? wire.publish.value : nil
        `protocol` = wire.hasProtocol ? wire.protocol.value : nil
        labels = wire.labels
        geoip = wire.geoip
        trustedIPs = wire.trustedIps
        host = wire.hasHost ? wire.host.value : nil
        tlsMode = wire.hasTlsMode ? wire.tlsMode.value : nil
        tlsALPNs = wire.tlsAlpns
        tlsMinVersion = wire.hasTlsMinVersion ? wire.tlsMinVersion.value : nil
        tlsCiphers = wire.tlsCiphers
        mtlsAuth = wire.hasMtlsAuth ? wire.mtlsAuth.value : nil
        mtlsCACertPEM = wire.hasMtlsCacertPem ? wire.mtlsCacertPem.value : nil
        httpVersion = wire.hasHTTPVersion ? wire.httpVersion.value : nil
        httpUseTLS = wire.hasHTTPUseTls ? wire.httpUseTls.value : nil
        tokenAuth = wire.hasTokenAuth ? wire.tokenAuth.value : nil
        rstreamAuth = wire.hasRstreamAuth ? wire.rstreamAuth.value : nil
        challengeMode = wire.hasChallengeMode ? wire.challengeMode.value : nil
        hostname = wire.hasHostname ? wire.hostname.value : nil
        port = wire.hasPort ? wire.port.value : nil
        upstreamTLS = wire.hasUpstreamTls ? wire.upstreamTls.value : nil
        datagramGuaranteedDelivery =
            wire.hasDatagramGuaranteedDelivery ? wire.datagramGuaranteedDelivery.value : nil
        allowCrossRegionRouting = wire.hasAllowCrossRegionRouting ? wire.allowCrossRegionRouting.value : nil
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
            $0.labels = labels
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

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import ClientConfiguration
import RstreamDaemonModel
import RstreamModel

extension ConfigurationKey {
    /// What may stand under it. This is the table.
    var form: ValueForm {
        switch self {
        case .version: .version
        case .watch, .logStreams, .debugCoreDumps, .contextNoToken, .contextExternal, .transportUseQuic,
            .transportMptcp, .transportDnsTls, .transportDnsDnssec, .transportTlsInsecureSkipVerify,
            .transportProxyFromEnvironment, .transportProxyTlsInsecureSkipVerify, .tunnelEnabled, .specPublish,
            .specAllowCrossRegionRouting, .specUpstreamTLS, .specDatagramGuaranteedDelivery, .specHttpAuthToken,
            .specHttpAuthRstream, .specHttpGateChallenge, .specHttpUpstreamTLS, .specHttpTokenAuth, .specTlsMtls,
            .targetBackup, .healthTcp, .upstreamTlsInsecureSkipVerify, .tunnelInspect:
            .flag
        case .limitsStreams, .tunnelStreams, .listenerStreams: .number(0...LimitSettings.most)
        case .limitsPendingStreams, .limitsOpeningStreams: .number(1...LimitSettings.most)
        case .transportPrewarmMaximum: .number(TransportOptions.Prewarm.maximumRange)
        case .targetWeight: .number(UpstreamTarget.weights)
        case .healthRise, .healthFall: .number(UpstreamHealthOptions.countRange)
        case .specPort: .port
        case .drainTimeout, .upgradeDrain, .upstreamHoldTimeout, .upstreamIdleTimeout: .duration(mayBeZero: true)
        case .reconnectMinimum, .reconnectMaximum, .reconnectRejected, .upstreamConnectTimeout, .healthTimeout,
            .listenerDialTimeout:
            .duration(mayBeZero: false)
        case .canaryInterval: .durationWithin(CanarySettings.intervalRange)
        case .healthInterval: .durationWithin(UpstreamHealthOptions.intervalRange)
        case .transportPrewarmMaxAge: .durationWithin(TransportOptions.Prewarm.maxAgeRange)
        case .adminMode, .listenerMode: .mode
        case .logLevel: .word(LogSettings.Level.words)
        case .logFormat: .word(LogSettings.Format.words)
        case .reloadChanged, .tunnelDisposition: .word(StreamDisposition.words)
        case .upstreamProxyProtocol: .word(UpstreamReader.ProxyProtocol.words)
        case .upstreamBalance: .word(UpstreamBalance.words)
        case .healthOnUnhealthy: .word(UpstreamHealthOptions.UnhealthyAction.words)
        case .transportMode:
            .word(TransportFields.Mode.allCases.filter(\.isOffered).map(\.rawValue), mayBeBlank: true)
        case .transportBindMode: .word(TransportFields.BindMode.words, mayBeBlank: true)
        case .transportIpFamily: .word(TransportOptions.IPFamily.words, mayBeBlank: true)
        case .transportPrewarmMode: .word(TransportOptions.Prewarm.Mode.words)
        case .transportRedirects: .word(TransportOptions.Redirects.words, mayBeBlank: true)
        case .specProtocol: .word(TunnelProperty.protocol.offeredWords)
        case .specType: .word(TunnelProperty.type.offeredWords)
        case .specHttpVersion: .word(TunnelProperty.httpVersion.offeredWords)
        case .specTlsMode: .word(TunnelProperty.tlsMode.offeredWords)
        case .specTlsMinVersion: .word(TunnelProperty.tlsMinVersion.offeredWords)
        case .specGeoip: .words(Country.codes.sorted())
        case .defaultContext, .contextExternalName, .transportBindAddress, .transportBindInterface,
            .transportDnsOverride, .transportDnsServerName, .transportTlsCaFile, .transportTlsServerName,
            .transportProxyHttp, .transportProxySocks5, .transportProxyUsername, .transportProxyPassword,
            .transportProxyTlsCaFile, .transportProxyTlsServerName:
            .text(.any)
        case .clientConfig, .adminSocket, .adminGroup, .adminReadGroup, .contextToken, .contextTokenFile,
            .contextMtlsCertificateFile, .contextMtlsKeyFile, .contextMtlsKeyPinFile, .healthHttpPath, .healthHttpHost,
            .healthHttpStatus,
            .upstreamTlsServerName, .upstreamTlsCaFile, .upstreamTlsCertificateFile, .upstreamTlsKeyFile,
            .upstreamTlsKeyPinFile, .listenerGroup:
            .text(.filled)
        case .contextName, .tunnelName, .listenerName, .listenerDial: .text(.name)
        case .contextEngine: .text(.engine)
        case .tunnelForward, .targetForward: .text(.upstream)
        case .contextProjectEndpoint: .text(.label)
        case .contextRegion: .text(.region)
        case .contextApiUrl: .text(.controlPlane)
        case .contextTokenCredential: .text(.fileName)
        case .contextMtlsKeyUri, .upstreamTlsKeyUri: .text(.keyURI)
        case .metricsListen, .pageListen, .listenerListen: .text(.listenAddress)
        case .specHost: .text(.hostname)
        case .include, .limitsUnixUpstreams, .tunnelOwners, .specTlsAlpns, .specTlsCiphers: .texts(.filled)
        case .specTrustedIPs: .texts(.addressRange)
        case .pageHosts: .texts(.hostname)
        case .transportProxyHeaders:
            .pairs(most: TransportReader.mostHeaders, longestKey: nil, longestValue: nil, mayBeNull: false)
        case .specLabels:
            .pairs(
                most: TunnelSpec.mostLabels,
                longestKey: TunnelSpec.longestLabelKey,
                longestValue: TunnelSpec.longestLabelValue,
                mayBeNull: true
            )
        case .tunnelContext, .listenerContext: .context
        }
    }

    /// Whether its mapping is an error without it, a tunnel's `forward` unless there are `upstreams`, and the `keyFile` of
    /// `mtls` unless there is a `keyUri`. Any other key may
    /// be null, which is as if it were absent.
    var isRequired: Bool {
        switch self {
        case .version, .contextMtlsCertificateFile, .contextMtlsKeyFile, .tunnelName, .tunnelForward, .targetForward,
            .listenerName, .listenerListen, .listenerDial:
            true
        default: false
        }
    }
}

extension CaseIterable where Self: RawRepresentable, RawValue == String {
    fileprivate static var words: [String] { allCases.map(\.rawValue) }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// Every key of a configuration, by its path, without indices of lists and without names.
package enum ConfigurationKey: String, Hashable, Sendable, CaseIterable {
    case version
    case include
    case clientConfig
    case defaultContext = "context"
    case watch
    case adminSocket = "admin.socket"
    case adminGroup = "admin.group"
    case adminMode = "admin.mode"
    case adminReadGroup = "admin.readGroup"
    case metricsListen = "metrics.listen"
    case pageListen = "page.listen"
    case pageHosts = "page.hosts"
    case logLevel = "log.level"
    case logFormat = "log.format"
    case logStreams = "log.streams"
    case drainTimeout = "drain.timeout"
    case upgradeDrain = "upgrade.drain"
    case reloadChanged = "reload.changed"
    case reconnectMinimum = "reconnect.minimum"
    case reconnectMaximum = "reconnect.maximum"
    case reconnectRejected = "reconnect.rejected"
    case canaryInterval = "canary.interval"
    case limitsStreams = "limits.streams"
    case limitsPendingStreams = "limits.pendingStreams"
    case limitsOpeningStreams = "limits.openingStreams"
    case limitsUnixUpstreams = "limits.unixUpstreams"
    case tunnelOwners = "limits.tunnelOwners"
    case debugCoreDumps = "debug.coreDumps"
    case contextName = "contexts.<name>"
    case contextEngine = "contexts.engine"
    case contextProjectEndpoint = "contexts.projectEndpoint"
    case contextRegion = "contexts.region"
    case contextApiUrl = "contexts.apiUrl"
    case contextToken = "contexts.token"
    case contextTokenFile = "contexts.tokenFile"
    case contextTokenCredential = "contexts.tokenCredential"
    case contextMtlsCertificateFile = "contexts.mtls.certificateFile"
    case contextMtlsKeyFile = "contexts.mtls.keyFile"
    case contextMtlsKeyUri = "contexts.mtls.keyUri"
    case contextMtlsKeyPinFile = "contexts.mtls.keyPinFile"
    case contextNoToken = "contexts.noToken"
    case contextExternal = "contexts.external"
    case contextExternalName = "contexts.name"
    case transportMode = "contexts.transport.mode"
    case transportUseQuic = "contexts.transport.useQuic"
    case transportBindMode = "contexts.transport.bind.mode"
    case transportBindAddress = "contexts.transport.bind.address"
    case transportBindInterface = "contexts.transport.bind.interface"
    case transportIpFamily = "contexts.transport.ipFamily"
    case transportMptcp = "contexts.transport.mptcp"
    case transportDnsOverride = "contexts.transport.dns.override"
    case transportDnsTls = "contexts.transport.dns.tls"
    case transportDnsServerName = "contexts.transport.dns.serverName"
    case transportDnsDnssec = "contexts.transport.dns.dnssec"
    case transportTlsCaFile = "contexts.transport.tls.caFile"
    case transportTlsServerName = "contexts.transport.tls.serverName"
    case transportTlsInsecureSkipVerify = "contexts.transport.tls.insecureSkipVerify"
    case transportProxyHttp = "contexts.transport.proxy.http"
    case transportProxySocks5 = "contexts.transport.proxy.socks5"
    case transportProxyUsername = "contexts.transport.proxy.username"
    case transportProxyPassword = "contexts.transport.proxy.password"
    case transportProxyHeaders = "contexts.transport.proxy.headers"
    case transportProxyFromEnvironment = "contexts.transport.proxy.fromEnvironment"
    case transportProxyTlsCaFile = "contexts.transport.proxy.tls.caFile"
    case transportProxyTlsServerName = "contexts.transport.proxy.tls.serverName"
    case transportProxyTlsInsecureSkipVerify = "contexts.transport.proxy.tls.insecureSkipVerify"
    case transportRedirects = "contexts.transport.redirects"
    case transportPrewarmMode = "contexts.transport.prewarm.mode"
    case transportPrewarmMaximum = "contexts.transport.prewarm.maximum"
    case transportPrewarmMaxAge = "contexts.transport.prewarm.maxAge"
    case tunnelName = "tunnels.name"
    case tunnelEnabled = "tunnels.enabled"
    case tunnelForward = "tunnels.forward"
    case targetForward = "tunnels.upstreams.forward"
    case targetWeight = "tunnels.upstreams.weight"
    case targetBackup = "tunnels.upstreams.backup"
    case upstreamConnectTimeout = "tunnels.upstream.connectTimeout"
    case upstreamHoldTimeout = "tunnels.upstream.holdTimeout"
    case upstreamProxyProtocol = "tunnels.upstream.proxyProtocol"
    case upstreamIdleTimeout = "tunnels.upstream.idleTimeout"
    case upstreamBalance = "tunnels.upstream.balance"
    case healthInterval = "tunnels.upstream.health.interval"
    case healthTimeout = "tunnels.upstream.health.timeout"
    case healthRise = "tunnels.upstream.health.rise"
    case healthFall = "tunnels.upstream.health.fall"
    case healthTcp = "tunnels.upstream.health.tcp"
    case healthHttpPath = "tunnels.upstream.health.http.path"
    case healthHttpHost = "tunnels.upstream.health.http.host"
    case healthHttpStatus = "tunnels.upstream.health.http.status"
    case healthOnUnhealthy = "tunnels.upstream.health.onUnhealthy"
    case upstreamTlsServerName = "tunnels.upstream.tls.serverName"
    case upstreamTlsCaFile = "tunnels.upstream.tls.caFile"
    case upstreamTlsInsecureSkipVerify = "tunnels.upstream.tls.insecureSkipVerify"
    case upstreamTlsCertificateFile = "tunnels.upstream.tls.certificateFile"
    case upstreamTlsKeyFile = "tunnels.upstream.tls.keyFile"
    case upstreamTlsKeyUri = "tunnels.upstream.tls.keyUri"
    case upstreamTlsKeyPinFile = "tunnels.upstream.tls.keyPinFile"
    case tunnelStreams = "tunnels.limits.streams"
    case tunnelDisposition = "tunnels.reload.changed"
    case tunnelInspect = "tunnels.inspect"
    case tunnelContext = "tunnels.context"
    case specPublish = "tunnels.tunnel.publish"
    case specProtocol = "tunnels.tunnel.protocol"
    case specType = "tunnels.tunnel.type"
    case specHost = "tunnels.tunnel.host"
    case specPort = "tunnels.tunnel.port"
    case specAllowCrossRegionRouting = "tunnels.tunnel.allowCrossRegionRouting"
    case specUpstreamTLS = "tunnels.tunnel.upstreamTLS"
    case specDatagramGuaranteedDelivery = "tunnels.tunnel.datagramGuaranteedDelivery"
    case specTrustedIPs = "tunnels.tunnel.trustedIPs"
    case specGeoip = "tunnels.tunnel.geoip"
    case specLabels = "tunnels.tunnel.labels"
    case specHttpVersion = "tunnels.tunnel.http.version"
    case specHttpAuthToken = "tunnels.tunnel.http.auth.token"
    case specHttpAuthRstream = "tunnels.tunnel.http.auth.rstream"
    case specHttpGateChallenge = "tunnels.tunnel.http.gate.challenge"
    case specHttpUpstreamTLS = "tunnels.tunnel.http.upstreamTLS"
    case specHttpTokenAuth = "tunnels.tunnel.http.tokenAuth"
    case specTlsMode = "tunnels.tunnel.tls.mode"
    case specTlsMinVersion = "tunnels.tunnel.tls.minVersion"
    case specTlsAlpns = "tunnels.tunnel.tls.alpns"
    case specTlsCiphers = "tunnels.tunnel.tls.ciphers"
    case specTlsMtls = "tunnels.tunnel.tls.mtls"
    case listenerName = "listeners.name"
    case listenerListen = "listeners.listen"
    case listenerDial = "listeners.dial"
    case listenerContext = "listeners.context"
    case listenerDialTimeout = "listeners.dialTimeout"
    case listenerStreams = "listeners.limits.streams"
    case listenerMode = "listeners.mode"
    case listenerGroup = "listeners.group"

    /// What a reload does when the key changes. This is the table.
    package var effect: ReloadEffect {
        switch self {
        case .version, .include, .clientConfig, .defaultContext, .tunnelOwners, .contextName:
            .reading
        case .watch, .adminSocket, .adminGroup, .adminMode, .adminReadGroup, .metricsListen, .pageListen, .pageHosts,
            .logLevel, .logFormat, .logStreams, .drainTimeout, .upgradeDrain, .reloadChanged, .reconnectMinimum,
            .reconnectMaximum, .reconnectRejected, .canaryInterval, .limitsStreams, .limitsPendingStreams,
            .limitsOpeningStreams, .limitsUnixUpstreams,
            .debugCoreDumps:
            .atOnce
        case .contextToken, .contextTokenFile, .contextTokenCredential, .contextMtlsCertificateFile,
            .contextMtlsKeyFile, .contextMtlsKeyUri, .contextMtlsKeyPinFile, .contextNoToken, .contextExternal,
            .contextExternalName, .transportMode, .transportUseQuic, .transportBindMode, .transportBindAddress,
            .transportBindInterface, .transportIpFamily, .transportMptcp, .transportDnsOverride, .transportDnsTls,
            .transportDnsServerName, .transportDnsDnssec, .transportTlsCaFile, .transportTlsServerName,
            .transportTlsInsecureSkipVerify,
            .transportProxyHttp, .transportProxySocks5, .transportProxyUsername, .transportProxyPassword,
            .transportProxyHeaders, .transportProxyFromEnvironment, .transportProxyTlsCaFile,
            .transportProxyTlsServerName, .transportProxyTlsInsecureSkipVerify, .transportRedirects,
            .transportPrewarmMode, .transportPrewarmMaximum, .transportPrewarmMaxAge:
            .reconnect
        case .targetWeight, .targetBackup, .upstreamBalance, .healthInterval, .healthTimeout, .healthRise, .healthFall,
            .healthTcp, .healthHttpPath, .healthHttpHost, .healthHttpStatus, .healthOnUnhealthy, .tunnelStreams,
            .tunnelDisposition, .tunnelInspect, .listenerDialTimeout, .listenerStreams, .listenerMode, .listenerGroup:
            .update
        case .tunnelForward, .targetForward, .upstreamConnectTimeout, .upstreamHoldTimeout, .upstreamProxyProtocol,
            .upstreamIdleTimeout, .upstreamTlsServerName, .upstreamTlsCaFile, .upstreamTlsInsecureSkipVerify,
            .upstreamTlsCertificateFile, .upstreamTlsKeyFile, .upstreamTlsKeyUri, .upstreamTlsKeyPinFile:
            .reroute
        case .contextEngine, .contextProjectEndpoint, .contextRegion, .contextApiUrl, .tunnelContext, .specPublish,
            .specProtocol, .specType, .specHost, .specPort, .specAllowCrossRegionRouting, .specUpstreamTLS,
            .specDatagramGuaranteedDelivery, .specTrustedIPs, .specGeoip, .specLabels, .specHttpVersion,
            .specHttpAuthToken, .specHttpAuthRstream, .specHttpGateChallenge, .specHttpUpstreamTLS,
            .specHttpTokenAuth, .specTlsMode, .specTlsMinVersion, .specTlsAlpns, .specTlsCiphers, .specTlsMtls,
            .listenerListen, .listenerDial, .listenerContext:
            .replace
        case .tunnelName, .tunnelEnabled, .listenerName: .presence
        }
    }

    /// The same for a tunnel or listener that stays with its session: another context that shares it is another name, and
    /// the engine sees nothing.
    package var effectWithinSession: ReloadEffect {
        self == .tunnelContext || self == .listenerContext ? .update : effect
    }
}

extension ConfigurationKey {
    /// The key that sets a property of a tunnel; nil for the name, which is the entry's own, and for what engines set.
    package init?(_ property: TunnelProperty) {
        switch property {
        case .id, .creationDate, .name, .host, .mtlsCACertPEM: return nil
        case .type: self = .specType
        case .publish: self = .specPublish
        case .protocol: self = .specProtocol
        case .labels: self = .specLabels
        case .geoip: self = .specGeoip
        case .trustedIPs: self = .specTrustedIPs
        case .tlsMode: self = .specTlsMode
        case .tlsALPNs: self = .specTlsAlpns
        case .tlsMinVersion: self = .specTlsMinVersion
        case .tlsCiphers: self = .specTlsCiphers
        case .mtlsAuth: self = .specTlsMtls
        case .httpVersion: self = .specHttpVersion
        case .httpUseTLS: self = .specHttpUpstreamTLS
        case .tokenAuth: self = .specHttpAuthToken
        case .rstreamAuth: self = .specHttpAuthRstream
        case .challengeMode: self = .specHttpGateChallenge
        case .hostname: self = .specHost
        case .port: self = .specPort
        case .upstreamTLS: self = .specUpstreamTLS
        case .datagramGuaranteedDelivery: self = .specDatagramGuaranteedDelivery
        case .allowCrossRegionRouting: self = .specAllowCrossRegionRouting
        }
    }
}

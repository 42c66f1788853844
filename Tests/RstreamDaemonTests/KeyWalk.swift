// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Logging
import RstreamConfig
import RstreamDaemonModel
import RstreamModel

/// Gives each key of a configuration another value than it has.
///
/// The configuration has the tunnels "web" and "db" and the listener "local", all of the context "main".
struct KeyWalk {
    /// Another port where something answers.
    let port: Int
    let folder: String

    /// Whether the key has a value of its own once files are read; others only say how to read them, or are another way to
    /// write what an other key says.
    static func hasValue(_ key: ConfigurationKey) -> Bool {
        switch key {
        case .version, .defaultContext, .contextExternal, .contextExternalName, .contextRegion, .contextApiUrl,
            .transportMode, .transportUseQuic, .transportBindMode, .transportDnsTls, .transportDnsDnssec,
            .specHttpTokenAuth:
            false
        // Whether a reload to a key in a device is refused depends on the libraries of this host (`HardwareKeyTests`).
        case .contextMtlsKeyUri, .contextMtlsKeyPinFile, .upstreamTlsKeyUri, .upstreamTlsKeyPinFile: false
        default: true
        }
    }

    /// One that every host has.
    private static let group = "root"

    /// What is changed; the key has to have a value.
    func change(_ key: ConfigurationKey, _ configuration: inout DaemonConfiguration) {
        if key.rawValue.hasPrefix("contexts.") {
            var context = configuration.tunnels[0].context
            change(key, &context)
            for index in configuration.tunnels.indices { configuration.tunnels[index].context = context }
            for index in configuration.listeners.indices { configuration.listeners[index].context = context }
            configuration.contexts = [context]
        } else if key.rawValue.hasPrefix("tunnels.") {
            change(key, &configuration.tunnels[0])
        } else {
            changeDaemon(key, &configuration)
        }
    }

    private func changeDaemon(_ key: ConfigurationKey, _ configuration: inout DaemonConfiguration) {
        switch key {
        case .include: configuration.includes = ["/etc/rstream/other.d/*.yaml"]
        case .clientConfig: configuration.clientConfig = "/etc/rstream/other.yaml"
        case .tunnelOwners: configuration.limits.tunnelOwners = ["nobody"]
        case .watch: configuration.watch = true
        case .adminSocket: configuration.admin.socket += "2"
        case .adminGroup: configuration.admin.group = Self.group
        case .adminMode: configuration.admin.mode = 0o600
        case .adminReadGroup: configuration.admin.readGroup = Self.group
        case .metricsListen: configuration.metrics = .tcp(host: "127.0.0.1", port: 0)
        case .pageListen: configuration.page.listen = .tcp(host: "127.0.0.1", port: 0)
        case .pageHosts: configuration.page.hosts = ["box.example"]
        case .logLevel: configuration.log.level = .debug
        case .logFormat: configuration.log.format = .journal
        case .logStreams: configuration.log.streams = true
        case .drainTimeout: configuration.drain.timeout += .seconds(1)
        case .upgradeDrain: configuration.upgrade.drain += .seconds(1)
        case .reloadChanged: configuration.reload = .keep
        case .reconnectMinimum: configuration.reconnect.minimum += .milliseconds(1)
        case .reconnectMaximum: configuration.reconnect.maximum += .milliseconds(1)
        case .reconnectRejected: configuration.reconnect.rejected += .milliseconds(1)
        case .canaryInterval: configuration.canary.interval = .seconds(3_600)
        case .limitsStreams: configuration.limits.streams = 100
        case .limitsPendingStreams: configuration.limits.pendingStreams = 9
        case .limitsOpeningStreams: configuration.limits.openingStreams = 9
        case .limitsUnixUpstreams: configuration.limits.unixUpstreams = [folder]
        case .debugCoreDumps: configuration.debug.coreDumps = true
        case .listenerName: configuration.listeners[0].name = "other"
        case .listenerListen: configuration.listeners[0].listen = .unix(path: "\(folder)/other.sock")
        case .listenerDial: configuration.listeners[0].target = "web"
        case .listenerContext:
            configuration.listeners[0].context.name = "second"
            configuration.listeners[0].context.transport.multipath = true
        case .listenerDialTimeout: configuration.listeners[0].options.dialTimeout += .seconds(1)
        case .listenerStreams: configuration.listeners[0].options.streamLimit = 99
        case .listenerMode: configuration.listeners[0].options.rights.mode = 0o600
        case .listenerGroup: configuration.listeners[0].options.rights.group = "nobody-has-this-group"
        default: break
        }
    }

    private func change(_ key: ConfigurationKey, _ context: inout ContextDefinition) {
        let nowhere = EngineAddress.of("127.0.0.1:9")
        let http = Proxy(route: .http(nowhere), credentials: .init(username: "a", password: Secret("b")))
        switch key {
        case .contextName: context.name = "renamed"
        case .contextEngine: context.engine = .address(nowhere)
        case .contextProjectEndpoint:
            context.engine = .project(ManagedProject(apiURL: "http://127.0.0.1:9", endpoint: "project"))
        case .contextToken: context.credential = .token(Secret("another"))
        case .contextTokenFile: context.credential = .tokenFile(path: "\(folder)/token")
        case .contextTokenCredential: context.credential = .tokenCredential(path: "\(folder)/token")
        case .contextMtlsCertificateFile, .contextMtlsKeyFile:
            context.credential = .clientCertificate(
                certificateFile: "\(folder)/\(key)",
                keyFile: "\(folder)/\(key)"
            )
        case .contextNoToken: context.credential = .none
        case .transportBindAddress: context.transport.bind = IPAddress("127.0.0.1").map { .address($0) }
        case .transportBindInterface: context.transport.bind = .interface("lo")
        case .transportIpFamily: context.transport.ipFamily = .ipv4
        case .transportMptcp: context.transport.multipath.toggle()
        case .transportDnsOverride: context.transport.dns = .init(server: nowhere)
        case .transportDnsServerName: context.transport.dns = .init(server: nowhere, tlsServerName: "dns.test")
        case .transportTlsCaFile: context.transport.tls.caFile = nil
        case .transportTlsServerName: context.transport.tls.serverName = "other.test"
        case .transportTlsInsecureSkipVerify: context.transport.tls.insecureSkipVerify.toggle()
        case .transportProxyHttp: context.transport.proxy = http
        case .transportProxySocks5: context.transport.proxy = Proxy(route: .socks5(nowhere))
        case .transportProxyFromEnvironment: context.transport.proxy = Proxy(route: .environment(ProxyEnvironment()))
        case .transportProxyUsername:
            context.transport.proxy = http
            context.transport.proxy?.credentials?.username = "other"
        case .transportProxyPassword:
            context.transport.proxy = http
            context.transport.proxy?.credentials?.password = Secret("other")
        case .transportProxyHeaders: context.transport.proxy = Proxy(route: .http(nowhere), headers: ["X-A": "b"])
        case .transportProxyTlsCaFile, .transportProxyTlsServerName, .transportProxyTlsInsecureSkipVerify:
            let tls = TransportOptions.TLS(
                caFile: key == .transportProxyTlsCaFile ? context.transport.tls.caFile : nil,
                serverName: key == .transportProxyTlsServerName ? "proxy.test" : nil,
                insecureSkipVerify: key == .transportProxyTlsInsecureSkipVerify
            )
            context.transport.proxy = Proxy(route: .https(nowhere), tls: tls)
        case .transportRedirects: context.transport.redirects = .any
        case .transportPrewarmMode: context.transport.prewarm = .init(mode: .off)
        case .transportPrewarmMaximum: context.transport.prewarm = .init(maximum: 1)
        case .transportPrewarmMaxAge: context.transport.prewarm = .init(maxAge: .seconds(60))
        default: break
        }
    }

    private func change(_ key: ConfigurationKey, _ tunnel: inout TunnelDefinition) {
        switch key {
        case .tunnelName: tunnel.name = "renamed"
        case .tunnelEnabled: tunnel.isEnabled.toggle()
        case .tunnelForward: tunnel.upstream = .tcp(host: "127.0.0.1", service: "\(port)")
        case .targetForward: tunnel.targets.append(UpstreamTarget(.tcp(host: "127.0.0.1", service: "\(port)")))
        case .targetWeight: tunnel.targets[0].weight = 2
        case .targetBackup: tunnel.targets[0].isBackup.toggle()
        case .tunnelContext:
            tunnel.context.name = "second"
            tunnel.context.transport.multipath.toggle()
        case .tunnelStreams: tunnel.streamLimit = 99
        case .tunnelDisposition: tunnel.disposition = tunnel.disposition == .keep ? .drain : .keep
        case .tunnelInspect: tunnel.isInspected.toggle()
        case .upstreamConnectTimeout: tunnel.options.connectTimeout += .seconds(1)
        case .upstreamHoldTimeout: tunnel.options.holdTimeout += .seconds(1)
        case .upstreamProxyProtocol: tunnel.options.proxyProtocol = .v2
        case .upstreamIdleTimeout: tunnel.options.idleTimeout = .seconds(600)
        case .upstreamBalance: tunnel.options.balance = .leastStreams
        case .healthInterval: tunnel.options.health = UpstreamHealthOptions(interval: .seconds(99))
        case .healthTimeout: tunnel.options.health = UpstreamHealthOptions(timeout: .seconds(9))
        case .healthRise: tunnel.options.health = UpstreamHealthOptions(rise: 9)
        case .healthFall: tunnel.options.health = UpstreamHealthOptions(fall: 9)
        case .healthTcp: tunnel.options.health = UpstreamHealthOptions()
        case .healthHttpPath: tunnel.options.health = UpstreamHealthOptions(check: .http(.init(path: "/health")))
        case .healthHttpHost: tunnel.options.health = UpstreamHealthOptions(check: .http(.init(host: "app.test")))
        case .healthHttpStatus: tunnel.options.health = UpstreamHealthOptions(check: .http(.init(statuses: 204...204)))
        case .healthOnUnhealthy: tunnel.options.health = UpstreamHealthOptions(onUnhealthy: .close)
        case .upstreamTlsServerName: tunnel.options.tls = UpstreamTLSOptions(.init(serverName: "app.test"))
        case .upstreamTlsCaFile: tunnel.options.tls = UpstreamTLSOptions(.init(caFile: "\(folder)/ca.pem"))
        case .upstreamTlsInsecureSkipVerify:
            tunnel.options.tls = UpstreamTLSOptions(.init(insecureSkipVerify: true))
        case .upstreamTlsCertificateFile, .upstreamTlsKeyFile:
            let pair = "\(folder)/\(key)"
            tunnel.options.tls = UpstreamTLSOptions(
                credential: .clientCertificate(certificateFile: pair, keyFile: pair)
            )
        default: change(key, &tunnel.spec)
        }
    }

    private func change(_ key: ConfigurationKey, _ spec: inout TunnelSpec) {
        switch key {
        case .specPublish: spec = TunnelSpec(name: spec.name, publish: false)
        case .specProtocol: spec.protocol = .http
        case .specType: spec = TunnelSpec(name: spec.name, type: .bytestream, publish: false)
        case .specHost: spec.hostname = "other.test"
        case .specPort: spec.port = 1
        case .specAllowCrossRegionRouting: spec.allowCrossRegionRouting = true
        case .specUpstreamTLS: spec.upstreamTLS = true
        case .specDatagramGuaranteedDelivery: spec.datagramGuaranteedDelivery = true
        case .specTrustedIPs: spec.trustedIPs = ["127.0.0.0/8"]
        case .specGeoip: spec.geoip = ["FR"]
        case .specLabels: spec.labels["color"] = "blue"
        case .specHttpVersion: spec.http.version = .http11
        case .specHttpAuthToken: spec.http.tokenAuth = true
        case .specHttpAuthRstream: spec.http.rstreamAuth = true
        case .specHttpGateChallenge: spec.http.challenge = true
        case .specHttpUpstreamTLS: spec.httpUseTLS = true
        case .specTlsMode: spec.tls.mode = .terminated
        case .specTlsMinVersion: spec.tls.minVersion = .tls13
        case .specTlsAlpns: spec.tls.alpns = ["h2"]
        case .specTlsCiphers: spec.tls.ciphers = ["TLS_AES_128_GCM_SHA256"]
        case .specTlsMtls: spec.tls.mtls = true
        default: break
        }
    }
}

extension EngineAddress {
    /// An address that is one.
    fileprivate static func of(_ text: StaticString) -> EngineAddress {
        guard let address = try? EngineAddress("\(text)") else { preconditionFailure("\(text) is an address") }
        return address
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamAdmin
internal import RstreamConfig
internal import RstreamCore
internal import RstreamDaemonModel
internal import RstreamModel

/// `GET /v1/config`: the running configuration with the keys and units of the files, every default filled in, and
/// secrets as `***`. It is a valid configuration with the content of included files merged, so `include` is empty.
///
/// Every field is listed here, and one that may hold a secret (tokens, keys, passwords, headers) is listed as `***`; a
/// new field of the configuration stays hidden until it is added.
///
/// Tunnels that were opened by hand are not part of it: they are listed under `tunnelsByHand`, where there are any.
struct ConfigurationDocument: Encodable, Sendable {
    let value: JSONValue

    init(_ configuration: DaemonConfiguration) {
        let contexts = Dictionary(configuration.contexts.map { ($0.name, $0) }) { first, _ in first }
        let byHand = configuration.tunnels.filter { $0.byHand != nil }
        value = .fields([
            "version": .integer(1),
            "include": .array([]),
            "clientConfig": configuration.clientConfig.map { .text($0) },
            "contexts": .object(
                Dictionary(configuration.contexts.map { ($0.name, Self.context($0)) }) { first, _ in first }
            ),
            "tunnels": .array(configuration.tunnels.filter { $0.byHand == nil }.map { Self.tunnel($0, contexts) }),
            "tunnelsByHand": byHand.isEmpty ? nil : .array(byHand.map { Self.tunnel($0, contexts) }),
            "listeners": .array(configuration.listeners.map { Self.listener($0, contexts) }),
            "watch": .bool(configuration.watch),
            "admin": .fields([
                "socket": .text(configuration.admin.hasSocket ? configuration.admin.socket : "none"),
                "group": .text(configuration.admin.group),
                "mode": Self.mode(configuration.admin.mode),
                "readGroup": configuration.admin.readGroup.map { .text($0) },
            ]),
            "metrics": configuration.metrics.map { .object(["listen": .text($0.description)]) },
            "page": configuration.page == PageSettings() ? nil : Self.page(configuration.page),
            "log": .object([
                "level": .text(configuration.log.level.rawValue), "format": .text(configuration.log.format.rawValue),
                "streams": .bool(configuration.log.streams),
            ]),
            "drain": .object(["timeout": Self.duration(configuration.drain.timeout)]),
            "upgrade": .object(["drain": Self.duration(configuration.upgrade.drain)]),
            "reload": .object(["changed": .text(configuration.reload.rawValue)]),
            "reconnect": .object([
                "minimum": Self.duration(configuration.reconnect.minimum),
                "maximum": Self.duration(configuration.reconnect.maximum),
                "rejected": Self.duration(configuration.reconnect.rejected),
            ]),
            "canary": configuration.canary.interval.map { .object(["interval": Self.duration($0)]) },
            "limits": .object([
                "streams": .integer(configuration.limits.streams),
                "pendingStreams": .integer(configuration.limits.pendingStreams),
                "openingStreams": .integer(configuration.limits.openingStreams),
                "unixUpstreams": .array(configuration.limits.unixUpstreams.map { .text($0) }),
                "tunnelOwners": .array(configuration.limits.tunnelOwners.map { .text($0) }),
            ]),
            "debug": .object(["coreDumps": .bool(configuration.debug.coreDumps)]),
        ])
    }

    func encode(to encoder: any Encoder) throws {
        try value.encode(to: encoder)
    }

    private static let hidden = JSONValue.text("***")

    private static func duration(_ duration: Duration) -> JSONValue { .text(duration.configured) }

    private static func mode(_ mode: UInt32) -> JSONValue {
        let digits = String(mode, radix: 8)
        return .text(String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits)
    }

    private static func hidden(_ headers: [String: String]) -> JSONValue? {
        headers.isEmpty ? nil : .object(headers.mapValues { _ in hidden })
    }

    private static func page(_ page: PageSettings) -> JSONValue {
        .fields(["listen": page.listen.map { .text($0.description) }, "hosts": texts(page.hosts)])
    }

    // MARK: Contexts

    private static func context(_ context: ContextDefinition) -> JSONValue {
        var fields: [String: JSONValue?] = [:]
        switch context.engine {
        case .address(let address): fields["engine"] = .text(address.description)
        case .project(let project):
            fields["apiUrl"] = .text(project.apiURL.withoutUser)
            fields["projectEndpoint"] = .text(project.endpoint)
            fields["region"] = project.region.map { .text($0) }
        }
        switch context.credential {
        case .token: fields["token"] = hidden
        case .tokenFile(let path): fields["tokenFile"] = .text(path)
        case .tokenCredential(let path): fields["tokenCredential"] = .text(Path.name(of: path))
        case .clientCertificate(let certificate, let key):
            fields["mtls"] = .object(["certificateFile": .text(certificate), "keyFile": .text(key)])
        case .hardwareKey(let certificate, let key):
            fields["mtls"] = .fields([
                "certificateFile": .text(certificate), "keyUri": .text(key.uri),
                "keyPinFile": key.pinFile.map { .text($0) },
            ])
        case .clientCertificatePEM: fields["mtls"] = .object(["certificateFile": hidden, "keyFile": hidden])
        case .none: fields["noToken"] = .bool(true)
        }
        fields["transport"] = transport(context.transport)
        return .fields(fields)
    }

    private static func transport(_ transport: TransportOptions) -> JSONValue {
        .fields([
            "bind": transport.bind.map { bind in
                switch bind {
                case .address(let address):
                    .object(["mode": .text("address"), "address": .text(address.description)])
                case .interface(let name): .object(["mode": .text("interface"), "interface": .text(name)])
                }
            },
            "ipFamily": transport.ipFamily.map { .text($0.rawValue) },
            "mptcp": .bool(transport.multipath),
            "dns": transport.dns.map { dns in
                .fields([
                    "override": .text(dns.server.description), "tls": .bool(dns.tlsServerName != nil),
                    "serverName": dns.tlsServerName.map { .text($0) },
                ])
            },
            "tls": tls(transport.tls),
            "proxy": transport.proxy.map(proxy),
            "redirects": .text(transport.redirects.rawValue),
            "prewarm": .object([
                "mode": .text(transport.prewarming.mode.rawValue),
                "maximum": .integer(transport.prewarming.maximum),
                "maxAge": duration(transport.prewarming.maxAge),
            ]),
        ])
    }

    private static func tls(_ tls: TransportOptions.TLS) -> JSONValue {
        .fields([
            "caFile": tls.caFile.map { .text($0) }, "serverName": tls.serverName.map { .text($0) },
            "insecureSkipVerify": .bool(tls.insecureSkipVerify),
        ])
    }

    private static func proxy(_ proxy: Proxy) -> JSONValue {
        var (http, socks5): (String?, String?)
        switch proxy.route {
        case .http(let address): http = "http://\(address)"
        case .https(let address): http = "https://\(address)"
        case .socks5(let address): socks5 = "socks5://\(address)"
        case .environment: break
        }
        return .fields([
            "http": http.map { .text($0) },
            "socks5": socks5.map { .text($0) },
            "fromEnvironment": .bool(http == nil && socks5 == nil),
            "username": proxy.credentials.map { .text($0.username) },
            "password": proxy.credentials.map { _ in hidden },
            "headers": hidden(proxy.headers),
            // A plaintext proxy has no TLS settings.
            "tls": proxy.tls == TransportOptions.TLS() ? nil : tls(proxy.tls),
        ])
    }

    // MARK: Tunnels and listeners

    /// The name of a context, or the whole context where an entry defines its own.
    private static func reference(_ context: ContextDefinition, _ contexts: [String: ContextDefinition]) -> JSONValue {
        contexts[context.name]?.identity == context.identity ? .text(context.name) : self.context(context)
    }

    private static func tunnel(_ tunnel: TunnelDefinition, _ contexts: [String: ContextDefinition]) -> JSONValue {
        .fields([
            "name": .text(tunnel.name),
            "context": reference(tunnel.context, contexts),
            "forward": tunnel.upstream.map { .text($0.description) },
            "upstreams": tunnel.upstream == nil ? .array(tunnel.targets.map(target)) : nil,
            "enabled": .bool(tunnel.isEnabled),
            "upstream": upstream(tunnel.options),
            "limits": .object(["streams": .integer(tunnel.streamLimit)]),
            "reload": .object(["changed": .text(tunnel.disposition.rawValue)]),
            "inspect": .bool(tunnel.isInspected),
            "tunnel": spec(tunnel.spec),
        ])
    }

    private static func target(_ target: UpstreamTarget) -> JSONValue {
        .object([
            "forward": .text(target.address.description), "weight": .integer(target.weight),
            "backup": .bool(target.isBackup),
        ])
    }

    private static func upstream(_ options: UpstreamOptions) -> JSONValue {
        .fields([
            "connectTimeout": duration(options.connectTimeout),
            "holdTimeout": duration(options.holdTimeout),
            "idleTimeout": duration(options.idleTimeout ?? .zero),
            "proxyProtocol": .text(options.proxyProtocol?.rawValue ?? "none"),
            "balance": .text(options.balance.rawValue),
            "health": options.health.map(health),
            "tls": options.tls.map(tls),
        ])
    }

    private static func tls(_ options: UpstreamTLSOptions) -> JSONValue {
        .fields([
            "serverName": options.tls.serverName.map { .text($0) },
            "caFile": options.tls.caFile.map { .text($0) },
            "insecureSkipVerify": .bool(options.tls.insecureSkipVerify),
            "certificateFile": options.certificateFile.map { .text($0) },
            "keyFile": options.keyFile.map { .text($0) },
            "keyUri": options.hardwareKey.map { .text($0.uri) },
            "keyPinFile": (options.hardwareKey?.pinFile).map { .text($0) },
        ])
    }

    private static func health(_ health: UpstreamHealthOptions) -> JSONValue {
        var http: JSONValue?
        if case .http(let check) = health.check {
            let (first, last) = (check.statuses.lowerBound, check.statuses.upperBound)
            http = .object([
                "path": .text(check.path), "host": .text(check.host),
                "status": .text(first == last ? "\(first)" : "\(first)-\(last)"),
            ])
        }
        return .fields([
            "interval": duration(health.interval),
            "timeout": duration(health.timeout),
            "rise": .integer(health.rise),
            "fall": .integer(health.fall),
            "tcp": http == nil ? .bool(true) : nil,
            "http": http,
            "onUnhealthy": .text(health.onUnhealthy.rawValue),
        ])
    }

    private static func spec(_ spec: TunnelSpec) -> JSONValue {
        .fields([
            "publish": spec.publish.map { .bool($0) },
            "protocol": spec.protocol.map { .text($0.rawValue) },
            "type": spec.type.map { .text($0.rawValue) },
            "host": spec.hostname.map { .text($0) },
            "port": spec.port.map { .integer($0) },
            "allowCrossRegionRouting": spec.allowCrossRegionRouting.map { .bool($0) },
            "upstreamTLS": spec.upstreamTLS.map { .bool($0) },
            "datagramGuaranteedDelivery": spec.datagramGuaranteedDelivery.map { .bool($0) },
            "trustedIPs": texts(spec.trustedIPs),
            "geoip": texts(spec.geoip),
            "labels": spec.labels.isEmpty ? nil : .object(spec.labels.mapValues { .text($0) }),
            "http": http(spec),
            "tls": tls(spec.tls),
        ])
    }

    private static func http(_ spec: TunnelSpec) -> JSONValue? {
        let auth: [String: JSONValue?] = [
            "token": spec.http.tokenAuth.map { .bool($0) }, "rstream": spec.http.rstreamAuth.map { .bool($0) },
        ]
        return some([
            "version": spec.http.version.map { .text($0.rawValue) },
            "upstreamTLS": spec.httpUseTLS.map { .bool($0) },
            "auth": some(auth),
            "gate": some(["challenge": spec.http.challenge.map { .bool($0) }]),
        ])
    }

    private static func tls(_ tls: TunnelSpec.TLS) -> JSONValue? {
        some([
            "mode": tls.mode.map { .text($0.rawValue) },
            "minVersion": tls.minVersion.map { .text($0.rawValue) },
            "alpns": texts(tls.alpns),
            "ciphers": texts(tls.ciphers),
            "mtls": tls.mtls.map { .bool($0) },
        ])
    }

    private static func texts(_ texts: [String]) -> JSONValue? {
        texts.isEmpty ? nil : .array(texts.map { .text($0) })
    }

    /// Nil if no field is set.
    private static func some(_ fields: [String: JSONValue?]) -> JSONValue? {
        fields.values.contains { $0 != nil } ? .fields(fields) : nil
    }

    private static func listener(_ listener: ListenerDefinition, _ contexts: [String: ContextDefinition]) -> JSONValue {
        let rights: SocketRights? = if case .unix = listener.listen { listener.options.rights } else { nil }
        return .fields([
            "name": .text(listener.name),
            "listen": .text(listener.listen.description),
            "dial": .text(listener.target),
            "context": reference(listener.context, contexts),
            "dialTimeout": duration(listener.options.dialTimeout),
            "limits": .object(["streams": .integer(listener.options.streamLimit)]),
            "mode": rights.map { mode($0.mode) },
            "group": rights?.group.map { .text($0) },
        ])
    }
}

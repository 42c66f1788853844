internal import RstreamAdmin
internal import RstreamConfig
internal import RstreamCore
internal import RstreamModel

/// `GET /v1/config`: the configuration that runs, in the keys of the files, with every default filled in, durations in
/// seconds, and secrets as `***`.
///
/// What is named here is shown; whatever may hold a secret (tokens, keys, passwords, headers) is named as `***` only, so
/// a new field of the configuration is hidden until somebody shows it.
struct ConfigurationDocument: Encodable, Sendable {
    private let value: JSONValue

    init(_ configuration: DaemonConfiguration) {
        value = .object([
            "version": .integer(1),
            "files": .array(configuration.files.map { .text($0) }),
            "include": .array(configuration.includes.map { .text($0) }),
            "clientConfig": JSONValue(configuration.clientConfig),
            "contexts": .object(
                Dictionary(configuration.contexts.map { ($0.name, Self.context($0)) }) { first, _ in first }
            ),
            "tunnels": .array(configuration.tunnels.map(Self.tunnel)),
            "listeners": .array(configuration.listeners.map(Self.listener)),
            "watch": .bool(configuration.watch),
            "admin": .object([
                "socket": .text(configuration.admin.socket),
                "group": .text(configuration.admin.group),
                "mode": .text("0" + String(configuration.admin.mode, radix: 8)),
            ]),
            "metrics": configuration.metrics.map { .object(["listen": .text($0.description)]) } ?? .null,
            "log": .object([
                "level": .text(configuration.log.level.rawValue), "format": .text(configuration.log.format.rawValue),
            ]),
            "drain": .object(["timeout": Self.seconds(configuration.drain.timeout)]),
            "reload": .object(["changed": .text(configuration.reload.rawValue)]),
            "reconnect": .object([
                "minimum": Self.seconds(configuration.reconnect.minimum),
                "maximum": Self.seconds(configuration.reconnect.maximum),
                "rejected": Self.seconds(configuration.reconnect.rejected),
            ]),
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

    private static func seconds(_ duration: Duration) -> JSONValue { .number(duration.inSeconds) }

    private static func hidden(_ headers: [String: String]) -> JSONValue? {
        headers.isEmpty ? nil : .object(headers.mapValues { _ in hidden })
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
            fields["headers"] = hidden(project.headers)
        }
        switch context.credential {
        case .token: fields["token"] = hidden
        case .tokenFile(let path): fields["tokenFile"] = .text(path)
        case .tokenCredential(let path): fields["tokenCredential"] = .text(path)
        case .clientCertificate(let certificate, let key):
            fields["mtls"] = .object(["certificateFile": .text(certificate), "keyFile": .text(key)])
        case .clientCertificatePEM: fields["mtls"] = .object(["certificate": hidden, "key": hidden])
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
            "tls": tls(proxy.tls),
        ])
    }

    // MARK: Tunnels and listeners

    private static func tunnel(_ tunnel: TunnelDefinition) -> JSONValue {
        let properties = PropertiesReport(tunnel.spec.properties)
        let encoded = (try? AdminJSON.encode(properties)).flatMap { try? AdminJSON.decode(JSONValue.self, from: $0) }
        return .object([
            "name": .text(tunnel.name),
            "context": .text(tunnel.context.name),
            "forward": .text(tunnel.upstream.description),
            "enabled": .bool(tunnel.isEnabled),
            "upstream": .object([
                "connectTimeout": seconds(tunnel.options.connectTimeout),
                "holdTimeout": seconds(tunnel.options.holdTimeout),
                "idleTimeout": seconds(tunnel.options.idleTimeout ?? .zero),
                "proxyProtocol": .text(tunnel.options.proxyProtocol?.rawValue ?? "none"),
            ]),
            "limits": .object(["streams": .integer(tunnel.streamLimit)]),
            "reload": .object(["changed": .text(tunnel.fate.rawValue)]),
            "tunnel": encoded ?? .null,
        ])
    }

    private static func listener(_ listener: ListenerDefinition) -> JSONValue {
        .object([
            "name": .text(listener.name),
            "listen": .text(listener.listen.description),
            "dial": .text(listener.target),
            "context": .text(listener.context.name),
        ])
    }
}

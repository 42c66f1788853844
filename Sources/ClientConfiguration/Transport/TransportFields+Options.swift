package import RstreamModel

/// The rules for `transport`, the same wherever it stands (CONFIG.md §7, §8).
extension TransportFields {
    private enum Mode: String {
        case auto
        case tls
        case quic
    }

    /// What the fields ask for. Every mistake is added to `mistakes`, and the options are then of no use.
    ///
    /// `environment` is looked at for `proxy.fromEnvironment` only.
    package func options(environment: [String: String], mistakes: inout [SettingMistake]) -> TransportOptions {
        checkMode(&mistakes)
        let family = family(&mistakes)
        return TransportOptions(
            bind: bind(family, &mistakes),
            ipFamily: family,
            multipath: multipath ?? false,
            dns: dns(&mistakes),
            tls: tls.options("tls", &mistakes),
            proxy: proxy.options(environment: environment, &mistakes)
        )
    }

    /// Only TLS is spoken here, which `auto` allows.
    private func checkMode(_ mistakes: inout [SettingMistake]) {
        guard let text = mode.filled else {
            if useQUIC == true { mistakes.append(Self.quic("useQuic")) }
            return
        }
        switch Mode(rawValue: text.lowercased()) {
        case .auto, .tls: break
        case .quic: mistakes.append(Self.quic("mode"))
        case nil:
            mistakes.append(
                SettingMistake(
                    "mode",
                    "invalid tunnel transport \"\(text.shortened)\"",
                    fix: "valid: auto, tls, quic"
                )
            )
        }
    }

    private static func quic(_ key: String) -> SettingMistake {
        SettingMistake(
            key,
            "transport QUIC is not supported",
            fix: "use mode: tls, or auto, which chooses it",
            code: .unsupportedTransport
        )
    }

    private func family(_ mistakes: inout [SettingMistake]) -> TransportOptions.IPFamily? {
        guard let text = ipFamily.filled else { return nil }
        let family = TransportOptions.IPFamily(rawValue: text.lowercased())
        if family == nil {
            mistakes.append(
                SettingMistake("ipFamily", "unknown ipFamily \"\(text.shortened)\"", fix: "valid: ipv4, ipv6")
            )
        }
        return family
    }

    private func bind(
        _ family: TransportOptions.IPFamily?,
        _ mistakes: inout [SettingMistake]
    ) -> TransportOptions.Bind? {
        switch bind.mode.filled?.lowercased() {
        case "interface":
            guard let interface = bind.interface.filled else {
                mistakes.append(SettingMistake("bind.mode", "bind.interface is required with bind.mode: interface"))
                return nil
            }
            return .interface(interface)
        case nil, "address":
            guard let text = bind.address.filled else { return nil }
            guard let address = IPAddress(text) else {
                mistakes.append(
                    SettingMistake(
                        "bind.address",
                        "bind.address \"\(text.shortened)\" is not an IP address",
                        fix: "for the name of an interface write mode: interface"
                    )
                )
                return nil
            }
            let own: TransportOptions.IPFamily = if case .v4 = address { .ipv4 } else { .ipv6 }
            if let family, family != own {
                mistakes.append(
                    SettingMistake(
                        "bind.address",
                        "bind.address is no \(family.rawValue) address, which ipFamily asks for"
                    )
                )
            }
            return .address(address)
        case let mode?:
            mistakes.append(
                SettingMistake("bind.mode", "unknown bind.mode \"\(mode.shortened)\"", fix: "valid: address, interface")
            )
            return nil
        }
    }

    private func dns(_ mistakes: inout [SettingMistake]) -> TransportOptions.DNS? {
        if dns.dnssec == true {
            mistakes.append(
                SettingMistake(
                    "dns.dnssec",
                    "dns.dnssec is not supported",
                    fix: "remove it, or let a resolver of this host validate",
                    code: .unsupportedConfig
                )
            )
        }
        let isTLS = dns.tls ?? false
        guard let text = dns.override.filled else {
            if isTLS { mistakes.append(SettingMistake("dns.tls", "dns.tls requires dns.override")) }
            return nil
        }
        let server: EngineAddress
        do throws(EngineAddress.Malformed) {
            server = try EngineAddress(text, defaultPort: isTLS ? 853 : 53)
        } catch {
            mistakes.append(
                SettingMistake("dns.override", "dns.override \(error.description)", fix: "expected host or host:port")
            )
            return nil
        }
        guard isTLS else { return TransportOptions.DNS(server: server) }
        if let name = dns.serverName.filled {
            guard Hostname.isValid(name) else {
                mistakes.append(SettingMistake("dns.serverName", "dns.serverName is not a host name"))
                return nil
            }
            return TransportOptions.DNS(server: server, tlsServerName: name)
        }
        guard !server.isIPLiteral else {
            mistakes.append(
                SettingMistake("dns.tls", "dns.serverName is required with dns.tls when dns.override is an IP address")
            )
            return nil
        }
        return TransportOptions.DNS(server: server, tlsServerName: server.host)
    }
}

extension TransportFields.TLS {
    fileprivate func options(_ key: String, _ mistakes: inout [SettingMistake]) -> TransportOptions.TLS {
        let name = serverName.filled
        if let name, !Hostname.isValid(name), IPAddress(name) == nil {
            mistakes.append(SettingMistake("\(key).serverName", "\(key).serverName is not a host name"))
        }
        return TransportOptions.TLS(
            caFile: caFile.filled,
            serverName: name,
            insecureSkipVerify: insecureSkipVerify ?? false
        )
    }
}

extension TransportFields.Proxy {
    fileprivate func options(environment: [String: String], _ mistakes: inout [SettingMistake]) -> Proxy? {
        let tls = tls.options("proxy.tls", &mistakes)
        checkHeaders(&mistakes)
        switch (http.filled, socks5.filled) {
        case (_?, _?):
            mistakes.append(SettingMistake("proxy.socks5", "only one proxy transport can be configured"))
            return nil
        case (let http?, nil):
            guard let url = url(http, "proxy.http", among: [.http, .https], named: "HTTP", &mistakes) else {
                return nil
            }
            if self.tls.isSet, url.scheme == .http {
                mistakes.append(
                    SettingMistake("proxy.tls", "cannot use TLS with HTTP proxy", fix: "write https:// in proxy.http")
                )
            }
            return Proxy(route: url.route, credentials: credentials(url, &mistakes), headers: headers, tls: tls)
        case (nil, let socks5?):
            if self.tls.isSet {
                mistakes.append(
                    SettingMistake(
                        "proxy.tls",
                        "proxy TLS configuration can only be used with proxy.http or proxy.fromEnvironment"
                    )
                )
            }
            if !headers.isEmpty {
                mistakes.append(
                    SettingMistake("proxy.headers", "proxy HTTP headers cannot be used with SOCKS5 proxy")
                )
            }
            // Without a scheme it would be taken for the other kind.
            let text = socks5.contains("://") ? socks5 : "socks5://\(socks5)"
            guard let url = url(text, "proxy.socks5", among: [.socks5, .socks5h], named: "SOCKS5", &mistakes) else {
                return nil
            }
            return Proxy(route: url.route, credentials: credentials(url, &mistakes))
        case (nil, nil):
            guard fromEnvironment == true else {
                if self.tls.isSet {
                    mistakes.append(
                        SettingMistake(
                            "proxy.tls",
                            "proxy TLS configuration requires proxy.http or proxy.fromEnvironment"
                        )
                    )
                }
                return nil
            }
            guard let proxies = ProxyEnvironment(environment, &mistakes) else { return nil }
            return Proxy(
                route: .environment(proxies),
                credentials: credentials(proxies.proxy, &mistakes),
                headers: headers,
                tls: tls
            )
        }
    }

    private func url(
        _ text: String,
        _ key: String,
        among schemes: Set<ProxyURL.Scheme>,
        named kind: String,
        _ mistakes: inout [SettingMistake]
    ) -> ProxyURL? {
        func unsupported(_ scheme: String) -> SettingMistake {
            SettingMistake(
                key,
                "unsupported \(kind) proxy scheme \"\(scheme.shortened)\"",
                fix: "valid: \(schemes.map(\.rawValue).sorted().joined(separator: ", "))"
            )
        }
        do throws(ProxyURL.Malformed) {
            let url = try ProxyURL(text)
            guard schemes.contains(url.scheme) else {
                mistakes.append(unsupported(url.scheme.rawValue))
                return nil
            }
            return url
        } catch {
            if case .scheme(let scheme) = error {
                mistakes.append(unsupported(scheme))
            } else {
                mistakes.append(SettingMistake(key, "\(key) \(error.description)", fix: "expected scheme://host:port"))
            }
            return nil
        }
    }

    /// The keys' credentials, else those in the URL.
    private func credentials(_ url: ProxyURL?, _ mistakes: inout [SettingMistake]) -> Proxy.Credentials? {
        let password = password.flatMap { $0.isBlank ? nil : $0 }
        guard let username = username.filled else {
            if password != nil {
                mistakes.append(SettingMistake("proxy.password", "proxy.password is set without proxy.username"))
            }
            return url?.credentials
        }
        // Basic authentication splits name and password at the first colon (RFC 7617 §2).
        if username.contains(":"), url?.scheme == .http || url?.scheme == .https {
            mistakes.append(SettingMistake("proxy.username", "proxy.username must not contain \":\""))
        }
        return Proxy.Credentials(username: username, password: password ?? Secret(""))
    }

    private func checkHeaders(_ mistakes: inout [SettingMistake]) {
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
            if !name.isHeaderName {
                mistakes.append(SettingMistake("proxy.headers", "invalid proxy header name \"\(name.shortened)\""))
            } else if value.hasControlCharacter {
                mistakes.append(SettingMistake("proxy.headers.\(name)", "invalid value for proxy header \"\(name)\""))
            }
        }
    }
}

extension ProxyEnvironment {
    private static let variables = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"]

    /// Reads the proxy variables; nil when one of them is wrong, which is a mistake of `proxy.fromEnvironment`.
    fileprivate init?(_ environment: [String: String], _ mistakes: inout [SettingMistake]) {
        func value(_ name: String) -> String? { environment[name].filled ?? environment[name.lowercased()].filled }
        let exceptions = ProxyException.list(value("NO_PROXY") ?? "")
        guard let name = Self.variables.first(where: { value($0) != nil }), let text = value(name) else {
            self.init(exceptions: exceptions)
            return
        }
        do throws(ProxyURL.Malformed) {
            self.init(proxy: try ProxyURL(text), exceptions: exceptions)
        } catch {
            mistakes.append(
                SettingMistake("proxy.fromEnvironment", "environment variable \(name) \(error.description)")
            )
            return nil
        }
    }
}

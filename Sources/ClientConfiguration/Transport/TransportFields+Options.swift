// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// The rules for `transport`, the same in whichever file it stands (CONFIG.md §7, §8). Readers differ only in how they
/// come to the fields, and in what they say about the place of a mistake.
extension TransportFields {
    /// What is spoken to an engine.
    package enum Mode: String, CaseIterable {
        case auto
        case tls
        case quic

        /// Only TLS is spoken here, which `auto` allows.
        package var isOffered: Bool { self != .quic }
    }

    /// What `bind` names.
    package enum BindMode: String, CaseIterable {
        case address
        case interface
    }

    /// What the fields ask for. Every mistake is added to `mistakes`, and the options are then of no use.
    ///
    /// `environment` is looked at for `proxy.fromEnvironment` only.
    package func options(environment: [String: String], mistakes: inout [SettingMistake]) -> TransportOptions {
        checkMode(&mistakes)
        let family: TransportOptions.IPFamily? = Self.word(ipFamily, "ipFamily", &mistakes)
        return TransportOptions(
            bind: bind(family, &mistakes),
            ipFamily: family,
            multipath: multipath ?? false,
            dns: dns(&mistakes),
            tls: tls.options("tls", &mistakes),
            proxy: proxy.options(environment: environment, &mistakes),
            redirects: Self.word(redirects, "redirects", &mistakes) ?? .public
        )
    }

    private func checkMode(_ mistakes: inout [SettingMistake]) {
        guard mode.filled != nil else {
            if useQUIC == true { mistakes.append(Self.quic("useQuic", .key)) }
            return
        }
        let mode: Mode? = Self.word(mode, "mode", as: "invalid tunnel transport", &mistakes)
        if mode?.isOffered == false { mistakes.append(Self.quic("mode", .value)) }
    }

    private static func quic(_ key: String, _ subject: SettingMistake.Subject) -> SettingMistake {
        SettingMistake(
            key,
            "transport QUIC is not supported",
            about: subject,
            fix: "use mode: tls, or auto, which chooses it",
            code: .unsupportedTransport
        )
    }

    /// One of the words of an enumeration, in any case.
    private static func word<Word: RawRepresentable & CaseIterable>(
        _ text: String?,
        _ key: String,
        as what: String? = nil,
        _ mistakes: inout [SettingMistake]
    ) -> Word? where Word.RawValue == String {
        guard let text = text.filled else { return nil }
        if text.utf8.count <= 64, let word = Word(rawValue: text.asciiLowercased) { return word }
        let words = Word.allCases.map(\.rawValue)
        mistakes.append(
            SettingMistake(key, "\(what ?? "unknown \(key)") \"\(text.shortened)\"", about: .word(text, of: words))
        )
        return nil
    }

    private func bind(
        _ family: TransportOptions.IPFamily?,
        _ mistakes: inout [SettingMistake]
    ) -> TransportOptions.Bind? {
        let isModeGiven = bind.mode.filled != nil
        let mode: BindMode? = isModeGiven ? Self.word(bind.mode, "bind.mode", &mistakes) : .address
        guard let mode else { return nil }
        let text =
            switch mode {
            case .address: bind.address.filled
            case .interface: bind.interface.filled
            }
        guard let text else {
            if isModeGiven {
                mistakes.append(SettingMistake("bind.mode", "bind.\(mode) is required with bind.mode: \(mode)"))
            }
            return nil
        }
        switch mode {
        case .address: return address(text, family, &mistakes).map { .address($0) }
        case .interface: return interface(text, &mistakes).map { .interface($0) }
        }
    }

    private func address(
        _ text: String,
        _ family: TransportOptions.IPFamily?,
        _ mistakes: inout [SettingMistake]
    ) -> IPAddress? {
        guard let address = IPAddress(text) else {
            mistakes.append(
                SettingMistake(
                    "bind.address",
                    "bind.address \"\(text.shortened)\" is not an IP address",
                    about: .value,
                    fix: "expected one like 192.0.2.1; for the name of an interface write mode: interface"
                )
            )
            return nil
        }
        let own: TransportOptions.IPFamily = if case .v4 = address { .ipv4 } else { .ipv6 }
        if let family, family != own {
            mistakes.append(
                SettingMistake(
                    "bind.address",
                    "bind.address is not an \(family.rawValue) address, as ipFamily requires",
                    about: .value
                )
            )
        }
        return address
    }

    private func interface(_ text: String, _ mistakes: inout [SettingMistake]) -> String? {
        // The kernel's rule for names of interfaces.
        guard text.utf8.count < 16,
            !text.unicodeScalars.contains(where: { $0 == "/" || $0 == ":" || $0.properties.isWhitespace })
        else {
            mistakes.append(
                SettingMistake(
                    "bind.interface",
                    "bind.interface \"\(text.shortened)\" is not the name of an interface",
                    about: .value,
                    fix: "expected a name like eth0"
                )
            )
            return nil
        }
        return text
    }

    private func dns(_ mistakes: inout [SettingMistake]) -> TransportOptions.DNS? {
        if dns.dnssec == true {
            mistakes.append(
                SettingMistake(
                    "dns.dnssec",
                    "dns.dnssec is not supported",
                    fix: "use dns.tls and a resolver that validates",
                    code: .unsupportedConfig
                )
            )
        }
        let name = Self.certificateName(dns.serverName, "dns.serverName", &mistakes)
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
                SettingMistake(
                    "dns.override",
                    "dns.override \(error.description)",
                    about: .value,
                    fix: "expected host or host:port"
                )
            )
            return nil
        }
        if isTLS, dns.serverName.filled == nil, server.isIPLiteral {
            mistakes.append(
                SettingMistake(
                    "dns.tls",
                    "dns.serverName is required with dns.tls when dns.override is an IP address",
                    fix: "add the name in the resolver's certificate, like one.one.one.one"
                )
            )
        }
        return TransportOptions.DNS(server: server, tlsServerName: isTLS ? name ?? server.host : nil)
    }

    /// The name that a certificate must have.
    fileprivate static func certificateName(
        _ text: String?,
        _ key: String,
        _ mistakes: inout [SettingMistake]
    ) -> String? {
        guard let name = text.filled else { return nil }
        guard Hostname.isValid(name) || IPAddress(name) != nil else {
            mistakes.append(SettingMistake(key, "\(key) is not a host name", about: .value))
            return nil
        }
        return name
    }
}

extension TransportFields.TLS {
    func options(_ key: String, _ mistakes: inout [SettingMistake]) -> TransportOptions.TLS {
        TransportOptions.TLS(
            caFile: caFile.filled,
            serverName: TransportFields.certificateName(serverName, "\(key).serverName", &mistakes),
            insecureSkipVerify: insecureSkipVerify ?? false
        )
    }
}

import RstreamModel
import YAML

/// Reads `transport`: how connections to an engine are made (CONFIG.md §3, §7). A blank text counts as not set
/// everywhere in it. Complaints are enough of an answer where something is wrong.
struct TransportReader {
    let file: SourceFile
    let environment: [String: String]

    private static let keys = ["mode", "useQuic", "bind", "ipFamily", "mptcp", "dns", "tls", "proxy"]
    private static let misplaced: [String: String] = {
        var places = ["caFile": "tls", "serverName": "tls", "insecureSkipVerify": "tls"]
        for key in ["override", "dnssec"] { places[key] = "dns" }
        for key in ["interface", "address"] { places[key] = "bind" }
        for key in ["http", "socks5", "username", "password", "headers", "fromEnvironment"] { places[key] = "proxy" }
        return places
    }()

    func read(_ context: Section, _ report: inout Report) -> TransportOptions {
        var options = TransportOptions()
        guard
            let section = context.section("transport", keys: Self.keys, misplaced: Self.misplaced, &report)
        else { return options }
        checkMode(section, &report)
        options.ipFamily = ipFamily(section, &report)
        options.multipath = section.boolean("mptcp", &report) ?? false
        options.bind = bind(section, family: options.ipFamily, &report)
        options.dns = dns(section, &report)
        options.tls = section.peerTLS(&report) ?? TransportOptions.TLS()
        options.proxy = ProxyReader(file: file, environment: environment).read(section, &report)
        return options
    }

    private enum Mode: String, CaseIterable {
        case auto
        case tls
        case quic
    }

    private func checkMode(_ section: Section, _ report: inout Report) {
        let unsupported = "is not supported by this version (\(RstreamError.Code.unsupportedTransport))"
        let useQuic = section.boolean("useQuic", &report)
        guard let text = section.text("mode", &report), !text.value.isEmpty else {
            if useQuic == true {
                report.error(
                    "transport QUIC \(unsupported)",
                    hint: "use mode: tls",
                    at: section.keySpan("useQuic"),
                    in: file
                )
            }
            return
        }
        switch Mode(rawValue: text.value.lowercased()) {
        case .auto, .tls: return
        case .quic:
            report.error("transport mode quic \(unsupported)", hint: "use tls or auto", at: text.span, in: file)
        case nil:
            report.error(
                "unknown transport mode \"\(text.value.shortened)\"",
                hint: NearestWord.hint(for: text.value, among: Mode.allCases.map(\.rawValue)),
                at: text.span,
                in: file
            )
        }
    }

    private func ipFamily(_ section: Section, _ report: inout Report) -> TransportOptions.IPFamily? {
        section.text("ipFamily", &report)?.value.isEmpty == false ? section.choice("ipFamily", &report) : nil
    }
}

extension TransportReader {
    private enum BindMode: String, CaseIterable {
        case address
        case interface
    }

    private func bind(
        _ transport: Section,
        family: TransportOptions.IPFamily?,
        _ report: inout Report
    ) -> TransportOptions.Bind? {
        guard let section = transport.section("bind", keys: ["mode", "interface", "address"], &report) else {
            return nil
        }
        let isModeGiven = section.text("mode", &report)?.value.isEmpty == false
        let mode: BindMode? = isModeGiven ? section.choice("mode", &report) : .address
        guard let mode else { return nil }
        let other: BindMode = mode == .address ? .interface : .address
        if let unused = section.text(other.rawValue, &report), !unused.value.isEmpty {
            report.warning(
                "\"\(other.rawValue)\" says nothing without \"mode: \(other.rawValue)\"",
                at: section.keySpan(other.rawValue),
                in: file
            )
        }
        guard let text = section.text(mode.rawValue, &report), !text.value.isEmpty else {
            if isModeGiven {
                let place = section.keySpan(section.has(mode.rawValue) ? mode.rawValue : "mode")
                report.error("bind.\(mode.rawValue) is required by its mode", at: place, in: file)
            }
            return nil
        }
        switch mode {
        case .address: return address(text, family: family, &report).map { .address($0) }
        case .interface: return interface(text, &report).map { .interface($0) }
        }
    }

    private func address(
        _ text: Located<String>,
        family: TransportOptions.IPFamily?,
        _ report: inout Report
    ) -> IPAddress? {
        guard let address = IPAddress(text.value) else {
            report.error(
                "\"\(text.value.shortened)\" is not an address of this host",
                hint: "expected an IP address without port or brackets, like 192.0.2.1",
                at: text.span,
                in: file
            )
            return nil
        }
        if let family, family != address.family {
            report.error(
                "bind.address \(address) is no \(family.rawValue) address, and ipFamily wants one",
                at: text.span,
                in: file
            )
        }
        return address
    }

    private func interface(_ text: Located<String>, _ report: inout Report) -> String? {
        // The kernel's rule for names of interfaces.
        guard text.value.utf8.count < 16, !text.value.contains(where: { $0 == "/" || $0 == ":" || $0.isWhitespace })
        else {
            report.error(
                "\"\(text.value.shortened)\" is not the name of an interface",
                hint: "expected a name like eth0",
                at: text.span,
                in: file
            )
            return nil
        }
        return text.value
    }

    private func dns(_ transport: Section, _ report: inout Report) -> TransportOptions.DNS? {
        let keys = ["override", "tls", "serverName", "dnssec"]
        guard let section = transport.section("dns", keys: keys, &report) else { return nil }
        if section.boolean("dnssec", &report) == true {
            report.error(
                "dns.dnssec is not supported by this version (\(RstreamError.Code.unsupportedConfig))",
                hint: "use dns.tls and a resolver that validates",
                at: section.keySpan("dnssec"),
                in: file
            )
        }
        let isTLS = section.boolean("tls", &report) ?? false
        let name = section.serverName(&report)
        if let name, !isTLS {
            report.warning(
                "\"serverName\" says nothing without \"tls: true\"",
                at: name.span,
                in: file
            )
        }
        guard let text = section.text("override", &report), !text.value.isEmpty else {
            if isTLS {
                report.error("dns.tls requires dns.override", at: section.keySpan("tls"), in: file)
            }
            return nil
        }
        do throws(EngineAddress.Malformed) {
            let server = try EngineAddress(text.value, defaultPort: isTLS ? 853 : 53)
            if isTLS, name == nil, server.isIPLiteral {
                report.error(
                    "dns.serverName is required when dns.override is an address and dns.tls is on",
                    hint: "add the name in the resolver's certificate, like one.one.one.one",
                    at: section.keySpan("tls"),
                    in: file
                )
            }
            return TransportOptions.DNS(server: server, tlsServerName: isTLS ? name?.value ?? server.host : nil)
        } catch {
            report.error("dns.override \(error)", hint: "expected host or host:port", at: text.span, in: file)
            return nil
        }
    }
}

extension Section {
    /// Reads `tls`: how the other end proves who it is; nil when nothing is set in it.
    func peerTLS(_ report: inout Report) -> TransportOptions.TLS? {
        guard let section = section("tls", keys: ["caFile", "serverName", "insecureSkipVerify"], &report) else {
            return nil
        }
        let caFile = section.text("caFile", &report).flatMap { $0.value.isEmpty ? nil : $0.value }
        let serverName = section.serverName(&report)
        let insecure = section.boolean("insecureSkipVerify", &report)
        guard caFile != nil || serverName != nil || insecure != nil else { return nil }
        return TransportOptions.TLS(
            caFile: caFile.map { Path.resolve($0, in: Path.directory(of: file.path)) },
            serverName: serverName?.value,
            insecureSkipVerify: insecure ?? false
        )
    }

    /// Reads `serverName`, the name that a certificate must have.
    func serverName(_ report: inout Report) -> Located<String>? {
        guard let name = text("serverName", &report), !name.value.isEmpty else { return nil }
        guard Hostname.isValid(name.value) || IPAddress(name.value) != nil else {
            report.error("\"serverName\" is not a host name", at: name.span, in: file)
            return nil
        }
        return name
    }
}

extension IPAddress {
    fileprivate var family: TransportOptions.IPFamily {
        switch self {
        case .v4: .ipv4
        case .v6: .ipv6
        }
    }
}

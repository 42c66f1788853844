// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

#if ConfigurationFiles
internal import RstreamModel
internal import YAML

extension ClientFile {
    private static let execKeys: Set<String> = ["command", "args", "timeout", "maxConcurrency", "passEnv"]

    /// Reads the bytes of a file in `directory`, where relative paths in it start.
    ///
    /// Reading is lenient, as the official tools' is: unknown keys and incomplete entries are ignored (CONFIG.md §2).
    package init(reading bytes: [UInt8], in directory: String) throws(ClientConfigurationErrors) {
        self.init()
        var mistakes: [ClientConfigurationError] = []
        if let root = Self.parse(bytes, &mistakes), let section = FileSection(root, "", &mistakes) {
            // Of any other version nothing is known.
            if Self.checkVersion(section, &mistakes) { read(section, in: directory, &mistakes) }
        }
        if let errors = ClientConfigurationErrors(mistakes) { throw errors }
    }

    private mutating func read(
        _ section: FileSection,
        in directory: String,
        _ mistakes: inout [ClientConfigurationError]
    ) {
        defaultContext = section.section("defaults", &mistakes)?.section("context", &mistakes)?.text("name", &mistakes)
        for item in section.items("environments", &mistakes) {
            let entry = Self.entry(item, in: directory, &mistakes)
            if let entry, entry.apiURL != nil { environments.append(entry) }
        }
        for item in section.items("contexts", &mistakes) {
            let entry = Self.entry(item, in: directory, &mistakes)
            if let entry, entry.name != nil { contexts.append(entry) }
        }
    }

    private static func parse(_ bytes: [UInt8], _ mistakes: inout [ClientConfigurationError]) -> Node? {
        do throws(SyntaxError) {
            let document = try Document(parsing: bytes)
            mistakes += document.problems.map { ClientConfigurationError($0.message.shortened, at: $0.span) }
            return document.root
        } catch {
            let span = Span(start: error.mark, end: error.mark)
            mistakes.append(ClientConfigurationError(error.message, fix: error.hint, at: span))
            return nil
        }
    }

    private static func checkVersion(_ section: FileSection, _ mistakes: inout [ClientConfigurationError]) -> Bool {
        guard let version = section.text("version", &mistakes), !["0", "1"].contains(where: version.sameBytes) else {
            return true
        }
        mistakes.append(
            ClientConfigurationError(
                "unsupported version \(version.shortened) (expected 1)",
                at: section.node("version")?.span
            )
        )
        return false
    }

    private static func entry(
        _ node: Node,
        in directory: String,
        _ mistakes: inout [ClientConfigurationError]
    ) -> Entry? {
        guard let section = FileSection(node, "", &mistakes) else { return nil }
        var entry = Entry()
        section.addPlaces(to: &entry.places)
        entry.places[""] = section.span
        entry.name = section.text("name", &mistakes)
        entry.apiURL = section.text("apiUrl", &mistakes).map(ControlPlaneURL.normalized).filled
        entry.projectEndpoint = section.text("projectEndpoint", &mistakes)
        entry.engine = section.text("engine", &mistakes)
        entry.region = section.text("region", &mistakes)
        entry.headers = section.texts("headers", &mistakes)
        if let auth = section.section("auth", &mistakes) { entry.auth = Self.auth(auth, in: directory, &mistakes) }
        if let transport = section.section("transport", &mistakes) {
            entry.transport = TransportFields(transport, in: directory, &mistakes)
        }
        return entry
    }

    private static func auth(
        _ section: FileSection,
        in directory: String,
        _ mistakes: inout [ClientConfigurationError]
    ) -> Auth {
        var auth = Auth()
        if let storage = section.section("token", &mistakes)?.section("storage", &mistakes) {
            let kind = storage.text("kind", &mistakes)
            let value = storage.text("value", &mistakes).map { Secret($0) }
            // A blank value counts as not set, as everywhere.
            if value != nil || !(kind ?? "inline").sameBytes(as: "inline") {
                auth.token = TokenStorage(kind: kind, value: value)
            }
        }
        if let mtls = section.section("mtls", &mistakes), !mtls.pairs.isEmpty {
            let read = MTLS(
                certificate: mtls.text("certificate", &mistakes),
                key: mtls.text("key", &mistakes).map { Secret($0) },
                certificateFile: mtls.path("certificateFile", in: directory, &mistakes),
                keyFile: mtls.path("keyFile", in: directory, &mistakes),
                storage: storage(mtls, &mistakes)
            )
            if read != MTLS() { auth.mtls = read }
        }
        return auth
    }

    private static func storage(
        _ mtls: FileSection,
        _ mistakes: inout [ClientConfigurationError]
    ) -> MTLS.Storage? {
        guard let section = mtls.section("storage", &mistakes), !section.pairs.isEmpty else { return nil }
        // A program is started by this, so nothing in it may be a slip of the pen.
        for unknown in section.section("exec", &mistakes)?.pairs ?? []
        where !execKeys.contains(where: unknown.key.sameBytes) {
            mistakes.append(
                ClientConfigurationError(
                    "unknown key \"\(unknown.key.shortened)\" in auth.mtls.storage.exec",
                    fix: "valid: \(execKeys.sorted().joined(separator: ", "))",
                    at: unknown.keySpan
                )
            )
        }
        return MTLS.Storage(
            kind: section.text("kind", &mistakes),
            keys: Set(section.pairs.map(\.key).filter(\.isVisibleASCII)).subtracting(["kind"])
        )
    }
}

extension TransportFields {
    fileprivate init(
        _ section: FileSection,
        in directory: String,
        _ mistakes: inout [ClientConfigurationError]
    ) {
        self.init()
        mode = section.text("mode", &mistakes)
        useQUIC = section.boolean("useQuic", &mistakes)
        ipFamily = section.text("ipFamily", &mistakes)
        multipath = section.boolean("mptcp", &mistakes)
        redirects = section.text("redirects", &mistakes)
        if let keys = section.section("bind", &mistakes) {
            bind.mode = keys.text("mode", &mistakes)
            bind.interface = keys.text("interface", &mistakes)
            bind.address = keys.text("address", &mistakes)
        }
        if let keys = section.section("dns", &mistakes) {
            dns.override = keys.text("override", &mistakes)
            dns.tls = keys.boolean("tls", &mistakes)
            dns.serverName = keys.text("serverName", &mistakes)
            dns.dnssec = keys.boolean("dnssec", &mistakes)
        }
        if let keys = section.section("tls", &mistakes) { tls = TLS(keys, in: directory, &mistakes) }
        if let keys = section.section("proxy", &mistakes) {
            proxy.http = keys.text("http", &mistakes)
            proxy.socks5 = keys.text("socks5", &mistakes)
            proxy.username = keys.text("username", &mistakes)
            proxy.password = keys.text("password", &mistakes).map { Secret($0) }
            proxy.headers = keys.texts("headers", &mistakes)
            proxy.fromEnvironment = keys.boolean("fromEnvironment", &mistakes)
            if let tls = keys.section("tls", &mistakes) { proxy.tls = TLS(tls, in: directory, &mistakes) }
        }
    }
}

extension TransportFields.TLS {
    fileprivate init(
        _ section: FileSection,
        in directory: String,
        _ mistakes: inout [ClientConfigurationError]
    ) {
        self.init(
            caFile: section.path("caFile", in: directory, &mistakes),
            serverName: section.text("serverName", &mistakes),
            insecureSkipVerify: section.boolean("insecureSkipVerify", &mistakes)
        )
    }
}

extension FileSection {
    /// A path, which starts in `directory` unless it is absolute.
    fileprivate func path(
        _ key: String,
        in directory: String,
        _ mistakes: inout [ClientConfigurationError]
    ) -> String? {
        guard let path = text(key, &mistakes) else { return nil }
        if path.startsWithBytes(of: "/") || directory.isEmpty { return path }
        return directory.endsWithBytes(of: "/") ? directory + path : "\(directory)/\(path)"
    }
}
#endif

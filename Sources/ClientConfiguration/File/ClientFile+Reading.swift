internal import RstreamModel
internal import YAML

extension ClientFile {
    private static let execKeys: Set<String> = ["command", "args", "timeout", "maxConcurrency", "passEnv"]

    /// Reads the bytes of a file in `directory`, where relative paths in it start.
    ///
    /// Reading is lenient, as the official tools' is: unknown keys and incomplete entries are ignored (CONFIG.md §2).
    package init(reading bytes: [UInt8], in directory: String) throws(ClientConfigurationError) {
        self.init()
        guard let root = try Self.parse(bytes) else { return }
        let section = try FileSection(root, "")
        try Self.checkVersion(section)
        defaultContext = try section.section("defaults")?.section("context")?.text("name")
        for item in try section.items("environments") {
            let entry = try Self.entry(item, in: directory)
            if entry.apiURL != nil { environments.append(entry) }
        }
        for item in try section.items("contexts") {
            let entry = try Self.entry(item, in: directory)
            if entry.name != nil { contexts.append(entry) }
        }
    }

    private static func parse(_ bytes: [UInt8]) throws(ClientConfigurationError) -> Node? {
        let document: Document
        do throws(SyntaxError) {
            document = try Document(parsing: bytes)
        } catch {
            throw ClientConfigurationError(error.message, fix: error.hint, at: Span(start: error.mark, end: error.mark))
        }
        if let problem = document.problems.first {
            throw ClientConfigurationError(problem.message.shortened, at: problem.span)
        }
        return document.root
    }

    private static func checkVersion(_ section: FileSection) throws(ClientConfigurationError) {
        guard let version = try section.text("version"), !["0", "1"].contains(version) else { return }
        throw ClientConfigurationError(
            "unsupported version \(version.shortened) (expected 1)",
            at: section.node("version")?.span
        )
    }

    private static func entry(_ node: Node, in directory: String) throws(ClientConfigurationError) -> Entry {
        let section = try FileSection(node, "")
        var entry = Entry()
        section.addPlaces(to: &entry.places)
        entry.places[""] = section.span
        entry.name = try section.text("name")
        entry.apiURL = try section.text("apiUrl").map(ControlPlaneURL.normalized).filled
        entry.projectEndpoint = try section.text("projectEndpoint")
        entry.engine = try section.text("engine")
        entry.region = try section.text("region")
        entry.headers = try section.texts("headers")
        if let auth = try section.section("auth") { entry.auth = try Self.auth(auth, in: directory) }
        if let transport = try section.section("transport") {
            entry.transport = try TransportFields(transport, in: directory)
        }
        return entry
    }

    private static func auth(_ section: FileSection, in directory: String) throws(ClientConfigurationError) -> Auth {
        var auth = Auth()
        if let storage = try section.section("token")?.section("storage") {
            let kind = try storage.text("kind")
            let value = try storage.text("value").map { Secret($0) }
            // A blank value counts as not set, as everywhere.
            if value != nil || kind ?? "inline" != "inline" { auth.token = TokenStorage(kind: kind, value: value) }
        }
        if let mtls = try section.section("mtls"), !mtls.pairs.isEmpty {
            let read = MTLS(
                certificate: try mtls.text("certificate"),
                key: try mtls.text("key").map { Secret($0) },
                certificateFile: try mtls.path("certificateFile", in: directory),
                keyFile: try mtls.path("keyFile", in: directory),
                storage: try storage(mtls)
            )
            if read != MTLS() { auth.mtls = read }
        }
        return auth
    }

    private static func storage(_ mtls: FileSection) throws(ClientConfigurationError) -> MTLS.Storage? {
        guard let section = try mtls.section("storage"), !section.pairs.isEmpty else { return nil }
        // A program is started by this, so nothing in it may be a slip of the pen.
        if let exec = try section.section("exec"),
            let unknown = exec.pairs.first(where: { !execKeys.contains($0.key) })
        {
            throw ClientConfigurationError(
                "unknown key \"\(unknown.key.shortened)\" in auth.mtls.storage.exec",
                fix: "valid: \(execKeys.sorted().joined(separator: ", "))",
                at: unknown.keySpan
            )
        }
        return MTLS.Storage(kind: try section.text("kind"), keys: Set(section.pairs.map(\.key)).subtracting(["kind"]))
    }
}

extension TransportFields {
    fileprivate init(_ section: FileSection, in directory: String) throws(ClientConfigurationError) {
        self.init()
        mode = try section.text("mode")
        useQUIC = try section.boolean("useQuic")
        ipFamily = try section.text("ipFamily")
        multipath = try section.boolean("mptcp")
        if let keys = try section.section("bind") {
            bind.mode = try keys.text("mode")
            bind.interface = try keys.text("interface")
            bind.address = try keys.text("address")
        }
        if let keys = try section.section("dns") {
            dns.override = try keys.text("override")
            dns.tls = try keys.boolean("tls")
            dns.serverName = try keys.text("serverName")
            dns.dnssec = try keys.boolean("dnssec")
        }
        if let keys = try section.section("tls") { tls = try TLS(keys, in: directory) }
        if let keys = try section.section("proxy") {
            proxy.http = try keys.text("http")
            proxy.socks5 = try keys.text("socks5")
            proxy.username = try keys.text("username")
            proxy.password = try keys.text("password").map { Secret($0) }
            proxy.headers = try keys.texts("headers")
            proxy.fromEnvironment = try keys.boolean("fromEnvironment")
            if let tls = try keys.section("tls") { proxy.tls = try TLS(tls, in: directory) }
        }
    }
}

extension TransportFields.TLS {
    fileprivate init(_ section: FileSection, in directory: String) throws(ClientConfigurationError) {
        self.init(
            caFile: try section.path("caFile", in: directory),
            serverName: try section.text("serverName"),
            insecureSkipVerify: try section.boolean("insecureSkipVerify")
        )
    }
}

extension FileSection {
    /// A path, which starts in `directory` unless it is absolute.
    fileprivate func path(_ key: String, in directory: String) throws(ClientConfigurationError) -> String? {
        guard let path = try text(key) else { return nil }
        if path.hasPrefix("/") || directory.isEmpty { return path }
        return directory.hasSuffix("/") ? directory + path : "\(directory)/\(path)"
    }
}

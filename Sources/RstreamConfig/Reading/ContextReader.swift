import RstreamModel
import YAML

/// Reads contexts: an engine, one credential, and how the engine's certificate is judged (RUN.md §2.1, contract §3.2).
struct ContextReader {
    let file: SourceFile
    let environment: [String: String]

    private static let credentialKeys = ["token", "tokenFile", "tokenCredential", "mtls", "noToken"]
    private static let inlineKeys =
        ["engine"] + credentialKeys + ["transport", "region", "projectEndpoint", "apiUrl"]
    private static let misplaced = [
        "caFile": "transport.tls", "serverName": "transport.tls", "insecureSkipVerify": "transport.tls",
        "tls": "transport", "certificateFile": "mtls", "keyFile": "mtls", "mode": "transport",
    ]

    /// Reads an entry of `contexts`.
    func named(_ name: String, _ node: Node, keySpan: Span, _ report: inout Report) -> ContextDefinition? {
        guard
            let section = Section(
                node,
                named: "context \"\(name.shortened)\"",
                keys: Self.inlineKeys + ["external", "name"],
                misplaced: Self.misplaced,
                in: file,
                &report
            )
        else { return nil }
        if section.boolean("external", &report) == true {
            report.error(
                "external contexts are not supported by this version",
                hint: "give \"engine\" and a credential here",
                at: section.keySpan("external"),
                in: file
            )
            return nil
        }
        if section.node("name") != nil {
            report.warning(
                "\"name\" says nothing without \"external: true\"",
                hint: "remove the key",
                at: section.keySpan("name"),
                in: file
            )
        }
        return context(name, section, at: keySpan, &report)
    }

    /// Reads the object that a tunnel gives instead of a name.
    func inline(_ node: Node, _ report: inout Report) -> ContextDefinition? {
        guard
            let section = Section(
                node,
                named: "\"context\"",
                keys: Self.inlineKeys,
                misplaced: Self.misplaced,
                in: file,
                &report
            )
        else { return nil }
        return context(ContextDefinition.inlineName, section, at: node.headSpan, &report)
    }

    private func context(
        _ name: String,
        _ section: Section,
        at span: Span,
        _ report: inout Report
    ) -> ContextDefinition? {
        for key in ["region", "projectEndpoint", "apiUrl"] {
            section.refuse(key, hint: "give the address of the engine as \"engine\"", &report)
        }
        let engine = engine(name, section, at: span, &report)
        let credential = credential(name, section, at: span, &report)
        let transport = transport(section, &report)
        guard let engine, let credential else { return nil }
        return ContextDefinition(
            name: name,
            engine: engine,
            credential: credential,
            transport: transport,
            mark: file.mark(span.start)
        )
    }

    private func engine(
        _ name: String,
        _ section: Section,
        at span: Span,
        _ report: inout Report
    ) -> EngineAddress? {
        guard section.node("engine") != nil else {
            report.error(
                "context \"\(name.shortened)\": engine is required",
                hint: "expected engine: host or host:port",
                at: section.has("engine") ? section.keySpan("engine") : span,
                in: file
            )
            return nil
        }
        guard let text = section.text("engine", &report) else { return nil }
        do throws(EngineAddress.Malformed) {
            return try EngineAddress(text.value)
        } catch {
            report.error(
                "context \"\(name.shortened)\": engine \(error.description)",
                hint: "expected host or host:port",
                at: text.span,
                in: file
            )
            return nil
        }
    }

    private func credential(
        _ name: String,
        _ section: Section,
        at span: Span,
        _ report: inout Report
    ) -> Credential? {
        let noToken = section.boolean("noToken", &report)
        let given = Self.credentialKeys.filter { $0 == "noToken" ? noToken == true : section.node($0) != nil }
        let context = "context \"\(name.shortened)\""
        guard let first = given.first else {
            // A wrong `noToken` was reported already; a null one of the others is most likely an unset variable.
            if section.node("noToken") == nil || noToken == false {
                let null = Self.credentialKeys.first { section.has($0) && section.node($0) == nil }
                report.error(
                    "\(context): \(null ?? "a credential") is required",
                    hint: "expected exactly one of: \(Self.credentialKeys.joined(separator: ", "))",
                    at: null.map(section.keySpan) ?? span,
                    in: file
                )
            }
            return nil
        }
        guard given.count == 1 else {
            let keys = given.map { "\"\($0)\"" }.joined(separator: " and ")
            let isBothKinds = given.contains("mtls") && given.contains { $0.hasPrefix("token") }
            report.error(
                isBothKinds
                    ? "\(context): token and mTLS authentication cannot be used together"
                    : "\(context): \(keys) cannot be used together",
                hint: "keep one of them",
                at: section.keySpan(given[1]),
                in: file
            )
            return nil
        }
        switch first {
        case "token": return token(context, section, &report)
        case "tokenFile": return path("tokenFile", section, &report).map { .tokenFile(path: $0) }
        case "tokenCredential": return systemdCredential(section, &report)
        case "mtls": return clientCertificate(section, &report)
        default: return Credential.none
        }
    }

    private func token(_ context: String, _ section: Section, _ report: inout Report) -> Credential? {
        guard let text = section.text("token", &report) else { return nil }
        guard !text.value.isEmpty else {
            report.error("\(context): token is empty", at: text.span, in: file)
            return nil
        }
        if file.mode & 0o004 != 0, !file.isExpanded(text.span) {
            report.warning(
                "everybody on this host can read the token in this file",
                hint: "chmod 640 \(file.path), or use tokenFile",
                at: section.keySpan("token"),
                in: file
            )
        }
        return .token(Secret(text.value))
    }

    private func systemdCredential(_ section: Section, _ report: inout Report) -> Credential? {
        guard let name = section.filledText("tokenCredential", &report) else { return nil }
        guard !name.value.contains("/"), name.value != ".", name.value != ".." else {
            report.error(
                "\"tokenCredential\" is a name, not a path",
                hint: "use tokenFile for a path",
                at: name.span,
                in: file
            )
            return nil
        }
        guard let directory = environment["CREDENTIALS_DIRECTORY"], !directory.isEmpty else {
            report.error(
                "\"tokenCredential\" needs systemd, which sets $CREDENTIALS_DIRECTORY",
                hint: "add LoadCredential=\(name.value.shortened):FILE to the unit, or use tokenFile",
                at: name.span,
                in: file
            )
            return nil
        }
        return .tokenCredential(path: Path.resolve(name.value, in: directory))
    }

    private func clientCertificate(_ section: Section, _ report: inout Report) -> Credential? {
        guard let mtls = section.section("mtls", keys: ["certificateFile", "keyFile"], &report) else { return nil }
        guard mtls.node("certificateFile") != nil, mtls.node("keyFile") != nil else {
            report.error(
                "mTLS certificate and key files are both required",
                hint: "expected mtls: { certificateFile: ..., keyFile: ... }",
                at: section.keySpan("mtls"),
                in: file
            )
            return nil
        }
        let certificate = path("certificateFile", mtls, &report)
        let key = path("keyFile", mtls, &report)
        guard let certificate, let key else { return nil }
        return .clientCertificate(certificateFile: certificate, keyFile: key)
    }

    private func path(_ key: String, _ section: Section, _ report: inout Report) -> String? {
        section.filledText(key, &report).map { Path.resolve($0.value, in: Path.directory(of: file.path)) }
    }
}

extension ContextReader {
    private enum Mode: String, CaseIterable {
        case auto
        case tls
        case quic
    }

    /// Reads `transport` (CONFIG.md §3). Complaints are enough of an answer where something is wrong in it.
    private func transport(_ context: Section, _ report: inout Report) -> TransportSettings {
        let keys = ["mode", "useQuic", "bind", "ipFamily", "mptcp", "dns", "tls", "proxy"]
        let misplaced = ["caFile": "tls", "serverName": "tls", "insecureSkipVerify": "tls"]
        guard let section = context.section("transport", keys: keys, misplaced: misplaced, &report) else {
            return TransportSettings()
        }
        checkMode(section, &report)
        if section.boolean("mptcp", &report) == true { section.refuse("mptcp", &report) }
        if let family = section.text("ipFamily", &report), !family.value.isEmpty { section.refuse("ipFamily", &report) }
        for key in ["bind", "dns", "proxy"] {
            if case .mapping(let pairs)? = section.node(key)?.content, pairs.isEmpty { continue }
            section.refuse(key, &report)
        }
        guard let tls = section.section("tls", keys: ["caFile", "serverName", "insecureSkipVerify"], &report) else {
            return TransportSettings()
        }
        var settings = TransportSettings()
        // A blank text counts as not set everywhere in the client configuration.
        if let caFile = tls.text("caFile", &report)?.value, !caFile.isEmpty {
            settings.caFile = Path.resolve(caFile, in: Path.directory(of: file.path))
        }
        if let name = tls.text("serverName", &report), !name.value.isEmpty {
            if Hostname.isValid(name.value) || IPAddress(name.value) != nil {
                settings.serverName = name.value
            } else {
                report.error("\"serverName\" is not a host name", at: name.span, in: file)
            }
        }
        settings.insecureSkipVerify = tls.boolean("insecureSkipVerify", &report) ?? false
        return settings
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
}

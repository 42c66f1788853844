// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel
import YAML

/// Reads contexts: an engine, one credential, and how connections to the engine are made (RUN.md §2.1, contract §3.2).
struct ContextReader {
    let file: SourceFile
    let environment: [String: String]

    private static let credentialKeys = ["token", "tokenFile", "tokenCredential", "mtls", "noToken"]
    /// What only an entry of `contexts` may hold.
    static let entryKeys = ["external", "name"]
    private static let misplaced = [
        "caFile": "transport.tls", "serverName": "transport.tls", "insecureSkipVerify": "transport.tls",
        "tls": "transport", "certificateFile": "mtls", "keyFile": "mtls", "keyUri": "mtls",
        "keyPinFile": "mtls", "mode": "transport",
    ]

    /// Reads an entry of `contexts`.
    func named(_ name: String, _ node: Node, keySpan: Span, _ report: inout Report) -> NamedContext {
        guard
            let section = Section(
                node,
                named: EntryName.label(.context, name),
                at: "contexts",
                misplaced: Self.misplaced,
                in: file,
                &report
            )
        else { return .broken }
        if section.boolean("external", &report) == true {
            return external(section, key: name, at: keySpan, &report).map { .external($0) } ?? .broken
        }
        if section.node("name") != nil {
            report.warning(
                "\"name\" has no effect without \"external: true\"",
                hint: "remove the key",
                at: section.keySpan("name"),
                in: file
            )
        }
        return context(name, section, at: keySpan, &report).map { .defined($0) } ?? .broken
    }

    /// Reads the object that a tunnel gives instead of a name.
    func inline(_ node: Node, _ report: inout Report) -> ContextDefinition? {
        guard
            let section = Section(
                node,
                named: "\"context\"",
                at: "contexts",
                without: Self.entryKeys,
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
        let context = EntryName.label(.context, name)
        let engine = EngineReader(file: file, context: context).read(section, at: span, &report)
        let credential = credential(context, section, at: span, &report)
        let transport = TransportReader(file: file, environment: environment).read(section, &report)
        guard let engine, let credential, isEnough(credential, for: engine, context, section, &report) else {
            return nil
        }
        return ContextDefinition(
            name: name,
            engine: engine,
            credential: credential,
            transport: transport,
            mark: file.mark(span.start),
            fileMarks: fileMarks(section)
        )
    }

    /// The keys that name files, and what is found as late as they are.
    private static let fileKeys: [ConfigurationKey] = [
        .contextTokenFile, .contextTokenCredential, .contextMtlsCertificateFile, .contextMtlsKeyFile,
        .contextMtlsKeyUri, .contextMtlsKeyPinFile, .transportTlsCaFile, .transportProxyTlsCaFile,
    ]

    private func fileMarks(_ section: Section) -> [ConfigurationKey: SourceMark] {
        var marks: [ConfigurationKey: SourceMark] = [:]
        for key in Self.fileKeys {
            // The first word is the list of contexts.
            let words = key.rawValue.split(byte: ".").dropFirst()
            if let span = section.keySpan(of: words) { marks[key] = file.mark(span.start) }
        }
        return marks
    }

    /// Only a token opens the control plane, which knows where a project's engine is (CONFIG.md §5.2).
    private func isEnough(
        _ credential: ConfiguredCredential,
        for engine: EngineLocation,
        _ context: Wording,
        _ section: Section,
        _ report: inout Report
    ) -> Bool {
        guard case .project = engine else { return true }
        switch credential {
        case .token, .tokenFile, .tokenCredential: return true
        case .clientCertificate, .hardwareKey, .clientCertificatePEM, .none:
            report.error(
                "\(context): finding the engine of a managed project requires a token",
                hint: "give a token, or \"engine\" instead of \"projectEndpoint\"",
                at: section.keySpan(section.has("mtls") ? "mtls" : "noToken"),
                in: file
            )
            return false
        }
    }

    private func credential(
        _ context: Wording,
        _ section: Section,
        at span: Span,
        _ report: inout Report
    ) -> ConfiguredCredential? {
        let noToken = section.boolean("noToken", &report)
        let given = Self.credentialKeys.filter { $0 == "noToken" ? noToken == true : section.node($0) != nil }
        guard let first = given.first else {
            // A wrong `noToken` was reported already; a null one of the others is most likely an unset variable.
            if section.node("noToken") == nil || noToken == false {
                let null = Self.credentialKeys.first { section.has($0) && section.node($0) == nil }
                report.error(
                    "\(context): \(shown: null ?? "a credential") is required",
                    hint: "expected exactly one of: \(shown: Self.credentialKeys.joined(separator: ", "))",
                    at: null.map(section.keySpan) ?? span,
                    in: file
                )
            }
            return nil
        }
        guard given.count == 1 else {
            let keys = given.map { "\"\($0)\"" }.joined(separator: " and ")
            let isBothKinds = given.contains("mtls") && given.contains { $0.startsWithBytes(of: "token") }
            report.error(
                isBothKinds
                    ? "\(context): token and mTLS authentication cannot be used together"
                    : "\(context): \(shown: keys) cannot be used together",
                hint: "keep one of them",
                at: section.keySpan(given[1]),
                in: file
            )
            return nil
        }
        switch first {
        case "token": return token(context, section, &report)
        case "tokenFile": return section.path("tokenFile", &report).map { .tokenFile(path: $0) }
        case "tokenCredential": return systemdCredential(section, &report)
        case "mtls": return clientCertificate(section, &report)
        default: return ConfiguredCredential.none
        }
    }

    private func token(_ context: Wording, _ section: Section, _ report: inout Report) -> ConfiguredCredential? {
        guard let text = section.text("token", limit: TokenText.longest, &report) else { return nil }
        do throws(TokenText.Problem) {
            try TokenText.check(Secret(text.value))
        } catch {
            report.error("\(context): token \(shown: error)", at: text.span, in: file)
            return nil
        }
        if file.mode & 0o004 != 0, !file.isExpanded(text.span) {
            report.warning(
                "all users of this host can read the token in this file",
                hint: "chmod 640 \(shown: file.path.shellWord), or use tokenFile",
                at: section.keySpan("token"),
                in: file
            )
        }
        return .token(Secret(text.value))
    }

    private func systemdCredential(_ section: Section, _ report: inout Report) -> ConfiguredCredential? {
        guard let name = section.filledText("tokenCredential", &report) else { return nil }
        guard !name.value.contains(byte: "/"), ![".", ".."].contains(where: name.value.sameBytes) else {
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

    private func clientCertificate(_ section: Section, _ report: inout Report) -> ConfiguredCredential? {
        guard let mtls = section.section("mtls", &report) else { return nil }
        guard mtls.node("certificateFile") != nil, mtls.node("keyFile") != nil || mtls.node("keyUri") != nil else {
            report.error(
                "mTLS certificate and key files are both required",
                hint: "expected mtls: { certificateFile: ..., keyFile: ... }, or keyUri for a key in a device",
                at: section.keySpan("mtls"),
                in: file
            )
            return nil
        }
        return mtls.clientCertificate(&report)
    }
}

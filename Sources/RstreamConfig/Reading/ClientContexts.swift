// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import ClientConfiguration
import RstreamModel
import YAML

/// The contexts of the client configuration, as the official tools would choose them (RUN.md §2.1).
///
/// A mistake in that file is complained about where it stands there, any other where the context was asked for.
struct ClientContexts {
    static let defaultPath = "/etc/rstream/config.yaml"

    private let path: String
    /// Nil where there is none.
    private let file: SourceFile?
    private let contents: ClientFile
    private let environment: [String: String]

    /// What the environment alone gives.
    init(missing path: String, environment: [String: String]) {
        self.path = path
        file = nil
        contents = ClientFile()
        self.environment = environment
    }

    /// Nil when the file was complained about.
    init?(_ text: String, file: SourceFile, environment: [String: String], _ report: inout Report) {
        path = file.path
        self.file = file
        self.environment = environment
        do throws(ClientConfigurationErrors) {
            contents = try ClientFile(reading: Array(text.utf8), in: Path.directory(of: file.path))
        } catch {
            let start = Span(start: .start, end: .start)
            for error in error.all {
                report.error(error.wording(error.what), hint: error.hint, at: error.span ?? start, in: file)
            }
            return nil
        }
    }

    /// The context that an entry of `contexts` refers to.
    func context(
        _ reference: ExternalReference,
        of entry: EntryName,
        _ report: inout Report
    ) -> ContextDefinition? {
        var overrides = ClientOverrides()
        overrides.context = reference.name.value
        do throws(ClientConfigurationErrors) {
            let client = try ResolvedClient(contents, overrides: overrides, environment: environment)
            return definition(client, named: entry.text, of: entry, &report)
        } catch {
            for error in error.all { complain(error, of: entry, at: reference.name.span, &report) }
            return nil
        }
    }

    /// The context of an entry that names none: what the variables and the default context of the file come to.
    func fallback(for entry: EntryName, _ report: inout Report) -> ContextDefinition? {
        do throws(ClientConfigurationErrors) {
            let client = try ResolvedClient(contents, environment: environment)
            return definition(client, named: client.context ?? Self.nameless, of: entry, &report)
        } catch {
            let isNothing = error.all.allSatisfy { [.authRequired, .engineRequired].contains($0.code) }
            if isNothing, contents.defaultContext == nil {
                report.error(
                    "\(entry.label): fallback context is not configured",
                    hint: "set \"context\" on the \(shown: entry.kind.rawValue), or in rstreamd.yaml for all",
                    at: entry.span,
                    in: entry.file
                )
            } else {
                for error in error.all { complain(error, of: entry, at: entry.span, &report) }
            }
            return nil
        }
    }

    /// What a fallback is called that comes from variables alone.
    private static let nameless = "fallback"

    private func complain(
        _ error: ClientConfigurationError,
        of entry: EntryName,
        at span: Span,
        _ report: inout Report
    ) {
        let what = error.code.isUnsupported ? "\(error.what) (\(error.code))" : error.what
        if let place = error.span, let file {
            report.error(error.wording(what), hint: error.hint, at: place, in: file)
        } else {
            let hint: Wording? = file == nil ? "there is no client configuration \(path)" : error.hint
            report.error("\(entry.label): \(error.wording(what))", hint: hint, at: span, in: entry.file)
        }
    }

    private func definition(
        _ client: ResolvedClient,
        named name: String,
        of entry: EntryName,
        _ report: inout Report
    ) -> ContextDefinition {
        if client.isSecretStored, let file, file.mode & 0o004 != 0 {
            report.warning(
                "all users of this host can read the credentials in this file",
                hint: "chmod 640 \(shown: file.path.shellWord)",
                at: Span(start: .start, end: .start),
                in: file
            )
        }
        switch client.transport.verification {
        case .full: break
        case .engineOnly, .none:
            let peer = client.transport.verification == .none ? "engine" : "proxy"
            report.warning(
                "\(entry.label): the \(peer)'s certificate is not checked",
                hint: "remove insecureSkipVerify from \(path)",
                at: entry.span,
                in: entry.file
            )
        }
        return ContextDefinition(
            name: name,
            engine: client.engine,
            credential: client.credential,
            transport: client.transport,
            mark: entry.file.mark(entry.span.start)
        )
    }
}

extension ClientConfigurationError {
    fileprivate func wording(_ text: String) -> Wording {
        Wording(text, redacted: "the client configuration cannot be used here (\(code))")
    }

    fileprivate var hint: Wording? {
        fix.map { Wording($0, redacted: "rstreamctl check shows more to users who may read the file") }
    }
}

extension ResolvedClient {
    /// Whether the file itself holds the secret, not only the name of another one.
    fileprivate var isSecretStored: Bool {
        switch (credential, credentialSource) {
        case (.token, .context), (.token, .environment), (.clientCertificatePEM, _): true
        default: false
        }
    }
}

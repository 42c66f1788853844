// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Rstream
internal import RstreamConfig
internal import RstreamDaemonModel
internal import RstreamModel
internal import RstreamRelay

/// Reads the files with credentials and certificates that contexts and upstreams name as a connect does, so that a check and a reload
/// report the errors of a connect. At a start none of them is an error, because the files may still come; a reload is
/// refused, because running tunnels must not stop for them.
struct NamedFiles {
    /// The problems of files that were read already.
    private var known: [Files: [FileProblem]] = [:]

    private init() {}

    /// What keeps the contexts of listeners and enabled tunnels from connecting, each problem once.
    static func errors(about configuration: DaemonConfiguration) -> [Diagnostic] {
        var files = NamedFiles()
        let contexts = used(in: configuration).flatMap { files.complaints(about: $0) { _ in .error } }
        return once(contexts + upstreams(of: configuration) { _ in .error })
    }

    /// The problems of the files that `upstream.tls` of enabled tunnels names.
    private static func upstreams(
        of configuration: DaemonConfiguration,
        severity: (RstreamError) -> Diagnostic.Severity
    ) -> [Diagnostic] {
        configuration.tunnels.filter(\.isEnabled).flatMap { tunnel in
            let problems = tunnel.options.tls.map { ServiceTLS.problems(of: ServiceTLS.Settings($0)) } ?? []
            return problems.map { error in
                Diagnostic(
                    severity: severity(error),
                    file: tunnel.mark.file,
                    line: tunnel.mark.line,
                    column: tunnel.mark.column,
                    message: "tunnel \"\(tunnel.name.shortened)\": \(error.what)",
                    hint: error.fix
                )
            }
        }
    }

    /// The problems of all contexts, each once. One that needs a change is an error where it would refuse a reload.
    /// Others are warnings: a missing file may still come, and a file that this user may not read may be readable to
    /// the daemon.
    static func findings(about configuration: DaemonConfiguration) -> [Diagnostic] {
        var files = NamedFiles()
        let certain = used(in: configuration).flatMap { context in
            files.complaints(about: context) { $0.retry == .afterBackoff ? .warning : .error }
        }
        let all = configuration.contexts + configuration.tunnels.map(\.context)
        let tunnels = upstreams(of: configuration) { $0.retry == .afterBackoff ? .warning : .error }
        return once(certain + tunnels + all.flatMap { files.complaints(about: $0) { _ in .warning } })
    }

    private static func used(in configuration: DaemonConfiguration) -> [ContextDefinition] {
        configuration.tunnels.filter(\.isEnabled).map(\.context) + configuration.listeners.map(\.context)
    }

    private static func once(_ complaints: [Diagnostic]) -> [Diagnostic] {
        var seen: Set<ByteKey> = []
        return complaints.filter { seen.insert(ByteKey("\($0.file) \($0.message)")).inserted }
    }

    /// The parts of a context that name files.
    private struct Files: Hashable {
        let credential: ConfiguredCredential
        @Bytewise var caFile: String?
        let proxy: Proxy?

        init(_ context: ContextDefinition) {
            credential = context.credential
            proxy = context.transport.proxy
            _caFile = Bytewise(wrappedValue: context.transport.tls.caFile)
        }
    }

    private mutating func complaints(
        about context: ContextDefinition,
        severity: (RstreamError) -> Diagnostic.Severity
    ) -> [Diagnostic] {
        let files = Files(context)
        let problems = known[files] ?? RstreamClientOptions(context).fileProblems()
        known[files] = problems
        return problems.map { problem in
            let mark = context.mark(of: problem.kind.key(in: context))
            return Diagnostic(
                severity: severity(problem.error),
                file: mark.file,
                line: mark.line,
                column: mark.column,
                message: "context \"\(context.name.shortened)\": \(problem.error.what)",
                hint: problem.error.fix
            )
        }
    }
}

extension FileProblem.Kind {
    /// The key that names the file.
    fileprivate func key(in context: ContextDefinition) -> ConfigurationKey {
        switch self {
        case .token:
            if case .tokenCredential = context.credential { .contextTokenCredential } else { .contextTokenFile }
        case .certificate: .contextMtlsCertificateFile
        case .key: .contextMtlsKeyFile
        case .hardwareKey: .contextMtlsKeyUri
        case .pin: .contextMtlsKeyPinFile
        case .engineAuthority: .transportTlsCaFile
        case .proxyAuthority: .transportProxyTlsCaFile
        }
    }
}

internal import Rstream
internal import RstreamConfig
internal import RstreamDaemonModel
internal import RstreamModel

/// Looks at the files with credentials and certificates that contexts name, as a connect does, so that a check and a
/// reload say what it would say. At a start none of it is an error, because the files may still come; a reload is refused,
/// because what runs with other files must not be taken down for them.
struct NamedFiles {
    /// What was found with the same files already.
    private var known: [Files: [FileProblem]] = [:]

    private init() {}

    /// What keeps the contexts of listeners and of enabled tunnels from connecting, each once.
    static func errors(about configuration: DaemonConfiguration) -> [Diagnostic] {
        var files = NamedFiles()
        return once(used(in: configuration).flatMap { files.complaints(about: $0) { _ in .error } })
    }

    /// What is worth saying of all contexts, each once. It is an error where a reload is refused for what does not pass by
    /// itself: a file that is missing may still come, and one that this user may not read is for another one to read.
    static func findings(about configuration: DaemonConfiguration) -> [Diagnostic] {
        var files = NamedFiles()
        let certain = used(in: configuration).flatMap { context in
            files.complaints(about: context) { $0.retry == .afterBackoff ? .warning : .error }
        }
        let all = configuration.contexts + configuration.tunnels.map(\.context)
        return once(certain + all.flatMap { files.complaints(about: $0) { _ in .warning } })
    }

    private static func used(in configuration: DaemonConfiguration) -> [ContextDefinition] {
        configuration.tunnels.filter(\.isEnabled).map(\.context) + configuration.listeners.map(\.context)
    }

    private static func once(_ complaints: [Diagnostic]) -> [Diagnostic] {
        var told: Set<ByteKey> = []
        return complaints.filter { told.insert(ByteKey("\($0.file) \($0.message)")).inserted }
    }

    /// What of a context its flaws depend on.
    private struct Files: Hashable {
        let credential: Credential
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
        let flaws = known[files] ?? RstreamClientOptions(context).fileFlaws()
        known[files] = flaws
        return flaws.map { flaw in
            let mark = context.mark(of: flaw.kind.key(in: context))
            return Diagnostic(
                severity: severity(flaw.error),
                file: mark.file,
                line: mark.line,
                column: mark.column,
                message: "context \"\(context.name.shortened)\": \(flaw.error.what)",
                hint: flaw.error.fix
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
        case .engineAuthority: .transportTlsCaFile
        case .proxyAuthority: .transportProxyTlsCaFile
        }
    }
}

internal import Linux
internal import RstreamModel

/// Looks at the files with credentials and certificates that contexts name, as far as that can be done before anything is
/// dialed with them. At a start they may still come, so none of it is an error then; a reload is refused, because what runs
/// with other files must not be taken down for them.
package struct NamedFiles: Sendable {
    /// More than any of them has.
    private static let limit = 1 << 20

    private let files: any FileAccess

    /// Looks through `files`.
    package init(_ files: any FileAccess = FileSystem()) {
        self.files = files
    }

    /// What would keep the contexts of tunnels and listeners from connecting, each once.
    package func warnings(about configuration: DaemonConfiguration) -> [Diagnostic] {
        let contexts =
            configuration.contexts + configuration.tunnels.map(\.context) + configuration.listeners.map(\.context)
        return Self.once(contexts.flatMap { complaints(about: $0, .warning) })
    }

    /// What keeps the contexts of listeners and of enabled tunnels from connecting, each once.
    package func errors(about configuration: DaemonConfiguration) -> [Diagnostic] {
        let contexts =
            configuration.tunnels.filter(\.isEnabled).map(\.context) + configuration.listeners.map(\.context)
        var seen: Set<EngineIdentity> = []
        let different = contexts.filter { seen.insert($0.identity).inserted }
        return Self.once(different.flatMap { complaints(about: $0, .error) })
    }

    private static func once(_ complaints: [Diagnostic]) -> [Diagnostic] {
        var told: Set<ByteKey> = []
        return complaints.filter { told.insert(ByteKey("\($0.file) \($0.message)")).inserted }
    }

    private func complaints(about context: ContextDefinition, _ severity: Diagnostic.Severity) -> [Diagnostic] {
        var warnings: [Diagnostic] = []
        func look(at path: String, _ kind: Kind, isTrusted: Bool = false) {
            guard let (message, hint) = complaint(path, kind, isTrusted: isTrusted) else { return }
            warnings.append(
                Diagnostic(
                    severity: severity,
                    file: context.mark.file,
                    line: context.mark.line,
                    column: context.mark.column,
                    message: "context \"\(context.name.shortened)\": \(message)",
                    hint: hint
                )
            )
        }
        switch context.credential {
        case .tokenFile(let path): look(at: path, .tokenFile)
        case .tokenCredential(let path): look(at: path, .tokenCredential, isTrusted: true)
        case .clientCertificate(let certificateFile, let keyFile):
            look(at: certificateFile, .certificateFile)
            look(at: keyFile, .keyFile)
        case .token, .clientCertificatePEM, .none: break
        }
        if let caFile = context.transport.tls.caFile { look(at: caFile, .caFile) }
        if let caFile = context.transport.proxy?.tls.caFile { look(at: caFile, .caFile) }
        return warnings
    }

    /// What a context names a file for.
    private enum Kind: String {
        case tokenFile = "token file"
        case tokenCredential = "token credential"
        case certificateFile = "certificate file"
        case keyFile = "key file"
        case caFile = "CA file"

        var isToken: Bool { self == .tokenFile || self == .tokenCredential }
        var isSecret: Bool { isToken || self == .keyFile }
    }

    private func complaint(_ path: String, _ kind: Kind, isTrusted: Bool) -> (message: String, hint: String?)? {
        let what = "\(kind.rawValue) \"\(path)\""
        let contents: FileContents
        do throws(FileAccessError) {
            contents = try files.read(path, limit: Self.limit)
        } catch {
            switch error {
            case .missing: return ("\(what) does not exist", "make it, or name another one")
            case .notPermitted: return ("\(what) may not be read by this user", nil)
            case .tooLong(let limit): return ("\(what) is longer than \(limit) bytes", nil)
            case .tooMany, .failed: return ("\(what) cannot be read: \(error.words)", nil)
            }
        }
        if kind.isSecret, !isTrusted, let exposure = contents.file.exposure() {
            return ("\(what) can be read by other users, and will be refused", exposure.fix(path))
        }
        if kind.isToken {
            do throws(TokenText.Flaw) {
                _ = try TokenText.token(in: contents.bytes)
            } catch {
                return ("\(what) \(error)", nil)
            }
        }
        return contents.bytes.allSatisfy { [9, 10, 13, 32].contains($0) } ? ("\(what) is empty", nil) : nil
    }
}

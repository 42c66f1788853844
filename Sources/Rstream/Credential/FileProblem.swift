package import RstreamModel

/// Why a configured file cannot be used, as a connect would report it.
package struct FileProblem: Hashable, Sendable {
    package let kind: Kind
    package let error: RstreamError

    /// What the file is for. Inline text counts as a file.
    package enum Kind: Hashable, Sendable {
        case token
        case certificate
        case key
        /// The authorities that are trusted for the engine.
        case engineAuthority
        /// The authorities that are trusted for an `https` proxy.
        case proxyAuthority
    }
}

extension RstreamClientOptions {
    /// Reads every file that these options name, as a connect does, and dials nothing. The end of a credential is
    /// not judged; see ``credentialExpiry()``. Files are read on the caller's thread.
    package func fileProblems() -> [FileProblem] {
        var problems: [FileProblem] = []
        if case .tokenFile(let path, let isSystemdCredential) = credential {
            FileProblem.note(.token, in: &problems) { () throws(RstreamError) in
                _ = try SecretFile.token(path, isTrusted: isSystemdCredential)
            }
        }
        problems += TLSContextCache(.engine(transport.tls), credential: credential).problems(
            authorities: .engineAuthority
        )
        if let proxy = transport.proxy, proxy.speaksTLS {
            problems += TLSContextCache(.proxy(proxy.tls)).problems(authorities: .proxyAuthority)
        }
        return problems
    }
}

extension FileProblem {
    /// Keeps the error that `look` throws.
    static func note(_ kind: Kind, in problems: inout [FileProblem], _ look: () throws(RstreamError) -> Void) {
        do throws(RstreamError) {
            try look()
        } catch {
            problems.append(FileProblem(kind: kind, error: error))
        }
    }
}

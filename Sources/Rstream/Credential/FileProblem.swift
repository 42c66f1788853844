package import RstreamModel

/// Why a file that a client is given is of no use, as a connect would say it.
package struct FileProblem: Hashable, Sendable {
    package let kind: Kind
    package let error: RstreamError

    /// What the file is given for. A text that stands for a file counts as one.
    package enum Kind: Hashable, Sendable {
        case token
        case certificate
        case key
        /// The authorities that may vouch for the engine.
        case engineAuthority
        /// The authorities that may vouch for an `https` proxy.
        case proxyAuthority
    }
}

extension RstreamClientOptions {
    /// Looks at every file that these options name with the eyes of a connect, and dials nothing. When a credential ends is
    /// not judged: ``credentialExpiry()`` says that. Files are read by the caller's thread.
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
    /// Keeps what `look` throws.
    static func note(_ kind: Kind, in problems: inout [FileProblem], _ look: () throws(RstreamError) -> Void) {
        do throws(RstreamError) {
            try look()
        } catch {
            problems.append(FileProblem(kind: kind, error: error))
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// A file of a client's options that cannot be used, with the error that a connect would fail with.
package struct FileProblem: Hashable, Sendable {
    package let kind: Kind
    package let error: RstreamError

    /// The use of the file. A token or a PEM text in the options counts as a file.
    package enum Kind: Hashable, Sendable {
        case token
        case certificate
        case key
        /// The key in a device, as far as it can be examined without asking the device.
        case hardwareKey
        /// The file with that device's PIN.
        case pin
        /// The CA file for the engine's certificate.
        case engineAuthority
        /// The CA file for the certificate of an `https` proxy.
        case proxyAuthority
    }
}

extension RstreamClientOptions {
    /// Reads every file that these options name, as a connect does, without connecting. Expiry is not checked, see
    /// ``credentialExpiry()``. Blocks on the disk.
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
    /// Adds the error that `check` throws, if any.
    static func note(_ kind: Kind, in problems: inout [FileProblem], _ check: () throws(RstreamError) -> Void) {
        do throws(RstreamError) {
            try check()
        } catch {
            problems.append(FileProblem(kind: kind, error: error))
        }
    }
}

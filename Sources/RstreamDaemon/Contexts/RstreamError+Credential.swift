// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Rstream
internal import RstreamModel

extension RstreamError {
    /// The same error with a fix for a credential that the engine rejected; it depends on where the credential comes
    /// from.
    func withFix(for credential: RstreamClientOptions.Credential) -> RstreamError {
        guard engineCode == .unauthorized, let fix = credential.fix else { return self }
        return RstreamError(code: code, origin: origin, retry: retry, what: what, fix: fix, engineCode: engineCode)
    }
}

extension RstreamClientOptions.Credential {
    /// Includes when the daemon looks for a new credential.
    fileprivate var fix: String? {
        switch self {
        case .tokenFile(_, isSystemdCredential: true):
            "replace what LoadCredential= of the unit names, then systemctl restart rstreamd: systemd hands a credential "
                + "over when the service starts, and only then"
        case .tokenFile(let path, isSystemdCredential: false):
            "write a token that the engine takes to \(path): a changed file is tried at once"
        case .token: "configure a token that the engine takes, and run rstreamctl reload"
        case .clientCertificate(let certificateFile, _), .hardwareKey(let certificateFile, _):
            "register the certificate \(certificateFile) with the engine, or configure another one"
        case .tokenProvider, .application, .clientCertificatePEM, .none: nil
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

extension RstreamClientOptions.Credential {
    /// The credential of a user's configuration.
    package init(_ configured: ConfiguredCredential) {
        self =
            switch configured {
            case .token(let token): .token(token)
            case .tokenFile(let path): .tokenFile(path: path)
            case .tokenCredential(let path): .tokenFile(path: path, isSystemdCredential: true)
            case .clientCertificate(let certificateFile, let keyFile):
                .clientCertificate(certificateFile: certificateFile, keyFile: keyFile)
            case .hardwareKey(let certificateFile, let key): .hardwareKey(certificateFile: certificateFile, key: key)
            case .clientCertificatePEM(let certificate, let key):
                .clientCertificatePEM(certificate: certificate, key: key)
            case .none: .none
            }
    }
}

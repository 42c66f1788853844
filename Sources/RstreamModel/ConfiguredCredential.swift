// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// The credential of a user's configuration. Files are named here and read at every connect.
package enum ConfiguredCredential: Hashable, Sendable {
    /// A bearer token, its text.
    case token(Secret)
    /// A file that holds a token.
    case tokenFile(path: String)
    /// A token that systemd put into `$CREDENTIALS_DIRECTORY`. Its permissions are systemd's business and not checked.
    case tokenCredential(path: String)
    /// A client certificate and its key, PEM files.
    case clientCertificate(certificateFile: String, keyFile: String)
    /// A client certificate, a PEM file, and its key, which stays in a device.
    case hardwareKey(certificateFile: String, key: HardwareKey)
    /// A client certificate and its key, PEM texts of the client configuration.
    case clientCertificatePEM(certificate: String, key: Secret)
    /// None, for a test engine.
    case none
}

extension ConfiguredCredential {
    /// Whether both are the same to the kernel, which sees the bytes of a path.
    package static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.token(let token), .token(let other)): token == other
        case (.tokenFile(let path), .tokenFile(let other)), (.tokenCredential(let path), .tokenCredential(let other)):
            path.sameBytes(as: other)
        case (.clientCertificate(let certificate, let key), .clientCertificate(let otherCertificate, let otherKey)):
            certificate.sameBytes(as: otherCertificate) && key.sameBytes(as: otherKey)
        case (.clientCertificatePEM(let text, let key), .clientCertificatePEM(let otherText, let otherKey)):
            text.sameBytes(as: otherText) && key == otherKey
        case (.hardwareKey(let certificate, let key), .hardwareKey(let otherCertificate, let otherKey)):
            certificate.sameBytes(as: otherCertificate) && key == otherKey
        case (.none, .none): true
        case (.token, _), (.tokenFile, _), (.tokenCredential, _), (.clientCertificate, _), (.hardwareKey, _),
            (.clientCertificatePEM, _), (.none, _):
            false
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch self {
        case .token(let token): hasher.combine(token)
        case .tokenFile(let path), .tokenCredential(let path): hasher.combine(ByteKey(path))
        case .clientCertificate(let certificate, let key):
            hasher.combine(ByteKey(certificate))
            hasher.combine(ByteKey(key))
        case .hardwareKey(let certificate, let key):
            hasher.combine(ByteKey(certificate))
            hasher.combine(key)
        case .clientCertificatePEM(let certificate, _): hasher.combine(ByteKey(certificate))
        case .none: hasher.combine(0)
        }
    }
}

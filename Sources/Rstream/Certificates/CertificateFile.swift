// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// Reads the certificate files that a client is configured with, and makes the errors for those that cannot be used.
enum CertificateFile {
    /// In bytes; the system's whole trust store is smaller.
    private static let largest = 1 << 20

    static func read(_ path: String) throws(RstreamError) -> [UInt8] {
        do throws(FileContents.Failure) {
            return try FileContents(of: path, limit: largest).bytes
        } catch {
            if case .tooLong(let limit) = error {
                throw unusable("file \"\(path)\" is larger than \(limit) bytes", fix: nil)
            }
            throw RstreamError(
                code: .invalidConfig,
                origin: .host,
                retry: .afterBackoff,
                what: "file \"\(path)\" cannot be read: \(error)",
                fix: error.fix(path, isSecret: false)
            )
        }
    }

    /// The error for a file without any certificate.
    static func noCertificate(_ name: String, _ bytes: [UInt8], _ path: String?) -> RstreamError {
        // How a certificate in DER begins.
        guard bytes.starts(with: [0x30, 0x82]) else {
            return unusable(
                "\(name) does not contain a valid PEM certificate",
                fix: "write the certificates there in PEM"
            )
        }
        let command = path.map { "openssl x509 -inform der -in \($0.shellWord)" } ?? "openssl x509 -inform der"
        return unusable("\(name) is in DER and not in PEM", fix: "convert it: \(command)")
    }

    static func unusable(_ what: String, fix: String?) -> RstreamError {
        RstreamError(code: .invalidConfig, origin: .configuration, retry: .afterReload, what: what, fix: fix)
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import CNIOBoringSSL

/// A certificate that contexts share, since parsed ones are large.
///
/// Immutable: BoringSSL counts references atomically.
@safe
final class TLSCertificate: @unchecked Sendable {
    let x509: OpaquePointer

    /// Nil if `der` is no certificate.
    init?(der: [UInt8]) {
        let parsed = unsafe der.withUnsafeBufferPointer { bytes -> OpaquePointer? in
            var next = bytes.baseAddress
            return unsafe CNIOBoringSSL_d2i_X509(nil, &next, bytes.count)
        }
        guard let parsed = unsafe parsed else {
            BoringSSL.clearErrors()
            return nil
        }
        unsafe x509 = parsed
    }

    deinit { unsafe CNIOBoringSSL_X509_free(x509) }

    /// The SHA-256 of a certificate.
    static func fingerprint(_ x509: OpaquePointer?) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { bytes, count in
            var length: UInt32 = 0
            let result = unsafe CNIOBoringSSL_X509_digest(x509, CNIOBoringSSL_EVP_sha256(), bytes.baseAddress, &length)
            count = result == 1 ? Int(length) : 0
        }
    }

    /// The DER of a certificate; empty if it has none.
    static func der(_ x509: OpaquePointer?) -> [UInt8] {
        let length = unsafe CNIOBoringSSL_i2d_X509(x509, nil)
        guard length > 0 else { return [] }
        return unsafe [UInt8](unsafeUninitializedCapacity: Int(length)) { bytes, count in
            var next = bytes.baseAddress
            let written = unsafe CNIOBoringSSL_i2d_X509(x509, &next)
            count = Int(max(0, written))
        }
    }
}

/// Certificates that are trusted. Contexts share the host's.
package final class TLSAnchors: Sendable {
    let certificates: [TLSCertificate]
    private let fingerprints: Set<[UInt8]>

    /// Reads the certificates from their DER, and leaves out what is none.
    package init(der: some Sequence<[UInt8]>) {
        certificates = der.compactMap(TLSCertificate.init)
        fingerprints = Set(certificates.map { unsafe TLSCertificate.fingerprint($0.x509) })
    }

    func contains(fingerprint: [UInt8]) -> Bool { !fingerprint.isEmpty && fingerprints.contains(fingerprint) }
}

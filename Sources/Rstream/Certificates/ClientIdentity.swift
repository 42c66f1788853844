// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOSSL
internal import RstreamModel

/// Reads the client's own certificate and key (mTLS) from a credential, and makes the errors for those that cannot be
/// used. ``TLSContextCache`` uses it for the engine's TLS context, and ``RstreamClient/tokenExpiry()`` for the expiry.
struct ClientIdentity {
    /// Names of the two parts in errors.
    private let certificateName: String
    private let keyName: String
    private let keyPath: String?
    private let certificatePath: String?
    private let credential: RstreamClientOptions.Credential

    init(_ credential: RstreamClientOptions.Credential) {
        self.credential = credential
        if case .clientCertificate(let certificateFile, let keyFile) = credential {
            (certificatePath, keyPath) = (certificateFile, keyFile)
            (certificateName, keyName) = ("certificate file \"\(certificateFile)\"", "key file \"\(keyFile)\"")
        } else if case .hardwareKey(let certificateFile, let key) = credential {
            (certificatePath, keyPath) = (certificateFile, nil)
            (certificateName, keyName) = ("certificate file \"\(certificateFile)\"", "key \"\(key.uri)\"")
        } else {
            (certificatePath, keyPath) = (nil, nil)
            (certificateName, keyName) = ("the client certificate", "the client certificate's key")
        }
    }

    /// Reads a certificate chain and its key, both in PEM.
    func read(certificate: [UInt8], key: [UInt8]) throws(RstreamError) -> TLSClient.Identity {
        try pair(try chain(in: certificate), try privateKey(in: key))
    }

    /// Reads a certificate chain, and finds its key in a device. Blocks on the device, for a bounded time.
    func find(_ key: HardwareKey, pin: Secret?, certificate: [UInt8]) throws(RstreamError) -> TLSClient.Identity {
        let chain = try chain(in: certificate)
        let signer = try HardwareSigner.find(key, pin: pin, for: try publicKey(of: chain), certificateName)
        return TLSClient.Identity(chain: chain, key: .hardware(signer))
    }

    /// The public key of the first certificate, for which a device has the private one. Throws unless it is of a kind that
    /// devices can sign with in TLS 1.3.
    func publicKey(of chain: [NIOSSLCertificate]) throws(RstreamError) -> CertifiedKey {
        guard let der = try? chain.first?.extractPublicKey().toSPKIBytes(), let key = CertifiedKey(der: der) else {
            throw CertificateFile.unusable(
                "\(certificateName) has a kind of key that cannot be used for TLS",
                fix: "use a certificate of an RSA, ECDSA (P-256, P-384, P-521) or Ed25519 key"
            )
        }
        return key
    }

    /// Reads the certificate chain; the key's certificate should be the first one.
    func chain(in certificate: [UInt8]) throws(RstreamError) -> [NIOSSLCertificate] {
        let bundle = CertificateBundle(pem: certificate)
        if let line = bundle.damagedLines.first {
            throw CertificateFile.unusable(
                "\(certificateName) has a block at line \(line) that is not a certificate",
                fix: "write the certificate there again, followed by its intermediate certificates"
            )
        }
        guard !bundle.certificates.isEmpty else {
            throw CertificateFile.noCertificate(certificateName, certificate, certificatePath)
        }
        return bundle.certificates
    }

    /// Combines both; throws unless the key belongs to the first certificate.
    func pair(_ chain: [NIOSSLCertificate], _ key: TLSClient.Key) throws(RstreamError) -> TLSClient.Identity {
        let identity = TLSClient.Identity(chain: chain, key: key)
        let places = chain.indices.filter { identity.belongs(to: chain[$0]) }
        guard let place = places.first else {
            throw CertificateFile.unusable(
                "\(keyName) does not belong to \(certificateName): it is the key of another pair",
                fix: "configure the key that the certificate was made for"
            )
        }
        guard place == 0 else {
            throw CertificateFile.unusable(
                "\(certificateName) has its chain in the wrong order: the certificate of the key is number \(place + 1)",
                fix: "write the certificate of the key first, then the one that signed it, and so on"
            )
        }
        return identity
    }

    /// The certificate's validity period; nil if it cannot be read.
    var validity: CertificateValidity? {
        let bytes: [UInt8]? =
            switch credential {
            case .clientCertificate(let path, _), .hardwareKey(let path, _): try? CertificateFile.read(path)
            case .clientCertificatePEM(let certificate, _): Array(certificate.utf8)
            case .token, .tokenProvider, .tokenFile, .application, .none: nil
            }
        let leaf = bytes.flatMap { CertificateBundle(pem: $0).certificates.first }
        return leaf.flatMap { try? CertificateContents($0) }?.validity
    }

    /// Throws if the certificate has expired, as for tokens: an engine only rejects it without saying why.
    func check(_ validity: CertificateValidity?, now: Int64) throws(RstreamError) {
        guard let validity, validity.end < now else { return }
        throw RstreamError(
            code: .certificateExpired,
            origin: .configuration,
            retry: certificatePath == nil ? .afterReload : .afterBackoff,
            what:
                "\(certificateName) expired at \(CertificateProblem.time(validity.end)): "
                + "it is this client's own certificate",
            fix: certificatePath.map { "write a new certificate to \($0), and its key" } ?? "configure a new one"
        )
    }

    /// Reads the key.
    func privateKey(in pem: [UInt8]) throws(RstreamError) -> TLSClient.Key {
        if Self.isEncrypted(pem) {
            let command = keyPath.map { "openssl pkey -in \($0.shellWord) -out NEW, " } ?? "openssl pkey, "
            throw CertificateFile.unusable(
                "\(keyName) is encrypted, and rstream cannot ask for the passphrase",
                fix: "remove the passphrase (\(command)chmod 600 NEW) and configure the new file"
            )
        }
        guard let key = try? NIOSSLPrivateKey(bytes: pem, format: .pem) else {
            throw CertificateFile.unusable(
                "\(keyName) does not contain a valid PEM private key",
                fix: "write an unencrypted key there: RSA, ECDSA (P-256, P-384, P-521) or Ed25519, in PEM"
            )
        }
        return .file(parsed: key, pem: pem)
    }

    /// PKCS #8 marks encryption in the block's label, older formats in a header.
    private static func isEncrypted(_ pem: [UInt8]) -> Bool {
        ["-----BEGIN ENCRYPTED PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED"].contains { mark in
            pem.firstRange(of: Array(mark.utf8)) != nil
        }
    }
}

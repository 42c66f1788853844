// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import NIOSSL
internal import RstreamModel

#if EngineTLS
internal import EngineTLS
#endif

/// Translates errors of the TLS libraries into error texts for operators. Only the names of BoringSSL's errors are
/// taken from the libraries' own texts, which are for developers.
extension ConnectionPeer {
    typealias Explanation = (what: String, fix: String?)

    func explain(_ error: NIOSSLError) -> Explanation {
        switch error {
        case .handshakeFailed(let reason): explainTLS("\(reason)")
        case .uncleanShutdown: ("the connection was cut off", nil)
        case .unableToValidateCertificate, .noCertificateToValidate: notTrusted("the certificate is not trusted")
        default: explainTLS("\(error)")
        }
    }

    #if EngineTLS
    func explain(_ error: EngineTLSError) -> Explanation {
        switch error {
        case .handshakeFailed(let names), .failed(let names): explainTLS(names.joined(separator: " "))
        case .closedDuringHandshake: explainTLS("EOF")
        case .truncated: ("the connection was cut off", nil)
        case .unusableName: ("this name cannot be used for TLS", "check \(address)")
        case .unexpectedBytes, .unusableSettings: explainTLS("")
        }
    }
    #endif

    /// Translates an error of BoringSSL, in the handshake or after it: in TLS 1.3 a server rejects a client certificate
    /// only after the client's handshake has completed.
    func explainTLS(_ text: String) -> Explanation {
        let words = Self.words(in: text)
        for word in words {
            if let known = explain(word: word) ?? alert(word) { return known }
        }
        return ("TLS failed", "check \(address) and the port, and the log of the \(noun)")
    }

    /// The names of BoringSSL's errors, such as `TLSV1_ALERT_PROTOCOL_VERSION`: words in capitals in its text, which
    /// never contains parts of a certificate.
    private static func words(in text: String) -> [String] {
        let words = text.utf8.prefix(4_096).split { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): false
            default: true
            }
        }
        let underscore = UInt8(ascii: "_")
        return words.lazy
            .filter { $0.contains(underscore) && $0.last != underscore || $0.elementsEqual("EOF".utf8) }
            .prefix(8).map { String(decoding: $0.prefix(64), as: UTF8.self) }
    }

    private func explain(word: String) -> Explanation? {
        switch word {
        case "CERTIFICATE_VERIFY_FAILED": notTrusted("the certificate is not trusted")
        case "WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST":
            ("the server does not speak TLS", "check \(address) and the port, which may be one for plain HTTP")
        case "EOF":
            (
                "the connection was closed during the TLS handshake",
                "check \(address) and the port, and whether a firewall or a load balancer in between cuts TLS"
            )
        case "UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION":
            ("the \(noun) does not speak TLS \(leastTLS) or newer", "enable TLS 1.3 there, or check \(address)")
        case "SSLV3_ALERT_HANDSHAKE_FAILURE", "TLSV1_ALERT_INSUFFICIENT_SECURITY":
            (
                "the \(noun) found no cipher, group or signature scheme that both sides support",
                "check its TLS settings"
                    + (clientCertificate.map { ", and whether it wants a client certificate (\($0))" } ?? "")
            )
        case "UNKNOWN_CIPHER_RETURNED", "WRONG_CIPHER_RETURNED", "WRONG_CURVE", "WRONG_SIGNATURE_TYPE",
            "UNSUPPORTED_ELLIPTIC_CURVE", "UNKNOWN_CERTIFICATE_TYPE", "WRONG_CERTIFICATE_TYPE":
            (
                "the \(noun) uses a cipher, group or signature scheme that this client does not accept",
                "enable ECDSA, Ed25519 or RSA with SHA-256 or better there"
            )
        case "NO_COMMON_SIGNATURE_ALGORITHMS":
            (
                "the \(noun) accepts no signature scheme of the client certificate's key",
                "use another kind of key, such as ECDSA with P-256"
            )
        case "PRIVATE_KEY_OPERATION_FAILED":
            ("the device with the client certificate's key has not signed", "look at it with rstreamctl doctor")
        case "BAD_SIGNATURE", "DIGEST_CHECK_FAILED":
            (
                "the \(noun) does not have the private key of its certificate",
                "give it a certificate and a key that belong together"
            )
        case "TLSV1_ALERT_NO_APPLICATION_PROTOCOL", "INVALID_ALPN_PROTOCOL":
            (
                "the server speaks TLS, but not the protocol of the \(noun) (ALPN)",
                "check \(address) and the port, which may be a web server's; a load balancer in front has to pass TLS through"
            )
        case "TLSV1_ALERT_UNRECOGNIZED_NAME":
            ("the \(noun) does not know the requested server name", "check \(address), or set \(serverName)")
        case "DECRYPTION_FAILED_OR_BAD_RECORD_MAC", "BAD_DECRYPT", "SSLV3_ALERT_BAD_RECORD_MAC":
            ("the received data was changed in transit", "check the network between this host and the \(noun)")
        default: nil
        }
    }

    /// Translates a TLS alert of the peer, mostly about the client certificate.
    private func alert(_ word: String) -> Explanation? {
        guard let range = word.firstRange(ofBytes: "_ALERT_") else { return nil }
        let name = String(word[range.upperBound...])
        let renew = "renew the client certificate\(clientCertificate.map { " (\($0))" } ?? "")"
        let rejected = "the \(noun) rejected the client certificate"
        return switch name {
        case "CERTIFICATE_REQUIRED":
            (
                "the \(noun) requires a client certificate, and none was sent",
                clientCertificate.map { "configure one (\($0)) instead of a token" }
            )
        case "CERTIFICATE_EXPIRED": ("\(rejected): it has expired", "\(renew), or check the clock of the \(noun)")
        case "CERTIFICATE_REVOKED": ("\(rejected): it was revoked", renew)
        case "UNKNOWN_CA":
            (
                "\(rejected): its authority is unknown to the \(noun)",
                "use one of an authority that the \(noun) trusts, followed by the intermediate certificates"
            )
        case "CERTIFICATE_UNKNOWN": ("\(rejected) without saying why", "check it, or register it there")
        case "BAD_CERTIFICATE":
            ("\(rejected), or did not receive one", "check that it is the right one and that its chain is complete")
        case "UNSUPPORTED_CERTIFICATE":
            ("\(rejected): its kind is not accepted", "check its key and its extendedKeyUsage (clientAuth)")
        case "ACCESS_DENIED": ("the \(noun) denies access", "check whether it knows the client certificate")
        case "DECRYPT_ERROR":
            ("\(rejected): its signature could not be verified", "check that certificate and key belong together")
        case "INTERNAL_ERROR": ("the \(noun) has an internal error", "check its log")
        case "CLOSE_NOTIFY", "USER_CANCELLED": ("the \(noun) ended the TLS handshake", nil)
        default: ("the \(noun) ended TLS with an unknown alert", "check its log")
        }
    }

    func notTrusted(_ what: String, else other: String? = nil) -> Explanation {
        let fixes = [caFile.map { "name the \(noun)'s CA in \($0)" }, other].compactMap(\.self)
        return (what, fixes.isEmpty ? nil : fixes.joined(separator: ", or "))
    }
}

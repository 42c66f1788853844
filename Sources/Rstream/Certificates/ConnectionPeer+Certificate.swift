// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

extension ConnectionPeer {
    /// The error text for a refused certificate, and what to do about it.
    func explain(_ refusal: CertificateRefusal) -> (what: String, fix: String?) {
        let renew = "give the \(noun) a new certificate"
        switch refusal.problem {
        case .nameMismatch:
            return (
                "the certificate is not valid for \"\(refusal.name)\"\(Self.names(refusal))",
                "check \(address), or set \(serverName) to a name of the certificate"
            )
        case .noSubjectAltName:
            return (
                "the certificate has no subjectAltName of the right kind for this name, and its subject does not count",
                "\(renew) with a subjectAltName"
            )
        case .weakSignature(let algorithm):
            return (
                "a certificate in the chain is signed with \(algorithm), which is not trusted",
                "\(renew) that is signed with SHA-256 or better"
            )
        case .keyLength(let bits):
            let (least, most) = (CertificateVerifier.keyLengths.lowerBound, CertificateVerifier.keyLengths.upperBound)
            return (
                "an RSA key in the certificate's chain has \(bits) bits; \(least) to \(most) are accepted",
                "\(renew) with a key of \(least) bits or more, or with an elliptic curve key"
            )
        case .expired(let role, let end):
            return (
                "\(Self.subject(role)) expired at \(CertificateProblem.time(end))",
                "\(renew), or check this host's clock"
            )
        case .notYetValid(let role, let begin):
            return (
                "\(Self.subject(role)) is not valid before \(CertificateProblem.time(begin))",
                "check this host's clock"
            )
        case .missingIntermediate(let issuer):
            return notTrusted(
                "the certificate is not trusted: its issuer \(Self.quoted(issuer)) is an unknown authority, "
                    + "and the \(noun) sends no intermediate certificate",
                else: "have the \(noun) send its whole chain"
            )
        case .unknownIssuer(let issuer), .untrustedRoot(let issuer):
            return notTrusted(
                "the certificate is not trusted: its chain ends at the unknown authority \(Self.quoted(issuer))"
            )
        case .selfSigned: return notTrusted("the certificate is not trusted: it is self-signed")
        case .issuerNotAuthority(let name):
            return (
                "a certificate in the chain is signed by \(Self.quoted(name)), which is not a certificate authority",
                renew
            )
        case .notForServers:
            return ("the certificate is not for servers (extendedKeyUsage)", "\(renew) with serverAuth")
        case .invalidChain:
            return (
                "a signature in the certificate's chain is invalid, or its authority may not issue for this name", renew
            )
        case .malformed: return ("the certificate is malformed", renew)
        case .notVerified: return ("the certificate could not be verified", nil)
        }
    }

    private static func names(_ refusal: CertificateRefusal) -> String {
        guard !refusal.names.isEmpty else { return "" }
        let more = refusal.count - refusal.names.count
        return "; it is for \(refusal.names.joined(separator: ", "))\(more > 0 ? " and \(more) more" : "")"
    }

    private static func subject(_ role: CertificateProblem.Role) -> String {
        switch role {
        case .leaf: "the certificate"
        case .authority(let name): "the certificate of the authority \(quoted(name))"
        }
    }

    private static func quoted(_ name: String?) -> String { name.map { "\"\($0)\"" } ?? "without a name" }
}

extension CertificateProblem {
    /// A time in UTC, to the second.
    static func time(_ seconds: Int64) -> String {
        let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
        let text = UTCTime(milliseconds: overflow ? (seconds < 0 ? .min : .max) : milliseconds).description
        return "\(text.prefix(19))Z"
    }
}

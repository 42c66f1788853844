internal import RstreamModel

extension ConnectionPeer {
    /// Why a certificate is refused, and what to do about it.
    func explain(_ refusal: CertificateRefusal) -> (what: String, fix: String?) {
        let renew = "give the \(noun) a new certificate"
        switch refusal.problem {
        case .otherName:
            return (
                "the certificate is not valid for \"\(refusal.name)\"\(Self.names(refusal))",
                "check \(address), or set \(serverName) to a name of the certificate"
            )
        case .noNames:
            return (
                "the certificate has no subjectAltName that could be valid for this name, and its subject does not count",
                "\(renew) with a subjectAltName"
            )
        case .signature(let algorithm):
            return (
                "a certificate in the chain is signed with \(algorithm), which is not trusted",
                "\(renew) that is signed with SHA-256 or better"
            )
        case .keyLength(let bits):
            let (least, most) = (CertificateVerifier.keyLengths.lowerBound, CertificateVerifier.keyLengths.upperBound)
            return (
                "an RSA key in the certificate's chain has \(bits) bits, and from \(least) to \(most) are taken",
                "\(renew) with a key of \(least) bits or more, or an elliptic curve's"
            )
        case .expired(let place, let end):
            return (
                "\(Self.words(place)) expired at \(CertificateProblem.time(end))",
                "\(renew), or check this host's clock"
            )
        case .notYetValid(let place, let begin):
            return (
                "\(Self.words(place)) is not yet valid: it begins at \(CertificateProblem.time(begin))",
                "check this host's clock"
            )
        case .issuerUnseen(let issuer):
            return notTrusted(
                "the certificate is not trusted: \(Self.quoted(issuer)), who issued it, is an unknown authority here, and the "
                    + "\(noun) sends no intermediate certificate",
                else: "have the \(noun) send its whole chain"
            )
        case .issuerUnknown(let issuer), .rootUnknown(let issuer):
            return notTrusted(
                "the certificate is not trusted: its chain ends at the unknown authority \(Self.quoted(issuer))"
            )
        case .selfSigned: return notTrusted("the certificate is not trusted: it is self-signed")
        case .notAuthority(let name):
            return (
                "a certificate in the chain is signed by \(Self.quoted(name)), which is no authority and must not sign",
                renew
            )
        case .purpose: return ("the certificate is not for servers (extendedKeyUsage)", "\(renew) with serverAuth")
        case .broken:
            return ("a signature in the certificate's chain is wrong, or its authority may not sign this name", renew)
        case .malformed: return ("the certificate is malformed", renew)
        case .unseen: return ("the certificate could not be judged", nil)
        }
    }

    private static func names(_ refusal: CertificateRefusal) -> String {
        guard !refusal.names.isEmpty else { return "" }
        let more = refusal.count - refusal.names.count
        return "; it is for \(refusal.names.joined(separator: ", "))\(more > 0 ? " and \(more) more" : "")"
    }

    private static func words(_ place: CertificateProblem.Place) -> String {
        switch place {
        case .leaf: "the certificate"
        case .authority(let name): "the certificate of the authority \(quoted(name))"
        }
    }

    private static func quoted(_ name: String?) -> String { name.map { "\"\($0)\"" } ?? "without a name" }
}

extension CertificateProblem {
    /// With seconds.
    static func time(_ seconds: Int64) -> String {
        let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
        let text = UTCTime(milliseconds: overflow ? (seconds < 0 ? .min : .max) : milliseconds).description
        return "\(text.prefix(19))Z"
    }
}

internal import RstreamModel

/// Judges what BoringSSL leaves open about a chain that it verified: the name, as Go's crypto/x509 judges it, and the
/// strength of signatures and keys. Engines, redirects, proxies, name servers and control planes are all judged here.
///
/// Pure: certificates in, a problem or none out.
struct CertificateVerifier: Hashable, Sendable {
    /// A DNS name, without a dot at its end, or an IP address without brackets.
    let name: String

    /// The accepted lengths of RSA keys in bits: shorter ones can be broken, and the upper bound is Go's.
    static let keyLengths = 2_048...8_192

    /// The problem of one certificate of a verified chain, or nil. The anchor's own signature proves
    /// nothing and is not checked. Only the leaf has to have the name.
    func problem(in certificate: CertificateContents, isAnchor: Bool, isLeaf: Bool) -> CertificateProblem? {
        if case .rsa(let bits) = certificate.key, !Self.keyLengths.contains(bits) { return .keyLength(bits: bits) }
        if !isAnchor {
            switch certificate.signature {
            case .current: break
            case .md5: return .signature("MD5")
            case .sha1: return .signature("SHA-1")
            case .other: return .signature("an algorithm that is not taken")
            }
        }
        return isLeaf ? nameProblem(in: certificate) : nil
    }

    /// The problem of a certificate that is trusted on this host without an issuer: an intermediate or a leaf in a
    /// `caFile` is an anchor, as in Go. BoringSSL does not check the validity of such an anchor, so it is done here.
    func anchorProblem(in certificate: CertificateContents, isLeaf: Bool, now: Int64) -> CertificateProblem? {
        let subject = certificate.subject.text
        if let problem = timeProblem(in: certificate, isLeaf: isLeaf, now: now) { return problem }
        guard certificate.validity != nil else { return .malformed }
        if !isLeaf, !certificate.isAuthority { return .notAuthority(subject) }
        return problem(in: certificate, isAnchor: true, isLeaf: isLeaf)
    }

    /// Why BoringSSL refuses a certificate, which it does not say. It looks for issuers first, so the
    /// first certificate that it asks about, unless it is trusted, is one whose issuer was not found.
    func cause(of certificate: CertificateContents, _ sight: CertificatePosition) -> CertificateProblem {
        let (subject, isSelfSigned) = (certificate.subject.text, certificate.subject == certificate.issuer)
        if !sight.isLeaf, !certificate.isAuthority { return .notAuthority(subject) }
        if sight.isLeaf, !certificate.isForServers { return .purpose }
        if sight.isFirst, !sight.isTrusted {
            if isSelfSigned { return sight.isLeaf ? .selfSigned : .rootUnknown(subject) }
            let issuer = certificate.issuer.text
            return sight.isLeaf ? .issuerUnseen(issuer) : .issuerUnknown(issuer)
        }
        return timeProblem(in: certificate, isLeaf: sight.isLeaf, now: sight.now)
            ?? problem(in: certificate, isAnchor: false, isLeaf: false) ?? .broken
    }

    private func timeProblem(in certificate: CertificateContents, isLeaf: Bool, now: Int64) -> CertificateProblem? {
        guard let validity = certificate.validity else { return nil }
        let place: CertificateProblem.Place = isLeaf ? .leaf : .authority(certificate.subject.text)
        if now < validity.begin { return .notYetValid(place, from: validity.begin) }
        return now > validity.end ? .expired(place, at: validity.end) : nil
    }

    private func nameProblem(in certificate: CertificateContents) -> CertificateProblem? {
        // An address matches an address only, and a name a name: an attacker who forges a DNS answer can get a
        // certificate for an address of their own.
        if let address = IPAddress(name)?.unmapped {
            if certificate.addresses.contains(where: { $0.unmapped == address }) { return nil }
            return certificate.addresses.isEmpty ? .noNames : .otherName
        }
        let host = Self.lowered(name.utf8.last == UInt8(ascii: ".") ? name.utf8.dropLast()[...] : name.utf8[...])
        if certificate.names.contains(where: { Self.matches(host, $0) }) { return nil }
        return certificate.names.isEmpty ? .noNames : .otherName
    }

    /// Whether a certificate's name is this host's: the same, or the same behind a `*` that is the whole of its first
    /// label and stands for exactly one. No `*` covers what is registered directly below a top-level domain, which is
    /// stricter than Go.
    static func matches(_ host: [UInt8], _ pattern: ArraySlice<UInt8>) -> Bool {
        guard !host.isEmpty, pattern.last != UInt8(ascii: ".") else { return false }
        guard pattern.starts(with: "*.".utf8) else { return isSame(host[...], pattern) }
        guard let dot = host.firstIndex(of: UInt8(ascii: ".")), dot > 0 else { return false }
        let parent = host[(dot + 1)...]
        return parent.contains(UInt8(ascii: ".")) && isSame(parent, pattern.dropFirst(2))
    }

    /// Whether a name in lower case is another one in any case. Of most names the length is enough to know.
    private static func isSame(_ name: ArraySlice<UInt8>, _ other: ArraySlice<UInt8>) -> Bool {
        name.count == other.count && name.elementsEqual(lowered(other))
    }

    /// Letters of ASCII in lower case; any others are other names.
    private static func lowered(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        bytes.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
    }
}

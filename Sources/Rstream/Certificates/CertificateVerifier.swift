// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// Checks of a single certificate beyond what BoringSSL verifies: the host name, by the rules of Go's crypto/x509, and
/// the strength of signatures and keys.
///
/// ``ChainVerification`` applies them to each certificate of a chain, for every peer: engines, redirects, proxies, name
/// servers and control planes. Pure, without state.
struct CertificateVerifier: Hashable, Sendable {
    /// The name that the leaf must have: a DNS name, or an IP address without brackets.
    let name: String

    /// Accepted lengths of RSA keys, in bits. Shorter keys can be broken; the upper bound is Go's.
    static let keyLengths = 2_048...8_192

    /// Checks a certificate of a chain that BoringSSL verified; nil if it is good. Only the leaf must have the name.
    /// The anchor's signature is not checked: trust in an anchor does not come from it.
    func problem(in certificate: CertificateContents, isAnchor: Bool, isLeaf: Bool) -> CertificateProblem? {
        if case .rsa(let bits) = certificate.key, !Self.keyLengths.contains(bits) { return .keyLength(bits: bits) }
        if !isAnchor {
            switch certificate.signature {
            case .current: break
            case .md5: return .weakSignature("MD5")
            case .sha1: return .weakSignature("SHA-1")
            case .other: return .weakSignature("an algorithm that is not accepted")
            }
        }
        return isLeaf ? nameProblem(in: certificate) : nil
    }

    /// Checks an anchor that is not a root: an intermediate or a leaf in a `caFile` is trusted without its issuer, as
    /// in Go. BoringSSL does not check the validity of such an anchor, so this does.
    func anchorProblem(in certificate: CertificateContents, isLeaf: Bool, now: Int64) -> CertificateProblem? {
        let subject = certificate.subject.text
        if let problem = validityProblem(in: certificate, isLeaf: isLeaf, now: now) { return problem }
        guard certificate.validity != nil else { return .malformed }
        if !isLeaf, !certificate.isAuthority { return .issuerNotAuthority(subject) }
        return problem(in: certificate, isAnchor: true, isLeaf: isLeaf)
    }

    /// Finds out why BoringSSL rejected a certificate, which NIOSSL does not pass on.
    ///
    /// BoringSSL builds the chain first, so if the first certificate that it reports is not trusted, its issuer was not
    /// found.
    func cause(of certificate: CertificateContents, _ step: VerificationStep) -> CertificateProblem {
        let (subject, isSelfSigned) = (certificate.subject.text, certificate.subject == certificate.issuer)
        if !step.isLeaf, !certificate.isAuthority { return .issuerNotAuthority(subject) }
        if step.isLeaf, !certificate.isForServers { return .notForServers }
        if step.isFirst, !step.isTrusted {
            if isSelfSigned { return step.isLeaf ? .selfSigned : .untrustedRoot(subject) }
            let issuer = certificate.issuer.text
            return step.isLeaf ? .missingIntermediate(issuer) : .unknownIssuer(issuer)
        }
        return validityProblem(in: certificate, isLeaf: step.isLeaf, now: step.now)
            ?? problem(in: certificate, isAnchor: false, isLeaf: false) ?? .invalidChain
    }

    private func validityProblem(in certificate: CertificateContents, isLeaf: Bool, now: Int64) -> CertificateProblem? {
        guard let validity = certificate.validity else { return nil }
        let role: CertificateProblem.Role = isLeaf ? .leaf : .authority(certificate.subject.text)
        if now < validity.begin { return .notYetValid(role, from: validity.begin) }
        return now > validity.end ? .expired(role, at: validity.end) : nil
    }

    private func nameProblem(in certificate: CertificateContents) -> CertificateProblem? {
        // An address matches only iPAddress entries, and a name only dNSName entries: an attacker who forges DNS
        // answers can get a certificate for an address of his own.
        if let address = IPAddress(name)?.unmapped {
            if certificate.addresses.contains(where: { $0.unmapped == address }) { return nil }
            return certificate.addresses.isEmpty ? .noSubjectAltName : .nameMismatch
        }
        let host = Self.lowered(name.utf8.last == UInt8(ascii: ".") ? name.utf8.dropLast()[...] : name.utf8[...])
        if certificate.names.contains(where: { Self.matches(host, $0) }) { return nil }
        return certificate.names.isEmpty ? .noSubjectAltName : .nameMismatch
    }

    /// Whether a dNSName entry matches a host name in lower case. A `*` must be the whole first label and matches
    /// exactly one label. Stricter than Go: `*.com` matches nothing.
    static func matches(_ host: [UInt8], _ pattern: ArraySlice<UInt8>) -> Bool {
        guard !host.isEmpty, pattern.last != UInt8(ascii: ".") else { return false }
        guard pattern.starts(with: "*.".utf8) else { return isSame(host[...], pattern) }
        guard let dot = host.firstIndex(of: UInt8(ascii: ".")), dot > 0 else { return false }
        let parent = host[(dot + 1)...]
        return parent.contains(UInt8(ascii: ".")) && isSame(parent, pattern.dropFirst(2))
    }

    /// Compares a name in lower case with one in any case, the cheap length first.
    private static func isSame(_ name: ArraySlice<UInt8>, _ other: ArraySlice<UInt8>) -> Bool {
        name.count == other.count && name.elementsEqual(lowered(other))
    }

    /// ASCII only: names differ if any other letters differ.
    private static func lowered(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        bytes.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
    }
}

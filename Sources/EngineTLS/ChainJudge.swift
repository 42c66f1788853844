// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// What BoringSSL's verification reports about one certificate of a chain.
package struct ReportedCertificate: Sendable {
    package let der: [UInt8]
    /// Whether BoringSSL has found no problem with it so far.
    package let isPreverified: Bool
    /// Whether it is the peer's own certificate.
    package let isLeaf: Bool
    /// Whether this very certificate is trusted.
    package let isAnchor: Bool
    /// The DER of the peer's own certificate, and whether this is trusted.
    package let leaf: (der: [UInt8], isAnchor: Bool)
}

/// Decides on the certificates of one handshake. BoringSSL verifies the chain and asks for each of its certificates,
/// the anchor first and the leaf last.
///
/// Confined to the channel's event loop.
package protocol ChainJudge: AnyObject {
    /// Whether to go on; otherwise the handshake fails.
    func accepts(_ certificate: ReportedCertificate) -> Bool
    /// Why the peer is refused; nil if no problem was found.
    var refusalOfPeer: (any Error)? { get }
    /// The time, in seconds since 1970, when the first certificate of the chain expires. Throws if the chain was not
    /// verified. Asked at the end of a handshake in which the peer presented certificates.
    func verified() throws -> Int64
}

/// How a connection verifies the peer's certificates.
package enum PeerVerification {
    /// By the context's anchors and the judge.
    case judge(any ChainJudge)
    /// Not at all.
    case none
    /// Not at all: the closure gets the DER of the certificates, the leaf first, and then the handshake fails. It goes
    /// on if the context trusts any certificate.
    case inspection(([[UInt8]]) -> Void)
}

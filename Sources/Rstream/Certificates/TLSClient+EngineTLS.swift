// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

#if EngineTLS

internal import EngineTLS
internal import NIOCore
internal import NIOSSL
internal import RstreamModel

extension TLSClient {
    /// Makes a context of EngineTLS with the settings that all clients share.
    static func engineTLS(_ applicationProtocols: [String], _ trust: Trust, _ identity: Identity?) throws -> TLSContext
    {
        let anchors: [TLSAnchors]? =
            switch trust {
            case .any: nil
            case .anchors(let system, let own): [system.engineAnchors, TLSAnchors(own)]
            }
        var settings = TLSContext.Settings(
            signatureAlgorithms: signatureAlgorithms.map(\.rawValue),
            groups: groups.map(\.rawValue),
            anchors: anchors,
            now: { TokenExpiry.now }
        )
        settings.applicationProtocols = applicationProtocols
        settings.identity = try identity.map { identity in
            let key: TLSContext.PrivateKey =
                switch identity.key {
                case .file(_, let pem): .pem(pem)
                case .hardware(let signer): .elsewhere(signer)
                }
            return (try identity.chain.map { try $0.toDERBytes() }, key)
        }
        return try TLSContext(settings)
    }

    /// The handler of one connection; it needs no other beside it.
    static func engineTLS(
        _ context: TLSContext,
        sentName: String?,
        at address: EngineAddress?,
        _ verification: Verification,
        _ handshake: HandshakeVerification
    ) throws -> EngineTLSHandler {
        let peer: PeerVerification =
            switch verification {
            case .full: .judge(handshake)
            case .none: .none
            case .inspection(let inspect):
                .inspection { inspect($0.compactMap { try? NIOSSLCertificate(bytes: $0, format: .der) }) }
            }
        let key = address.map { TicketKey(engine: "\($0)", name: handshake.name) }
        return try EngineTLSHandler(context, sentName: sentName, verification: peer, ticketKey: key)
    }
}

extension HandshakeVerification: ChainJudge {
    func accepts(_ certificate: ReportedCertificate) -> Bool {
        let step = VerificationStep(
            isPreverified: certificate.isPreverified,
            isLeaf: certificate.isLeaf,
            isTrusted: certificate.isAnchor,
            now: now
        )
        return accepts(try? CertificateContents(der: certificate.der), step) {
            (try? CertificateContents(der: certificate.leaf.der), certificate.leaf.isAnchor)
        }
    }

    var refusalOfPeer: (any Error)? { refusal }

    func verified() throws -> Int64 {
        guard isGood else { throw refusal ?? notVerified }
        return end
    }
}

extension TLSAnchors {
    convenience init(_ certificates: [NIOSSLCertificate]) {
        self.init(der: certificates.compactMap { try? $0.toDERBytes() })
    }
}

#endif

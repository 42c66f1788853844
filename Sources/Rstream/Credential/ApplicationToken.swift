// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Crypto
internal import FoundationEssentials
internal import RstreamModel

/// Makes application tokens: JWTs signed with the application's own P-521 key (ES512, CONFIG.md §11). Without state.
enum ApplicationToken {
    private static let lifetimes: ClosedRange<Int64> = 1...3_600

    /// Makes a token that is issued at `now`, in seconds since 1970.
    static func make(_ credential: ApplicationCredential, now: Int64) throws(RstreamError) -> Secret {
        let seconds = credential.lifetime.components.seconds
        guard lifetimes.contains(seconds), credential.lifetime.components.attoseconds == 0 else {
            throw unusable("an application token's lifetime is not 1 s to 1 h in whole seconds")
        }
        var secret = bytes(credential.clientSecret.trimmed) ?? []
        defer { SecretMemory.wipe(&secret) }
        guard let key = try? P521.Signing.PrivateKey(derRepresentation: secret) else {
            throw unusable("the client secret is not the hexadecimal text of a P-521 private key in PKCS#8")
        }
        let claims = Claims(
            clientId: credential.clientID,
            iat: now,
            exp: now + seconds,
            type: "app",
            metadata: credential.engine.map { Claims.Metadata(engine: $0) },
            resources: credential.grant.map { Claims.Resources(tunnels: GrantText($0)) }
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let payload = try? encoder.encode(claims) else {
            throw unusable("the application's claims cannot be encoded as JSON")
        }
        let signed =
            "\(Base64.encodeForURL(Data(#"{"alg":"ES512","typ":"JWT"}"#.utf8))).\(Base64.encodeForURL(payload))"
        guard let signature = try? key.signature(for: Data(signed.utf8)) else {
            throw unusable("the client secret cannot sign")
        }
        return Secret("\(signed).\(Base64.encodeForURL(signature.rawRepresentation))")
    }

    private struct Claims: Encodable {
        let clientId: String
        let iat: Int64
        let exp: Int64
        let type: String
        let metadata: Metadata?
        let resources: Resources?

        struct Metadata: Encodable {
            let engine: String
        }

        struct Resources: Encodable {
            let tunnels: GrantText
        }

        enum CodingKeys: String, CodingKey {
            case clientId
            case iat
            case exp
            case type
            case metadata
            case permissions
            case resources
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(clientId, forKey: .clientId)
            try container.encode(iat, forKey: .iat)
            try container.encode(exp, forKey: .exp)
            try container.encode(type, forKey: .type)
            try container.encodeIfPresent(metadata, forKey: .metadata)
            // The claim must be present and null, not absent.
            try container.encodeNil(forKey: .permissions)
            try container.encodeIfPresent(resources, forKey: .resources)
        }
    }

    /// A grant as the control plane encodes it.
    private struct GrantText: Encodable {
        let grant: TunnelGrant

        init(_ grant: TunnelGrant) {
            self.grant = grant
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch grant {
            case .projects(let ids): try container.encode(["projects": ids])
            case .workspaces(let ids): try container.encode(["workspaces": ids])
            case .permissions(let permissions):
                let allowed = Dictionary(uniqueKeysWithValues: permissions.map { ($0.rawValue, true) })
                try container.encode(["scopes": ["tunnels": allowed]])
            case .and(let grants): try container.encode(["AND": grants.map { GrantText($0) }])
            case .or(let grants): try container.encode(["OR": grants.map { GrantText($0) }])
            }
        }
    }

    private static func unusable(_ what: String) -> RstreamError {
        RstreamError(code: .invalidConfig, origin: .configuration, retry: .afterReload, what: what)
    }

    private static func bytes(_ hexadecimal: Secret) -> [UInt8]? {
        hexadecimal.withBytes { digits -> [UInt8]? in
            guard digits.count.isMultiple(of: 2), digits.count <= 4_096 else { return nil }
            // Reserved, because growing would leave copies of the secret in memory.
            var bytes: [UInt8] = []
            bytes.reserveCapacity(digits.count / 2)
            for index in stride(from: 0, to: digits.count, by: 2) {
                guard let high = value(of: digits[index]), let low = value(of: digits[index + 1]) else {
                    SecretMemory.wipe(&bytes)
                    return nil
                }
                bytes.append(high << 4 | low)
            }
            return bytes
        }
    }

    private static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46, 0x61...0x66: (digit | 0x20) - 0x57
        default: nil
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import GuardedJSON
package import RstreamModel

/// What a token says about itself, if it is a JWT. Clients never verify tokens (CONFIG.md §11), and a text that cannot
/// be read says nothing.
package struct TokenClaims: Sendable {
    /// When it ends, in seconds since 1970; within the years 1 to 9999 whatever it claims.
    package let expiresAt: Int64?
    /// The engine it was made for, as it is written; nil for what is longer than any address.
    package let engine: String?

    /// Bytes of a token.
    private static let longest = 16 * 1_024
    /// A host name and a port.
    private static let longestEngine = 259
    private static let (earliest, latest) = (-62_135_596_800.0, 253_402_300_799.0)

    private struct Expiry: Decodable {
        let exp: Double?
    }

    private struct Origin: Decodable {
        let metadata: Metadata?

        struct Metadata: Decodable {
            let engine: String?
        }
    }

    /// Reads the middle part of a token.
    package init(of token: Secret) {
        guard token.count <= Self.longest, let payload = Self.payload(of: token.trimmed) else {
            expiresAt = nil
            engine = nil
            return
        }
        // Separately, so that an unexpected shape of one does not hide the other.
        expiresAt = Self.decode(Expiry.self, payload)?.exp.map { exp in
            Int64(min(max(exp.rounded(.up), Self.earliest), Self.latest))
        }
        engine = Self.decode(Origin.self, payload)?.metadata?.engine.flatMap { engine in
            engine.utf8.count <= Self.longestEngine ? engine : nil
        }
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, _ payload: [UInt8]) -> Value? {
        try? GuardedJSON.decode(type, from: payload, limit: longest)
    }

    /// The middle one of three parts. The others, which prove the token, are not copied.
    private static func payload(of token: Secret) -> [UInt8]? {
        token.withBytes { bytes in
            let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            return parts.count == 3 ? Base64.decode(parts[1]) : nil
        }
    }
}

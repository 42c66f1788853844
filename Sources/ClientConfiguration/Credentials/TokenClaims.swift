internal import FoundationEssentials
package import RstreamModel

/// What a token says about itself, if it is a JWT. Clients never verify tokens (CONFIG.md §11), and a text that cannot
/// be read says nothing.
package struct TokenClaims: Sendable {
    /// When it ends, in seconds since 1970.
    package let expiresAt: Int64?
    /// The engine it was made for, as it is written.
    package let engine: String?

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
        let parts = token.reveal().trimmed.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let payload = Self.base64URL(parts[1]) else {
            expiresAt = nil
            engine = nil
            return
        }
        // Separately, so that an unexpected shape of one does not hide the other.
        let expiry = (try? JSONDecoder().decode(Expiry.self, from: payload))?.exp?.rounded(.up)
        expiresAt = expiry.flatMap { Int64(exactly: $0) }
        engine = (try? JSONDecoder().decode(Origin.self, from: payload))?.metadata?.engine
    }

    private static func base64URL(_ text: Substring) -> Data? {
        let standard = text.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
        let padding = String(repeating: "=", count: (4 - standard.count % 4) % 4)
        return Data(base64Encoded: String(standard) + padding)
    }
}

import Crypto
import FoundationEssentials
import RstreamModel

/// The check of an HS256 token, the kind a self-hosted engine takes (CONFIG.md §11).
enum JSONWebToken {
    /// Whether the signature is ours and the time is right. A token without `exp` never ends.
    static func isValid(_ token: String, secret: [UInt8], now: Date) -> Bool {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = decode(Header.self, parts[0]), header.alg == "HS256",
            let signature = base64URL(parts[2])
        else { return false }
        let signed = Array("\(parts[0]).\(parts[1])".utf8)
        let isOurs = HMAC<SHA256>.isValidAuthenticationCode(
            signature,
            authenticating: signed,
            using: SymmetricKey(data: secret)
        )
        guard isOurs, let claims = decode(Claims.self, parts[1]) else { return false }
        let seconds = now.timeIntervalSince1970
        if let expiry = claims.exp, seconds >= expiry { return false }
        if let start = claims.nbf, seconds < start { return false }
        return true
    }

    private struct Header: Decodable {
        let alg: String
    }

    private struct Claims: Decodable {
        let exp: Double?
        let nbf: Double?
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, _ text: Substring) -> Value? {
        base64URL(text).flatMap { try? JSONDecoder().decode(type, from: $0) }
    }

    private static func base64URL(_ text: Substring) -> Data? {
        let standard = text.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
        let padding = String(repeating: "=", count: (4 - standard.count % 4) % 4)
        return Data(base64Encoded: String(standard) + padding)
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Crypto
import FoundationEssentials
import GuardedJSON
import RstreamModel

/// Checks HS256 tokens, which self-hosted engines accept (CONFIG.md §11).
enum JSONWebToken {
    /// Bytes of a part of a token, decoded.
    private static let longest = 16 * 1024

    /// Whether the signature is ours and the time is right. A token without `exp` never ends.
    static func isValid(_ token: String, secret: [UInt8], now: Date) -> Bool {
        let parts = token.split(byte: ".", omittingEmpty: false)
        guard parts.count == 3, let header = decode(Header.self, parts[0]), header.alg.sameBytes(as: "HS256"),
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

        private enum Keys: CodingKey {
            case alg
            case crit
        }

        /// The header names critical extensions, and none is supported (RFC 7515 §4.1.11).
        private struct Critical: Error {}

        init(from decoder: any Decoder) throws {
            let keys = try decoder.container(keyedBy: Keys.self)
            guard !keys.contains(.crit) else { throw Critical() }
            alg = try keys.decode(String.self, forKey: .alg)
        }
    }

    private struct Claims: Decodable {
        let exp: Double?
        let nbf: Double?
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, _ text: Substring) -> Value? {
        base64URL(text).flatMap { try? GuardedJSON.decode(type, from: $0, limit: longest) }
    }

    /// Of the alphabet of RFC 4648 §5 alone, without padding (RFC 7515 §2).
    private static func base64URL(_ text: Substring) -> [UInt8]? {
        text.utf8.contains { "+/=".utf8.contains($0) } ? nil : Base64.decode(text.utf8)
    }
}

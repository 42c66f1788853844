// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Percent-encoding of path segments, parameters and user information (RFC 3986 §2.1).
package enum PercentEncoding {
    /// The unreserved characters of RFC 3986 §2.3.
    private static let unreserved = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)

    private static let digits = Array("0123456789ABCDEF".utf8)

    /// Encodes everything but unreserved characters. `encodesDots` encodes dots too, so that no segment of a path is `..`.
    package static func encode(_ text: String, encodesDots: Bool = false) -> String {
        var encoded: [UInt8] = []
        encoded.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            if unreserved.contains(byte), byte != UInt8(ascii: ".") || !encodesDots {
                encoded.append(byte)
            } else {
                encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 0xF)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    /// Decodes; nil for a `%` without two hexadecimal digits, and for what is not UTF-8. In the query of a form
    /// `plusIsSpace`.
    package static func decode(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String? {
        let (bytes, isValid) = decodedBytes(text, plusIsSpace: plusIsSpace)
        return isValid ? String(validating: bytes, as: UTF8.self) : nil
    }

    /// Decodes what can be decoded: a `%` that encodes nothing stays as it is.
    package static func decodeLeniently(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String {
        String(decoding: decodedBytes(text, plusIsSpace: plusIsSpace).bytes, as: UTF8.self)
    }

    private static func decodedBytes(
        _ text: some StringProtocol,
        plusIsSpace: Bool
    ) -> (bytes: [UInt8], isValid: Bool) {
        var (bytes, isValid): ([UInt8], Bool) = ([], true)
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            let following = rest.prefix(2)
            if byte == UInt8(ascii: "%") {
                // A number may have a sign, an escape may not.
                if following.count == 2, following.allSatisfy(\.isHexDigit),
                    let value = UInt8(String(decoding: following, as: UTF8.self), radix: 16)
                {
                    bytes.append(value)
                    rest = rest.dropFirst(2)
                } else {
                    bytes.append(byte)
                    isValid = false
                }
            } else {
                bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return (bytes, isValid)
    }
}

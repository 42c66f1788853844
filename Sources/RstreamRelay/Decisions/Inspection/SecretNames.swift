// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc

/// Which names of headers and parameters say that their value is a secret.
///
/// It goes by names alone, and hides too much rather than too little. The contract (§3.3) and rstreamd.yaml(5) list
/// these names.
enum SecretNames {
    /// A name with one of these anywhere in it has a secret.
    static let parts: [StaticString] = [
        // Passwords, and what stands for one.
        "credential", "crypt", "passcode", "passphrase", "passw", "secret", "2fa",
        // Keys and signatures, also of requests and links: AWS, Google, Azure, webhooks.
        "key", "nonce", "signature",
        // Who is signed in.
        "authentication", "authorization", "bearer", "cookie", "csrf", "sessid", "session", "token", "xsrf",
        // Who has signed in, as an identity provider or a proxy in front of the visitor says: Cf-Access-Jwt-Assertion,
        // X-Amzn-Oidc-Data, SAMLResponse, oauth_verifier.
        "assertion", "jwt", "oauth", "oidc", "saml",
        // In which scripts of pages send tokens, as they can set no other header of a WebSocket.
        "websocket-protocol",
    ]

    /// A name that has one of these as a whole word has a secret: other words have them as a part.
    static let words: [StaticString] = [
        "auth", "authcode", "cfid", "code", "cvc", "cvv", "dpop", "hmac", "mac", "mfa", "otp", "pass", "pin", "psw",
        "pw", "pwd", "salt", "sess", "sid", "sig", "sign", "signed", "ssn", "tfa", "ticket", "totp",
    ]

    static let stars = Array("***".utf8)

    private static let partsByFirst = Table(parts)
    private static let wordsByFirst = Table(words)

    /// A word is what has letters alone, in one case or with a capital in front: those of `authCode-2` are `auth` and
    /// `Code`.
    static func isSecret(_ name: UnsafeRawBufferPointer) -> Bool {
        let (parts, words) = (partsByFirst, wordsByFirst)
        for start in name.indices {
            for part in parts.beginning(with: name[start]) where name.has(part, at: start) { return true }
            guard startsWord(name, at: start) else { continue }
            for word in words.beginning(with: name[start]) where name.has(word, at: start) {
                let end = start + word.utf8CodeUnitCount
                if end == name.count || !name[end].isLetter || startsWord(name, at: end) { return true }
            }
        }
        return false
    }

    private static func startsWord(_ name: UnsafeRawBufferPointer, at index: Int) -> Bool {
        guard index > 0, name[index - 1].isLetter else { return true }
        return name[index].isCapital && !name[index - 1].isCapital
    }

    /// Texts by their first byte: this is asked for each byte of every header's name.
    private struct Table: Sendable {
        private let texts: [StaticString]
        /// For each byte of ASCII where those that begin with it are; the end of the last ones stands behind.
        private let starts: [Int]

        init(_ texts: [StaticString]) {
            self.texts = texts.sorted { $0.utf8Start[0] < $1.utf8Start[0] }
            starts = (0...0x80).map { byte in texts.count { Int($0.utf8Start[0]) < byte } }
        }

        func beginning(with byte: UInt8) -> ArraySlice<StaticString> {
            let lower = byte.isCapital ? byte | 0x20 : byte
            guard lower < 0x80 else { return [] }
            return texts[starts[Int(lower)]..<starts[Int(lower) + 1]]
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether the byte occurs.
    func has(byte: UInt8) -> Bool {
        guard let baseAddress else { return false }
        return memchr(baseAddress, CInt(byte), count) != nil
    }

    /// Whether a word of ASCII in lower case stands at this index, in upper or lower case.
    func has(_ word: StaticString, at start: Int) -> Bool {
        guard start + word.utf8CodeUnitCount <= count else { return false }
        for offset in 0..<word.utf8CodeUnitCount {
            let byte = self[start + offset]
            let lower = byte.isCapital ? byte | 0x20 : byte
            guard lower == word.utf8Start[offset] else { return false }
        }
        return true
    }

    /// Whether these are the bytes of a word of ASCII in lower case, in upper or lower case.
    func isWord(_ word: StaticString) -> Bool { count == word.utf8CodeUnitCount && has(word, at: 0) }
}

extension UInt8 {
    /// The value of a hexadecimal digit.
    var hexadecimal: UInt8? {
        switch self {
        case 0x30...0x39: self - 0x30
        case 0x41...0x46, 0x61...0x66: (self | 0x20) - 0x57
        default: nil
        }
    }

    var isCapital: Bool { (0x41...0x5A).contains(self) }
    var isLetter: Bool { (0x61...0x7A).contains(self | 0x20) }

    /// Whether it may stand in a method or in the name of a header (RFC 9110 §5.6.2).
    var isOfToken: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "!"), UInt8(ascii: "#")...UInt8(ascii: "'"),
            UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "^"),
            UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}

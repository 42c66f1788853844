// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc

/// Which names of headers and parameters say that their value is a secret, and texts without such values.
///
/// It goes by names alone, and hides too much rather than too little: what is hidden reads `***`.
enum SecretNames {
    static let stars = Array("***".utf8)

    /// A name that is one of these, in upper or lower case, has a secret.
    private static let words: [StaticString] = ["auth", "code", "otp", "pass", "pwd", "sig"]

    static func isSecret(_ name: UnsafeRawBufferPointer) -> Bool {
        for start in name.indices where hasPart(name, at: start) { return true }
        return name.count <= 4 && words.contains(where: name.isWord)
    }

    /// Whether a part that every secret name may have stands here. By its first letter: this is asked for each byte of
    /// every header's name.
    private static func hasPart(_ name: UnsafeRawBufferPointer, at start: Int) -> Bool {
        switch name[start] | 0x20 {
        case UInt8(ascii: "a"): name.has("authorization", at: start)
        case UInt8(ascii: "c"): name.has("cookie", at: start) || name.has("credential", at: start)
        // As in Cf-Access-Jwt-Assertion, with which proxies that sign in say who the visitor is.
        case UInt8(ascii: "j"): name.has("jwt", at: start)
        case UInt8(ascii: "k"): name.has("key", at: start)
        case UInt8(ascii: "p"): name.has("password", at: start) || name.has("passwd", at: start)
        case UInt8(ascii: "s"):
            name.has("secret", at: start) || name.has("session", at: start) || name.has("signature", at: start)
        case UInt8(ascii: "t"): name.has("token", at: start)
        default: false
        }
    }

    /// The text without the values of parameters whose names say that they are secret, and without the user in front
    /// of a URL's host; nil where nothing is to be hidden. A parameter is `name=value` anywhere in the text.
    static func hidden(in text: UnsafeRawBufferPointer) -> [UInt8]? {
        guard text.has(byte: UInt8(ascii: "=")) || text.has(byte: UInt8(ascii: "@")) else { return nil }
        // What was copied ends at `copied`; the name that may be one began at `name`.
        var (shown, copied, name, index) = ([UInt8](), 0, 0, 0)
        func hide(from start: Int, to end: Int) {
            guard start < end else { return }
            shown += text[copied..<start]
            shown += stars
            copied = end
        }
        while index < text.count {
            let byte = text[index]
            if byte == UInt8(ascii: "="), isSecretParameter(UnsafeRawBufferPointer(rebasing: text[name..<index])) {
                let end = valueEnd(in: text, from: index + 1)
                hide(from: index + 1, to: end)
                (name, index) = (end, end)
                continue
            }
            if byte == UInt8(ascii: ":"), let end = userEnd(in: text, from: index) {
                hide(from: index + 3, to: end)
                index = end
            }
            // What follows a value may be one as well, as in `a=token=b`.
            if separates(byte) || byte == UInt8(ascii: "=") { name = index + 1 }
            index += 1
        }
        guard copied > 0 else { return nil }
        return shown + text[copied...]
    }

    /// The same of a name that may be percent-encoded.
    private static func isSecretParameter(_ name: UnsafeRawBufferPointer) -> Bool {
        guard name.has(byte: UInt8(ascii: "%")) else { return isSecret(name) }
        var (decoded, index) = ([UInt8](), 0)
        while index < name.count {
            if name[index] == UInt8(ascii: "%"), index + 2 < name.count, let high = name[index + 1].hexadecimal,
                let low = name[index + 2].hexadecimal
            {
                decoded.append(high << 4 | low)
                index += 3
            } else {
                decoded.append(name[index])
                index += 1
            }
        }
        return decoded.withUnsafeBytes(isSecret)
    }

    private static func separates(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "&"), UInt8(ascii: ";"), UInt8(ascii: ","),
            UInt8(ascii: "/"), UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: "("), UInt8(ascii: " "), 0x09:
            true
        default: false
        }
    }

    /// Where a value ends: behind its closing quote, or in front of what cannot be a part of it in a URL.
    private static func valueEnd(in text: UnsafeRawBufferPointer, from start: Int) -> Int {
        guard start < text.count else { return start }
        if text[start] == UInt8(ascii: "\"") {
            return text[(start + 1)...].firstIndex(of: UInt8(ascii: "\"")).map { $0 + 1 } ?? text.count
        }
        let end = text[start...].firstIndex { byte in
            switch byte {
            case UInt8(ascii: "&"), UInt8(ascii: "#"), UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"),
                UInt8(ascii: " "), 0x09:
                true
            default: false
            }
        }
        return end ?? text.count
    }

    /// Where the user in front of a host ends, if `index` is the colon of `://` and there is one.
    private static func userEnd(in text: UnsafeRawBufferPointer, from index: Int) -> Int? {
        guard text.has("://", at: index) else { return nil }
        let authority = text[(index + 3)...].prefix { byte in
            switch byte {
            case UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "\""), UInt8(ascii: ">"),
                UInt8(ascii: " "), 0x09:
                false
            default: true
            }
        }
        return authority.lastIndex(of: UInt8(ascii: "@"))
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
            let lower = (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
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

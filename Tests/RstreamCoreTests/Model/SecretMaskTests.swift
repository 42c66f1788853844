// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import RstreamTestSupport
import Testing

@Suite("A text that another side wrote")
struct SecretMaskTests {
    private static let secret = "s3cr3t/T0ken+with?marks=&é"
    private let mask = SecretMask([Secret(Self.secret), Secret("user:pass-word-1")])

    /// What must be in none of the shown texts: four bytes of the secret in a row, in any of its forms.
    private func tells(_ shown: String, of secret: String = secret) -> Bool {
        let bytes = Array(secret.utf8)
        return (0...bytes.count - 4).contains { start in
            shown.utf8.contains(bytes[start..<start + 4])
        }
    }

    @Test("shows no secret as it is, and everything around it")
    func plain() {
        #expect(mask.hide(in: "a\(Self.secret)b\(Self.secret)") == "a***b***")
        #expect(mask.hide(in: "\(Self.secret)\(Self.secret)") == "***")
        #expect(mask.hide(in: "user:pass-word-1: no") == "***: no")
        for text in [
            "", "nothing", "s3cr3t", "s3cr3t/T is short", "user:pa", "user:pas and more", "***", "é", "e\u{301}",
        ] {
            #expect(mask.hide(in: text) == text)
        }
        #expect(mask.hide(in: Array("x\(Self.secret)".utf8)) == Array("x***".utf8))
        #expect(SecretMask([Secret]()).hide(in: Self.secret) == Self.secret)
    }

    @Test("hides nothing that is in every text")
    func short() {
        #expect(SecretMask([Secret("abc"), Secret("")]).hide(in: "abc") == "abc")
        #expect(SecretMask([Secret("abcd")]).hide(in: "xabcdx") == "x***x")
    }

    /// The text with these bytes as escapes.
    private func escaped(_ text: String, upper: Bool, _ isEscaped: (UInt8) -> Bool) -> String {
        text.utf8.map { byte in
            guard isEscaped(byte) else { return String(UnicodeScalar(byte)) }
            return "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: upper)
        }.joined()
    }

    @Test("shows no secret that is percent-encoded, whichever of its bytes are, once or twice")
    func percent() {
        for upper in [true, false] {
            let some = escaped(Self.secret, upper: upper) { !(0x30...0x7A).contains($0) || $0 == 0x3D }
            let all = escaped(Self.secret, upper: upper) { _ in true }
            let twice = escaped(all, upper: upper) { $0 == UInt8(ascii: "%") }
            for text in [some, all, twice] { #expect(mask.hide(in: "?k=\(text)&x=%41%") == "?k=***&x=%41%") }
        }
    }

    @Test("shows no secret with the escapes of JSON, also when it was percent-encoded before")
    func json() {
        let mask = SecretMask([Secret(#"quo"te\slash/äend"#)])
        for text in [
            #"quo\"te\\slash\/\u00e4end"#, #"\u0071uo\u0022te\u005Cslash/äend"#, #"quo%22te%5Cslash\/%c3%a4end"#,
        ] {
            #expect(mask.hide(in: #"{"a":"\#(text)\n"}"#) == #"{"a":"***\n"}"#, "\(text)")
        }
    }

    /// Base64 by Foundation's rules and not by ours.
    private func base64(_ text: String) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        let bits = text.utf8.flatMap { byte in (0..<8).map { byte >> (7 - $0) & 1 } }
        return stride(from: 0, to: bits.count, by: 6).map { start in
            let group = (0..<6).map { start + $0 < bits.count ? Int(bits[start + $0]) : 0 }
            return String(alphabet[group.reduce(0) { $0 * 2 + $1 }])
        }.joined()
    }

    private func url(_ text: String) -> String {
        String(text.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 })
    }

    @Test("shows no secret in Base64, of either alphabet, with or without padding, at every place", arguments: 0..<4)
    func base64(length: Int) throws {
        for behind in ["", "x", "xy", "xyz"] {
            let text = String(repeating: "u", count: length) + Self.secret + behind
            let encoded = base64(text)
            let padded = encoded + String(repeating: "=", count: (4 - encoded.count % 4) % 4)
            for form in [encoded, padded, url(encoded), url(padded)] {
                let shown = mask.hide(in: "Basic \(form), no")
                #expect(shown.hasPrefix("Basic ") && shown.hasSuffix(", no"))
                // What is left stands for less than three bytes before and behind the secret.
                let left = shown.dropFirst(6).dropLast(4).replacing("***", with: "")
                #expect(left.utf8.count <= 8, "\(form): \(shown)")
                #expect(shown.contains("***"))
            }
        }
    }

    @Test("shows no secret in Base64 that was broken into lines, percent-encoded, or escaped")
    func encodedTwice() {
        let encoded = base64("user:" + Self.secret)
        let lines = encoded.enumerated().map { $0.offset % 7 == 6 ? "\($0.element)\r\n" : "\($0.element)" }.joined()
        let percent = escaped(encoded, upper: true) { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "/") }
        let json = encoded.replacing("/", with: #"\/"#)
        for text in [lines, percent, json] {
            let shown = mask.hide(in: "<\(text)>")
            #expect(shown.utf8.count < 20 && shown.contains("***"), "\(shown)")
        }
    }

    @Test("shows no secret that was cut off, at the end of the text or of a part of it, or that is half there")
    func cut() {
        let encoded = base64("user:" + Self.secret)
        for end in ["", "…", "...", "\n", "\r\n", "\"}", "'", "` x"] {
            for length in 8...20 {
                let plain = String(Self.secret.prefix(length))
                #expect(mask.hide(in: "no \(plain)\(end)") == "no ***\(end)", "\(length)")
                let shown = mask.hide(in: "no \(encoded.prefix(length + 7))\(end)")
                #expect(shown.hasPrefix("no dXNlc") && shown.hasSuffix("***\(end)"), "\(shown)")
            }
        }
        #expect(mask.hide(in: "\(Self.secret.prefix(16)) and more") == "*** and more")
        #expect(mask.hide(in: "\(Self.secret.prefix(12)) and more") == "\(Self.secret.prefix(12)) and more")
        // A beginning in a beginning.
        let repeated = SecretMask([Secret("abababababababac")])
        #expect(repeated.hide(in: "ababababababababac") == "ab***")
        #expect(repeated.hide(in: "abababababababababab") == "ababab***")
        #expect(repeated.hide(in: "abababababababab") == "ab***")
    }

    @Test("costs its length, whatever it and the secrets hold")
    func cost() {
        for (secret, unit) in [
            (String(repeating: "a", count: 4_096), "a"), (String(repeating: "a", count: 4_095) + "b", "a"),
            ("\u{301}\u{323}\u{301}\u{323}x", "\u{301}\u{323}"), ("%%%%%%%%", "%"), ("%25%25%25", "%25"),
            (#"\\\\\\\\"#, #"\"#), (#"\u0041\u0041"#, #"\u0041"#), ("AAAAAAAA", "QUFB"), ("🇩🇪🇩🇪", "🇩🇪"),
            (String(repeating: "ab", count: 500) + "c", "ab"),
        ] {
            let mask = SecretMask([Secret(secret), Secret(secret + "z"), Secret("y" + secret)])
            Growth.expectLinear("\(secret.prefix(12))", length: Growth.longest / 4) { length in
                String(repeating: unit, count: length / unit.utf8.count)
            } _: {
                _ = mask.hide(in: $0)
            }
        }
        // The secrets' length counts as well.
        Growth.expectLinear("secrets", length: 65_536) {
            String(repeating: "ab", count: $0 / 2)
        } _: {
            _ = SecretMask([Secret($0), Secret($0 + "c")])
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel

/// What TOML's words without quotes mean: booleans, numbers and dates.
enum TOMLWord {
    /// The value in its usual form; nil for a word that has none.
    static func value(of word: String) -> String? {
        // The longest is a number with an underscore after each digit, or a time with many digits.
        guard word.utf8.count <= 128 else { return nil }
        switch word {
        case "true", "false", "inf", "+inf", "-inf", "nan", "+nan", "-nan": return word
        default: return integer(word) ?? float(word) ?? (isDate(word) ? word : nil)
        }
    }

    // MARK: Numbers

    private static func integer(_ word: String) -> String? {
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where word.startsWithBytes(of: prefix) {
            return digits(word.dropFirst(2), radix: radix).flatMap { Int($0, radix: radix) }.map(String.init)
        }
        let (sign, body) = signed(word)
        guard let digits = digits(body), isWithoutLeadingZero(digits), let number = Int(sign + digits) else {
            return nil
        }
        return String(number)
    }

    private static func float(_ word: String) -> String? {
        let (sign, body) = signed(word)
        let halves = body.split(byte: body.contains(byte: "E") ? "E" : "e", omittingEmpty: false)
        guard let mantissa = halves.first, halves.count <= 2 else { return nil }
        let parts = mantissa.split(byte: ".", omittingEmpty: false)
        guard parts.count <= 2, parts.count == 2 || halves.count == 2 else { return nil }
        let numbers = parts.compactMap { digits($0) }
        guard numbers.count == parts.count, isWithoutLeadingZero(numbers[0]) else { return nil }
        let number = sign + numbers.joined(separator: ".")
        guard halves.count == 2 else { return number }
        let exponent = signed(halves[1])
        return digits(exponent.body).map { "\(number)e\(exponent.sign)\($0)" }
    }

    /// The minus sign, if there is one, and what is behind a sign.
    private static func signed(_ word: some StringProtocol) -> (sign: String, body: String) {
        switch word.utf8.first {
        case UInt8(ascii: "-"): ("-", String(word.dropFirst()))
        case UInt8(ascii: "+"): ("", String(word.dropFirst()))
        default: ("", String(word))
        }
    }

    /// Digits without the underscores that may stand between two of them.
    private static func digits(_ text: some StringProtocol, radix: Int = 10) -> String? {
        let groups = text.split(byte: "_", omittingEmpty: false)
        let isRight = groups.allSatisfy { group in
            !group.isEmpty && group.allSatisfy { $0.isASCII && ($0.hexDigitValue ?? 16) < radix }
        }
        return isRight ? groups.joined() : nil
    }

    private static func isWithoutLeadingZero(_ digits: String) -> Bool {
        digits.utf8.count == 1 || digits.utf8.first != UInt8(ascii: "0")
    }

    // MARK: Dates

    /// Whether this is a day, like 1979-05-27.
    static func isDay(_ text: String) -> Bool {
        let parts = text.split(byte: "-", omittingEmpty: false)
        return text.utf8.count == 10 && parts.count == 3 && parts[0].utf8.count == 4 && parts[0].isDigits
            && isNumber(parts[1], in: 1...12) && isNumber(parts[2], in: 1...31)
    }

    private static func isDate(_ word: String) -> Bool {
        if isDay(word) || isTime(word) { return true }
        let bytes = Array(word.utf8)
        guard bytes.count > 11, [UInt8(ascii: "T"), UInt8(ascii: "t"), UInt8(ascii: " ")].contains(bytes[10]) else {
            return false
        }
        return isDay(String(decoding: bytes[..<10], as: UTF8.self))
            && isTimeWithOffset(String(decoding: bytes[11...], as: UTF8.self))
    }

    private static func isTimeWithOffset(_ text: String) -> Bool {
        if isTime(text) { return true }
        if let last = text.utf8.last, last | 0x20 == UInt8(ascii: "z") { return isTime(String(text.dropLast())) }
        guard let sign = text.utf8.lastIndex(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }) else {
            return false
        }
        let offset = text[text.utf8.index(after: sign)...].split(byte: ":", omittingEmpty: false)
        return isTime(String(text[..<sign])) && offset.count == 2 && isNumber(offset[0], in: 0...23)
            && isNumber(offset[1], in: 0...59)
    }

    private static func isTime(_ text: String) -> Bool {
        let halves = text.split(byte: ".", omittingEmpty: false)
        let parts = (halves.first ?? "").split(byte: ":", omittingEmpty: false)
        return halves.count <= 2 && parts.count == 3 && isNumber(parts[0], in: 0...23) && isNumber(parts[1], in: 0...59)
            && isNumber(parts[2], in: 0...60) && (halves.count == 1 || !halves[1].isEmpty && halves[1].isDigits)
    }

    private static func isNumber(_ text: Substring, in range: ClosedRange<Int>) -> Bool {
        text.utf8.count == 2 && text.isDigits && range.contains(Int(text) ?? -1)
    }
}

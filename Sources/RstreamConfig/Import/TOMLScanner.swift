// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel

/// Goes through a TOML text: blanks, comments, line ends, keys, strings and words.
struct TOMLScanner {
    private let text: [Unicode.Scalar]
    /// How many scalars have been read.
    private(set) var index = 0

    init(_ text: String) {
        self.text = Array(text.unicodeScalars)
    }

    /// The next scalar; nil at the end.
    var next: Unicode.Scalar? { peek(0) }

    private func peek(_ distance: Int) -> Unicode.Scalar? {
        index + distance < text.count ? text[index + distance] : nil
    }

    /// Takes a scalar if it is the next one.
    mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        index += 1
        return true
    }

    private mutating func takeThree(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar, peek(1) == scalar, peek(2) == scalar else { return false }
        index += 3
        return true
    }

    /// Takes a line end, LF or CR LF.
    private mutating func takeLineEnd() -> Bool {
        if next == "\r", peek(1) == "\n" { index += 1 }
        return take("\n")
    }

    mutating func skipBlanks() {
        while next == " " || next == "\t" { index += 1 }
    }

    /// Goes to the next thing that is none of blanks, line ends and comments.
    mutating func skipLines() throws(TOMLFault) {
        repeat {
            skipBlanks()
            try skipComment()
        } while takeLineEnd()
    }

    /// What follows on a line is only a comment.
    mutating func endLine() throws(TOMLFault) {
        skipBlanks()
        try skipComment()
        guard next == nil || takeLineEnd() else {
            throw TOMLFault(message: "the line goes on behind its end", hint: "write one thing on a line", place: index)
        }
    }

    private mutating func skipComment() throws(TOMLFault) {
        guard next == "#" else { return }
        while let scalar = next, scalar != "\n", !(scalar == "\r" && peek(1) == "\n") {
            try check(scalar)
            index += 1
        }
    }

    /// Control characters other than a tab stand nowhere as they are.
    private func check(_ scalar: Unicode.Scalar) throws(TOMLFault) {
        guard scalar.value >= 0x20 || scalar == "\t", scalar.value != 0x7F else {
            throw TOMLFault(message: "a control character", hint: "remove it", place: index)
        }
    }

    // MARK: Keys and words

    /// One part of a key.
    mutating func keyText() throws(TOMLFault) -> String {
        if next == "\"" || next == "'" {
            guard !(peek(1) == next && peek(2) == next) else {
                throw TOMLFault(message: "a key is one line", place: index)
            }
            return try string()
        }
        let key = takeAll { Self.isBare($0) }
        guard !key.isEmpty else {
            throw TOMLFault(
                message: "there is no key",
                hint: "a key has letters, digits, \"-\" and \"_\", or quotes around it",
                place: index
            )
        }
        return key
    }

    /// A number, a boolean or a date.
    mutating func word() throws(TOMLFault) -> String {
        let start = index
        var word = takeAll { Self.isPartOfWord($0) }
        // A blank may stand in the place of the T between a day and a time.
        if TOMLWord.isDay(word), next == " ", let digit = peek(1), Self.isDigit(digit) {
            index += 1
            word += " " + takeAll { Self.isPartOfWord($0) }
        }
        guard let value = TOMLWord.value(of: word) else {
            throw TOMLFault(
                message: word.isEmpty ? "there is no value" : "this is no value",
                hint: word.isEmpty ? nil : "put quotes around a text",
                place: start
            )
        }
        return value
    }

    private mutating func takeAll(while fits: (Unicode.Scalar) -> Bool) -> String {
        let start = index
        while let scalar = next, fits(scalar) { index += 1 }
        return String(String.UnicodeScalarView(text[start..<index]))
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

    private static func isBare(_ scalar: Unicode.Scalar) -> Bool {
        isDigit(scalar) || ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "-"
            || scalar == "_"
    }

    private static func isPartOfWord(_ scalar: Unicode.Scalar) -> Bool {
        isBare(scalar) || scalar == "+" || scalar == "." || scalar == ":"
    }

    // MARK: Strings

    /// A string of any of the four kinds.
    mutating func string() throws(TOMLFault) -> String {
        let start = index
        let quote = next ?? "\""
        let isLong = takeThree(quote)
        if isLong { _ = takeLineEnd() } else { _ = take(quote) }
        var content = String.UnicodeScalarView()
        while let scalar = next {
            if scalar == quote {
                guard isLong else {
                    index += 1
                    return String(content)
                }
                if closesLong(quote, &content) { return String(content) }
            } else if scalar == "\\", quote == "\"" {
                try escape(isLong: isLong, into: &content)
            } else if isLong, takeLineEnd() {
                content.append("\n")
            } else if scalar == "\n" || scalar == "\r", !isLong {
                break
            } else {
                try check(scalar)
                content.append(scalar)
                index += 1
            }
        }
        throw TOMLFault(message: "the quotes are never closed", place: start)
    }

    /// Takes up to five quotes: three end the string, and two may stand in front of them.
    private mutating func closesLong(_ quote: Unicode.Scalar, _ content: inout String.UnicodeScalarView) -> Bool {
        var count = 0
        while count < 5, take(quote) { count += 1 }
        let closes = count >= 3
        content.append(contentsOf: repeatElement(quote, count: closes ? count - 3 : count))
        return closes
    }

    private mutating func escape(isLong: Bool, into content: inout String.UnicodeScalarView) throws(TOMLFault) {
        let start = index
        index += 1
        if isLong, skipsLine() { return }
        guard let letter = next else { throw TOMLFault(message: "an escape without a letter", place: start) }
        index += 1
        switch letter {
        case "b": content.append("\u{08}")
        case "t": content.append("\t")
        case "n": content.append("\n")
        case "f": content.append("\u{0C}")
        case "r": content.append("\r")
        case "\"", "\\": content.append(letter)
        case "u": content.append(try scalar(digits: 4, from: start))
        case "U": content.append(try scalar(digits: 8, from: start))
        default:
            throw TOMLFault(
                message: "an unknown escape",
                hint: "write \"\\\\\" for a backslash, or single quotes around the text",
                place: start
            )
        }
    }

    /// Takes the rest of the line and all blanks behind it, where a backslash is the last thing on a line.
    private mutating func skipsLine() -> Bool {
        let start = index
        skipBlanks()
        guard takeLineEnd() else {
            index = start
            return false
        }
        repeat { skipBlanks() } while takeLineEnd()
        return true
    }

    private mutating func scalar(digits count: Int, from start: Int) throws(TOMLFault) -> Unicode.Scalar {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let next, next.isASCII, let digit = Character(next).hexDigitValue else {
                throw TOMLFault(message: "an escape with less than \(count) digits", place: start)
            }
            value = value << 4 | UInt32(digit)
            index += 1
        }
        guard let scalar = Unicode.Scalar(value) else {
            throw TOMLFault(message: "an escape that is no character", place: start)
        }
        return scalar
    }
}

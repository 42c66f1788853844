// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Logging
internal import RstreamModel

/// One fact of a line. The type of its metadata value, not its text, decides whether it is a string, a number or a
/// boolean in JSON: a tunnel may be named "123".
struct LogFact: Hashable, Sendable {
    let key: String
    /// The text for people and for journal fields.
    let text: String
    /// The JSON literal of a number or boolean.
    private let literal: String?

    init(_ key: String, _ value: Logger.MetadataValue) {
        self.key = key
        switch value {
        case .stringConvertible(let number as any BinaryInteger): (text, literal) = ("\(number)", "\(number)")
        case .stringConvertible(let flag as Bool): (text, literal) = ("\(flag)", "\(flag)")
        case .stringConvertible(let duration as Duration):
            (text, literal) = (duration.secondsText, duration.secondsDigits)
        case .string, .stringConvertible, .dictionary, .array:
            (text, literal) = ("\(value)".cut(toBytes: LogRecord.longestValue), nil)
        }
    }

    /// The value as JSON.
    var json: String { literal ?? text.quotedJSON }

    /// The value in a text line, in quotes where it is not one plain word. Control characters are escaped, so it can
    /// neither begin another line nor affect a terminal.
    var shown: String { isPlain ? text : text.quotedJSON.printable }

    private var isPlain: Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") }
    }
}

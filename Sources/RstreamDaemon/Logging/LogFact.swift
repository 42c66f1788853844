internal import Logging
internal import RstreamModel

/// One fact of a line. Whether it is a text, a number or a boolean is for the code that says it to decide, never for how
/// it reads: a tunnel may be called "123".
struct LogFact: Hashable, Sendable {
    let key: String
    /// What a person reads.
    let text: String
    /// What a program reads, where that is no text.
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

    /// The value in a line for people: in quotes where it would not be read back as one. Nothing in it can begin another
    /// line or reach a terminal, whoever has said it.
    var shown: String { isPlain ? text : text.quotedJSON.printable }

    private var isPlain: Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") }
    }
}

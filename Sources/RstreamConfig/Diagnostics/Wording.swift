/// What is said about a file, in two forms: for those who may read the file, and for everybody.
///
/// What stands in the words themselves is ours. What is put into them may come from the file, so it is in the first form
/// only, and an ellipsis stands for it in the second, unless it is known to be ours as well (`shown:`).
struct Wording: Hashable, Sendable {
    /// As it is.
    let text: String
    /// Without anything that may stand in the file.
    let discreet: String

    /// Both forms are given.
    init(_ text: String, discreet: String) {
        self.text = text
        self.discreet = discreet
    }
}

extension Wording: ExpressibleByStringInterpolation {
    init(stringLiteral text: String) {
        self.init(text, discreet: text)
    }

    init(stringInterpolation parts: StringInterpolation) {
        self.init(parts.text, discreet: parts.discreet)
    }

    struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = ""
        fileprivate var discreet = ""

        init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + interpolationCount * 16)
        }

        mutating func appendLiteral(_ literal: String) {
            text += literal
            discreet += literal
        }

        /// What may come from the file.
        mutating func appendInterpolation(_ value: some CustomStringConvertible) {
            text += "\(value)"
            discreet += "…"
        }

        /// What is ours.
        mutating func appendInterpolation(shown value: some CustomStringConvertible) {
            text += "\(value)"
            discreet += "\(value)"
        }

        mutating func appendInterpolation(_ wording: Wording) {
            text += wording.text
            discreet += wording.discreet
        }

        /// A place is told to everybody.
        mutating func appendInterpolation(_ mark: SourceMark) {
            appendInterpolation(shown: mark)
        }
    }
}

package import RstreamDaemonModel
internal import RstreamModel

/// Where a definition stands, for messages.
///
/// All marks are equal: a definition that moved to another line or file is still the same definition, and the
/// synthesized equality of the values that carry a mark stays right without being written by hand.
package struct SourceMark: Sendable, CustomStringConvertible {
    /// Path of the file; empty for a definition that came from no file.
    package let file: String
    /// Counted from 1.
    package let line: Int
    /// Counted from 1, in Unicode scalars.
    package let column: Int

    /// A place in a file.
    package init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    /// The mark of a definition that came from no file.
    package static let none = Self(file: "", line: 0, column: 0)

    /// `file:line:column`.
    package var description: String { "\(file):\(line):\(column)" }
}

extension SourceMark: Hashable {
    /// Always true, see above.
    package static func == (first: Self, second: Self) -> Bool { true }

    /// Adds nothing, since all marks are equal.
    package func hash(into hasher: inout Hasher) {}
}

/// Where some keys of a definition stand. All are equal, as the marks are.
package struct SourceMarks: Sendable {
    private let marks: [ConfigurationKey: SourceMark]

    /// Takes the places of the keys that are there.
    package init(_ marks: [ConfigurationKey: SourceMark] = [:]) {
        self.marks = marks
    }

    package subscript(key: ConfigurationKey) -> SourceMark? { marks[key] }
}

extension SourceMarks: Hashable {
    /// Always true, see above.
    package static func == (first: Self, second: Self) -> Bool { true }

    /// Adds nothing, since all are equal.
    package func hash(into hasher: inout Hasher) {}
}

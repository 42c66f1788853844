/// One complaint about a configuration file, with the place it is about (contract §2).
package struct Diagnostic: Hashable, Sendable {
    /// Whether the configuration can be used all the same.
    package enum Severity: String, Hashable, Sendable {
        case error
        case warning
    }

    /// Whether the configuration can be used all the same.
    package let severity: Severity
    /// Path of the file.
    package let file: String
    /// Counted from 1; zero when the complaint is about the file as a whole.
    package let line: Int
    /// Counted from 1, in Unicode scalars; zero when the complaint is about the file as a whole.
    package let column: Int
    /// What is wrong, in one line. Never holds a secret.
    package let message: String
    /// What was expected, or the nearest valid key or value.
    package let hint: String?
    /// The line as it stands in the file, with secrets as `***`; nil when it is about the file as a whole.
    package let sourceLine: String?
    /// The part of ``sourceLine`` to underline, as offsets of Unicode scalars. A secret that is hidden in front of it
    /// makes it start elsewhere than at ``column``.
    package let underline: Range<Int>

    /// A complaint about one place, or about a whole file when `line` is zero.
    package init(
        severity: Severity = .error,
        file: String,
        line: Int = 0,
        column: Int = 0,
        message: String,
        hint: String? = nil,
        sourceLine: String? = nil,
        underline: Range<Int> = 0..<1
    ) {
        self.severity = severity
        self.file = file
        self.line = line
        self.column = column
        self.message = message
        self.hint = hint
        self.sourceLine = sourceLine
        self.underline = underline
    }
}

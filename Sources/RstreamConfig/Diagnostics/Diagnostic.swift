// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux

/// One error or warning about a configuration file, with its place (contract §2).
package struct Diagnostic: Hashable, Sendable {
    /// Whether the configuration can still be used.
    package enum Severity: String, Hashable, Sendable {
        case error
        case warning
    }

    /// Whether the configuration can still be used.
    package let severity: Severity
    /// Path of the file.
    package let file: String
    /// Counted from 1; zero when it is about the file as a whole.
    package let line: Int
    /// Counted from 1, in Unicode scalars; zero when it is about the file as a whole.
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
    /// The same without anything that may come from the file.
    private let redacted: Redacted?
    /// Who may read the file, and therefore the whole diagnostic; nil when it holds nothing of the file.
    package let readers: FileReaders?

    private struct Redacted: Hashable {
        let message: String
        let hint: String?
    }

    /// A diagnostic of one place, or of a whole file when `line` is zero. It holds nothing of the file.
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
        redacted = nil
        readers = nil
    }

    /// A diagnostic of one place that shows the text there to `readers`.
    init(
        severity: Severity,
        file: String,
        line: Int,
        column: Int,
        message: Wording,
        hint: Wording?,
        sourceLine: String,
        underline: Range<Int>,
        readers: FileReaders
    ) {
        self.severity = severity
        self.file = file
        self.line = line
        self.column = column
        self.message = message.text
        self.hint = hint?.text
        self.sourceLine = sourceLine
        self.underline = underline
        redacted = Redacted(message: message.redacted, hint: hint?.redacted)
        self.readers = readers
    }

    /// The diagnostic for users who may not read the file: its place and what is wrong, without any text of the file.
    package var withoutText: Diagnostic {
        guard let redacted else { return self }
        return Diagnostic(
            severity: severity,
            file: file,
            line: line,
            column: column,
            message: redacted.message,
            hint: redacted.hint
        )
    }

    /// The diagnostic as a user in these groups may see it.
    package func shown(toUser user: UInt32, groups: Set<UInt32>) -> Diagnostic {
        guard let readers, !readers.include(user: user, groups: groups) else { return self }
        return withoutText
    }
}

/// Who may read a file: who may go through every folder on the way to it, and read what is there.
package struct FileReaders: Hashable, Sendable {
    private let steps: [PathStep]

    init(_ contents: FileContents) {
        steps = contents.way + [contents.file]
    }

    /// Whether a user in these groups may read it.
    package func include(user: UInt32, groups: Set<UInt32>) -> Bool {
        steps.allSatisfy { $0.admits(user: user, groups: groups) }
    }
}

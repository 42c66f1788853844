// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// One error or warning about a configuration file (contract §2).
package struct DiagnosticReport: Codable, Hashable, Sendable {
    /// `error` or `warning`.
    package var severity: String
    package var file: String
    /// Counted from 1; 0 when it is about the file as a whole.
    @Count package var line: Int
    @Count package var column: Int
    package var message: String
    /// What was expected, or the nearest valid key or value.
    @OrNull package var hint: String?
    /// The whole message as `rstreamd --check` prints it, with the line and a caret.
    package var text: String

    package init(
        severity: String,
        file: String,
        line: Int,
        column: Int,
        message: String,
        hint: String?,
        text: String
    ) {
        self.severity = severity
        self.file = file
        self.line = line
        self.column = column
        self.message = message
        _hint = OrNull(wrappedValue: hint)
        self.text = text
    }
}

/// What `rstreamctl check -o json` prints, and `rstreamd --check --output json`.
package struct CheckReport: Codable, Hashable, Sendable {
    /// The file that was checked, as it was named.
    package var file: String
    /// Errors and warnings.
    package var diagnostics: [DiagnosticReport]

    package init(file: String, diagnostics: [DiagnosticReport]) {
        self.file = file
        self.diagnostics = diagnostics
    }
}

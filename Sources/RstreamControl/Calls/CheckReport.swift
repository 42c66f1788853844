package import RstreamAdmin
package import RstreamConfig

/// What `rstreamctl check -o json` prints: the complaints in the form of the admin API's reload.
package struct CheckReport: Codable, Hashable, Sendable {
    package var file: String
    package var diagnostics: [DiagnosticReport]

    package init(file: String, diagnostics: [Diagnostic]) {
        self.file = file
        self.diagnostics = diagnostics.map { diagnostic in
            DiagnosticReport(
                severity: diagnostic.severity.rawValue,
                file: diagnostic.file,
                line: diagnostic.line,
                column: diagnostic.column,
                message: diagnostic.message,
                hint: diagnostic.hint,
                text: diagnostic.description
            )
        }
    }
}

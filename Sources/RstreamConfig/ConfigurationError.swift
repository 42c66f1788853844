// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// A configuration that cannot be used.
package struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What an exit status is chosen by (contract §2).
    package enum Kind: Hashable, Sendable {
        /// A file says something that it may not, or is missing: exit 78.
        case invalid
        /// A file that must be read may not be: exit 77.
        case notPermitted
    }

    /// What an exit status is chosen by.
    package let kind: Kind
    /// Every error and warning, in the order of files and lines.
    package let diagnostics: [Diagnostic]

    /// A failed load.
    package init(kind: Kind, diagnostics: [Diagnostic]) {
        self.kind = kind
        self.diagnostics = diagnostics
    }

    /// The exit status of the contract: 77 or 78.
    package var exitStatus: Int32 {
        switch kind {
        case .invalid: 78
        case .notPermitted: 77
        }
    }

    /// All diagnostics as text, each with its line and caret.
    package var description: String { diagnostics.map(\.description).joined(separator: "\n") }
}

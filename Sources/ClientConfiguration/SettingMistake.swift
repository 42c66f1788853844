// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// What is wrong with one setting, wherever it was set: in a file, a variable or an option.
package struct SettingMistake: Hashable, Sendable {
    /// What a complaint points at.
    package enum Subject: Hashable, Sendable {
        /// That the setting is there: it does not go with others, or is not supported.
        case key
        /// What it says.
        case value
        /// What it says, which is none of the words that it may be.
        case word(String, of: [String])
    }

    /// The key, dotted from where the settings start: `proxy.tls.caFile`.
    package let key: String
    /// What of the setting is wrong.
    package let subject: Subject
    /// The official name of the mistake.
    package let code: RstreamError.Code
    /// What is wrong, in one line without place and without secrets.
    package let what: String
    /// What to do about it, where that is known.
    package let fix: String?

    /// A mistake in the setting `key`.
    package init(
        _ key: String,
        _ what: String,
        about subject: Subject = .key,
        fix: String? = nil,
        code: RstreamError.Code = .invalidConfig
    ) {
        self.key = key
        self.subject = subject
        self.code = code
        self.what = what
        if case .word(_, let words) = subject {
            self.fix = fix ?? "valid: \(words.joined(separator: ", "))"
        } else {
            self.fix = fix
        }
    }
}

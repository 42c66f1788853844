// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// What one check found.
package struct Finding: Codable, Hashable, Sendable {
    package enum Verdict: String, Codable, Hashable, Sendable, CaseIterable {
        case ok
        /// It works, but not for ever or not in all cases.
        case warn
        case fail
        /// It was not examined, because something before it failed or because it is not in use.
        case skip
    }

    /// What was examined: `user`, `config`, `credentials`, `dns`, `tcp`, `tls`, `alpn`, `proxy`, `engine`, `daemon`,
    /// `tunnels`, `canary`, `admin`, `metrics`, `page`, `listeners`, `upstreams`, `limits` or `clock`.
    package var check: String
    package var verdict: Verdict
    /// Which context, tunnel or file it is about, if there are several.
    package var subject: String?
    /// What was found, in one line. Never holds a secret.
    package var detail: String
    /// What to do about it.
    package var fix: String?

    package init(_ check: String, _ verdict: Verdict, of subject: String? = nil, _ detail: String, fix: String? = nil) {
        self.check = check
        self.verdict = verdict
        self.subject = subject
        self.detail = detail
        self.fix = fix
    }
}

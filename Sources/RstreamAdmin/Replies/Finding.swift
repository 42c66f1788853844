/// What one check found.
package struct Finding: Codable, Hashable, Sendable {
    package enum Verdict: String, Codable, Hashable, Sendable, CaseIterable {
        case ok
        /// It works, and will not for ever or not for everybody.
        case warn
        case fail
        /// It could not be looked at, because something before it failed or there is nothing to look at.
        case skip
    }

    /// What was looked at: `user`, `config`, `credentials`, `dns`, `tcp`, `tls`, `alpn`, `proxy`, `engine`, `daemon`, `tunnels`,
    /// `admin`, `metrics`, `listeners`, `upstreams`, `limits` or `clock`.
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

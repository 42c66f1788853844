package import RstreamModel

/// What is wrong with one setting, before anybody knows in which file, variable or option it stands.
package struct SettingMistake: Error, Hashable, Sendable {
    /// The key, dotted from where the settings start: `proxy.tls.caFile`.
    package let key: String
    /// The official name of the mistake.
    package let code: RstreamError.Code
    /// What is wrong, in one line without place and without secrets.
    package let what: String
    /// What to do about it, where that is known.
    package let fix: String?

    /// A mistake in the value of `key`.
    package init(
        _ key: String,
        _ what: String,
        fix: String? = nil,
        code: RstreamError.Code = .invalidConfig
    ) {
        self.key = key
        self.code = code
        self.what = what
        self.fix = fix
    }
}

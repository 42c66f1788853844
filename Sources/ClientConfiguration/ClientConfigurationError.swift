package import RstreamModel
package import YAML

/// Why there is no way to an engine in what a user configured.
package struct ClientConfigurationError: Error, Hashable, Sendable {
    /// The official name of the mistake.
    package let code: RstreamError.Code
    /// What is wrong, in one line without place and without secrets.
    package let what: String
    /// What to do about it, where that is known.
    package let fix: String?
    /// Where it stands in the client configuration file; nil when something outside of the file is wrong.
    package let span: Span?

    /// A mistake, with its place if it stands in the file.
    package init(
        _ what: String,
        fix: String? = nil,
        code: RstreamError.Code = .invalidConfig,
        at span: Span? = nil
    ) {
        self.code = code
        self.what = what
        self.fix = fix
        self.span = span
    }

    /// The same for users of the library: one line that begins with the place in the file at `path`.
    package func error(in path: String) -> RstreamError {
        let place = span.map { "\(path):\($0.start.line):\($0.start.column): " } ?? ""
        return RstreamError(
            code: code,
            origin: .configuration,
            retry: .afterReload,
            what: place + what,
            fix: fix
        )
    }
}

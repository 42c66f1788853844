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

/// Everything that was found wrong at once.
package struct ClientConfigurationErrors: Error, Hashable, Sendable {
    /// At least one, in the order in which they were found.
    package let all: [ClientConfigurationError]

    /// The one to tell where there is room for one only.
    package var first: ClientConfigurationError { all[0] }

    /// `all` must not be empty.
    init(_ all: [ClientConfigurationError]) {
        precondition(!all.isEmpty, "a failure that nothing is the reason for")
        self.all = all
    }
}

extension [ClientConfigurationError] {
    /// What `body` gives; nil when it fails, which is added to these.
    mutating func collect<Value>(_ body: () throws(ClientConfigurationError) -> Value) -> Value? {
        do throws(ClientConfigurationError) {
            return try body()
        } catch {
            append(error)
            return nil
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

#if ConfigurationFiles
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

/// Everything that was found wrong at once, which is something.
package struct ClientConfigurationErrors: Error, Hashable, Sendable {
    /// The one to tell where there is room for one only.
    package let first: ClientConfigurationError
    private let others: [ClientConfigurationError]

    /// All of them, in the order in which they were found.
    package var all: [ClientConfigurationError] { [first] + others }

    init(_ first: ClientConfigurationError, _ others: [ClientConfigurationError] = []) {
        self.first = first
        self.others = others
    }

    /// Nil where nothing was found.
    init?(_ all: [ClientConfigurationError]) {
        guard let first = all.first else { return nil }
        self.init(first, Array(all.dropFirst()))
    }

    /// These, and what was found after them.
    func followed(by others: [ClientConfigurationError]) -> ClientConfigurationErrors {
        ClientConfigurationErrors(first, self.others + others)
    }
}
#endif

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import ClientConfiguration
import RstreamModel
import Testing
import YAML

/// What came of a client configuration.
struct Resolved {
    var client: ResolvedClient?
    var errors: [ClientConfigurationError] = []

    /// The first mistake.
    var error: ClientConfigurationError? { errors.first }
    /// The code of the error, in short; nil when there was none.
    var code: RstreamError.Code? { error?.code }
    /// The mistake with its place in the file, if it has one.
    var complaint: String? { complaints.first }
    /// All mistakes with their places.
    var complaints: [String] {
        errors.map { error in
            guard let start = error.span?.start else { return error.what }
            return "\(start.line):\(start.column): \(error.what)"
        }
    }
}

func resolve(
    _ text: String = "",
    environment: [String: String] = [:],
    _ change: (inout ClientOverrides) -> Void = { _ in }
) -> Resolved {
    var overrides = ClientOverrides()
    change(&overrides)
    do throws(ClientConfigurationErrors) {
        let file = try ClientFile(reading: Array(text.utf8), in: "/home/u/.rstream")
        return Resolved(client: try ResolvedClient(file, overrides: overrides, environment: environment))
    } catch {
        return Resolved(errors: error.all)
    }
}

/// A file with one context called `main`, the default, of these keys, the first of which is on line 4.
func context(_ keys: String) -> String {
    "defaults: { context: { name: main } }\ncontexts:\n  - name: main\n" + indented(keys, by: 4)
}

/// The same with an entry for its control plane, of these keys, behind it.
func context(_ keys: String, environment: String) -> String {
    context("apiUrl: https://api.example/\n" + keys) + "environments:\n  - apiUrl: https://api.example\n"
        + indented(environment, by: 4)
}

private func indented(_ text: String, by count: Int) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false)
        .map { String(repeating: " ", count: count) + $0 + "\n" }.joined()
}

/// Authentication with a stored token.
func stored(_ token: String) -> String { "auth: { token: { storage: { kind: inline, value: \(token) } } }" }

/// What must be complained about.
struct Refused: CustomTestStringConvertible {
    let text: String
    let complaint: String
    let code: RstreamError.Code

    init(_ text: String, _ complaint: String, _ code: RstreamError.Code = .invalidConfig) {
        self.text = text
        self.complaint = complaint
        self.code = code
    }

    var testDescription: String { text.split(separator: "\n").joined(separator: " | ") }

    func check(_ outcome: Resolved, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(outcome.complaints == [complaint], sourceLocation: sourceLocation)
        #expect(outcome.code == code, sourceLocation: sourceLocation)
    }
}

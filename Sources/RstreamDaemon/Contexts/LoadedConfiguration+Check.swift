// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamConfig

extension LoadedConfiguration {
    /// The same for a reload, which is refused when a session could not use its files: running tunnels must not stop
    /// for that.
    func judgedForReload() throws(ConfigurationError) -> LoadedConfiguration {
        let errors = NamedFiles.errors(about: configuration)
        guard errors.isEmpty else { throw ConfigurationError(kind: .invalid, diagnostics: errors + warnings) }
        return self
    }

    /// The warnings of a check; throws when there is an error.
    func checked() throws(ConfigurationError) -> PassedCheck {
        let findings = NamedFiles.findings(about: configuration)
        let ends = CredentialEnds.warnings(about: configuration)
        guard findings.contains(where: { $0.severity == .error }) else {
            return PassedCheck(warnings: warnings + findings + ends + idleness)
        }
        throw ConfigurationError(kind: .invalid, diagnostics: findings + warnings + ends)
    }

    /// A configuration without tunnels and listeners serves nothing, which is hardly what the operator meant.
    private var idleness: [Diagnostic] {
        guard configuration.tunnels.isEmpty, configuration.listeners.isEmpty else { return [] }
        return [
            Diagnostic(
                severity: .warning,
                file: configuration.files.first ?? "",
                message: "there are no tunnels and no listeners, here or in included files",
                hint: "put a tunnel into tunnels.d, like web.yaml.example there"
            )
        ]
    }
}

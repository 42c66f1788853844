internal import RstreamConfig

extension LoadedConfiguration {
    /// What a reload takes: what works must not be taken down for files that a connect cannot use.
    func judgedForReload() throws(ConfigurationError) -> LoadedConfiguration {
        let errors = NamedFiles.errors(about: configuration)
        guard errors.isEmpty else { throw ConfigurationError(kind: .invalid, diagnostics: errors + warnings) }
        return self
    }

    /// What a check that finds no error has to say.
    func checked() throws(ConfigurationError) -> PassedCheck {
        let findings = NamedFiles.findings(about: configuration)
        let ends = CredentialEnds.warnings(about: configuration)
        guard findings.contains(where: { $0.severity == .error }) else {
            return PassedCheck(warnings: warnings + findings + ends + idleness)
        }
        throw ConfigurationError(kind: .invalid, diagnostics: findings + warnings + ends)
    }

    /// Where nothing is asked for, nobody will be served, which is hardly what was meant by whoever asks.
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

internal import Linux
package import RstreamConfig

/// A check of a configuration that needs no daemon, for `rstreamd --check` and `rstreamctl check`.
package enum ConfigurationCheck {
    /// Checks the daemon's own file at `file` with the rights of the user that is to read it, which this process keeps.
    package static func run(
        _ file: String,
        environment: [String: String]
    ) throws(ConfigurationError) -> PassedCheck {
        let isUnitsFile = DaemonConfiguration.isUsualFile(file)
        let taken = CheckIdentity(of: .current, isUnitsFile: isUnitsFile).switchUser()
        var doubts: [Diagnostic] = []
        if let taken, taken.failure != nil {
            doubts.append(Diagnostic(severity: .warning, file: file, message: taken.description, hint: taken.fix))
        }
        do throws(ConfigurationError) {
            let loader = ConfigurationLoader(environment: environment, rule: .checking)
            // That user may not be let into the folder that this process works in.
            let passed = try loader.load(isUnitsFile ? DaemonConfiguration.usualFile : file).checked()
            return PassedCheck(warnings: doubts + passed.warnings)
        } catch {
            throw ConfigurationError(kind: error.kind, diagnostics: doubts + error.diagnostics)
        }
    }
}

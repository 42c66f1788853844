/// A configuration that can be used.
package struct LoadedConfiguration: Hashable, Sendable {
    /// The values.
    package let configuration: DaemonConfiguration
    /// What is worth saying all the same.
    package let warnings: [Diagnostic]

    /// A configuration with its warnings.
    package init(configuration: DaemonConfiguration, warnings: [Diagnostic] = []) {
        self.configuration = configuration
        self.warnings = warnings
    }
}

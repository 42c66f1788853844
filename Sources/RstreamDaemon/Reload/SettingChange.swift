package import RstreamDaemonModel
internal import RstreamModel

/// A setting of the daemon as a whole that is another one in the files.
package struct SettingChange: Hashable, Sendable {
    package let key: ConfigurationKey
    /// Why it is not in force; nil when it is.
    package let obstacle: String?

    package init(_ key: ConfigurationKey, obstacle: String? = nil) {
        (self.key, self.obstacle) = (key, obstacle)
    }
}

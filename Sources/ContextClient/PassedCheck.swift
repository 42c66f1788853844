package import RstreamConfig
internal import RstreamModel

/// What is said of a configuration that can be used, whoever was asked to check it.
package struct PassedCheck: Hashable, Sendable {
    /// What is worth saying all the same.
    package let warnings: [Diagnostic]

    /// A check that found nothing worse than these.
    package init(warnings: [Diagnostic]) {
        self.warnings = warnings
    }

    /// The last word on `file`, which is the daemon's own.
    package func verdict(on file: String) -> String {
        let verdict =
            switch warnings.count {
            case 0: "no mistakes"
            case 1: "no errors, 1 warning"
            case let count: "no errors, \(count) warnings"
            }
        return "\(file): \(verdict)".printable
    }
}

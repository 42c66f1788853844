internal import Glibc
internal import RstreamModel

/// The variables that this process was started with, and what became of them since.
package enum ProcessEnvironment {
    /// Entries without `=` are nobody's. Of two with one name the last counts.
    package static var variables: [String: String] {
        var variables: [String: String] = [:]
        var entry = unsafe environ
        while let text = unsafe entry.pointee {
            let parts = unsafe String(cString: text).split(byte: "=", maxSplits: 1, omittingEmpty: false)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
            unsafe entry += 1
        }
        return variables
    }
}

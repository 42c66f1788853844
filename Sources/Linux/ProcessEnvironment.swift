// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import RstreamModel

/// The environment variables of this process, as they are now.
package enum ProcessEnvironment {
    /// Entries without `=` are ignored. Of two with the same name the last one counts.
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

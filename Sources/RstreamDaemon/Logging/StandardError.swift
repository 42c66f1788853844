// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux

/// Writes to standard error.
package enum StandardError {
    /// Writes the whole text, and blocks while it is not read. Errors are ignored, as there is nowhere to report them.
    package static func write(_ text: String) { write(text, to: STDERR_FILENO) }

    static func write(_ text: String, to descriptor: Int32) { try? DescriptorIO.write(text, to: descriptor) }
}

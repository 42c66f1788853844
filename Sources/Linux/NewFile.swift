// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc

/// Files that are not there yet.
package enum NewFile {
    /// Writes a file that its owner may change and all users may read. One that exists stays as it is, and is an error.
    package static func write(_ bytes: [UInt8], to path: String) throws(SystemError) {
        MayBlock.now("writing a file")
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw SystemError("open", errno) }
        defer { _ = Glibc.close(descriptor) }
        try DescriptorIO.write(bytes, to: descriptor)
    }
}

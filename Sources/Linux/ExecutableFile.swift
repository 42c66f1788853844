// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import RstreamModel

/// The file of the program that this process runs.
package enum ExecutableFile {
    /// Its path now; nil where the kernel does not tell, or when the file has been replaced or removed.
    package static var path: String? {
        MayBlock.now("readlink")
        var buffer = [CChar](repeating: 0, count: 4_096)
        let count = unsafe Glibc.readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0, count < buffer.count else { return nil }
        let path = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.endsWithBytes(of: " (deleted)") ? nil : path
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import CLinux
internal import Glibc
internal import RstreamModel

/// glibc's allocator.
package enum Heap {
    /// Returns free memory to the kernel; takes some milliseconds on the calling thread.
    package static func trim() {
        MayBlock.now("malloc_trim")
        _ = malloc_trim(0)
    }

    /// Bytes of memory that the process has of its own and the program does not use: what is free in the allocator, and
    /// what stacks, libraries and the allocator itself need. Nil when the kernel does not tell.
    package static var idleBytes: Int? {
        guard let resident = privateBytes else { return nil }
        return max(0, resident - Int(clamping: rstream_heap_in_use()))
    }

    private static let statistics = KernelFile(keptOpen: "/proc/self/statm")

    /// Opens what is read, while there are descriptors.
    package static func prepare() { _ = statistics }

    /// Resident pages that are no file's.
    private static var privateBytes: Int? {
        guard let fields = statistics.text?.split(byte: " ").prefix(3) else { return nil }
        let numbers = fields.compactMap { Int($0) }
        guard numbers.count == 3 else { return nil }
        return max(0, numbers[1] - numbers[2]) * Int(sysconf(CInt(_SC_PAGESIZE)))
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc

/// How many files and sockets this process may open, and has open.
package enum FileDescriptors {
    /// Raises the soft limit to the hard one, which needs no privilege, and returns what is in force.
    package static func raiseLimit() -> Int {
        guard var limit else { return 1_024 }
        if limit.rlim_cur < limit.rlim_max {
            var raised = limit
            raised.rlim_cur = limit.rlim_max
            if unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
        }
        return Int(clamping: limit.rlim_cur)
    }

    /// The hard limit, if the kernel tells.
    package static var hardLimit: Int? { limit.map { Int(clamping: $0.rlim_max) } }

    /// How many are open in this process now; nil when the kernel does not tell.
    package static var open: Int? {
        guard let directory = unsafe opendir("/proc/self/fd") else { return nil }
        defer { unsafe closedir(directory) }
        // Without the directory itself, and its entries for itself and its parent.
        var count = -3
        while unsafe readdir(directory) != nil { count += 1 }
        return max(0, count)
    }

    private static var limit: rlimit? {
        var limit = rlimit()
        return unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 ? limit : nil
    }
}

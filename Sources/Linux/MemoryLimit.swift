// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// The memory limit of a process's control group, of either version (cgroups(7)). The kernel kills the process when it
/// is exceeded.
package enum MemoryLimit {
    /// That of this process, in bytes; nil where there is no limit, or none that can be seen.
    package static var current: Int? { limit(of: "self") }

    /// The same for another process.
    package static func limit(ofProcess process: Int) -> Int? { limit(of: "\(process)") }

    private static func limit(of process: String) -> Int? {
        guard let groups = KernelFile.text(at: "/proc/\(process)/cgroup") else { return nil }
        return files(for: groups).compactMap { KernelFile.text(at: $0).flatMap(bytes) }.min()
    }

    /// The files with a limit that binds the process of this `/proc/self/cgroup`: its own group's and those of the
    /// groups around it. In a container the path is another one than outside, so the root of what is mounted is among
    /// them.
    package static func files(for groups: String) -> [String] {
        var files: [String] = []
        for line in groups.split(byte: "\n") {
            let parts = line.split(byte: ":", maxSplits: 2, omittingEmpty: false)
            guard parts.count == 3, parts[2].startsWithBytes(of: "/") else { continue }
            let isFirst = parts[1].split(byte: ",").contains { $0.sameBytes(as: "memory") }
            let isSecond = parts[0].sameBytes(as: "0") && parts[1].isEmpty
            guard isFirst || isSecond else { continue }
            let root = isFirst ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup"
            let name = isFirst ? "memory.limit_in_bytes" : "memory.max"
            var folder = root
            files.append("\(folder)/\(name)")
            for step in parts[2].split(byte: "/") {
                folder += "/\(step)"
                files.append("\(folder)/\(name)")
            }
        }
        return files
    }

    /// What such a file says; nil for no limit, which the first version writes as more than there is.
    package static func bytes(_ text: String) -> Int? {
        guard let word = text.split(byte: "\n").first, let number = Int(word), number > 0, number < 1 << 60 else {
            return nil
        }
        return number
    }
}

/// How many streams there is memory for, in the worst case that no visitor reads.
package enum MemoryBudget {
    /// The daemon's memory before the first stream, with some hundred tunnels.
    static let fixed = 28 << 20
    /// What a stream holds at most: what was read from one side and is not taken by the other, on its way through TLS.
    /// `Tests/Benchmarks/repeats --only read` measures it.
    package static let perStream = 1_280 << 10
    /// The kernel's own part: sockets, page tables, files.
    private static let kernelShare = 10

    /// At least one. `requests` are the bytes that requests of inspected tunnels may take of the limit.
    package static func streams(limit: Int, requests: Int = 0) -> Int {
        max(1, (limit - limit / kernelShare - fixed - requests) / perStream)
    }
}

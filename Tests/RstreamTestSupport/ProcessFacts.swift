// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Glibc

/// What the kernel says about a process.
package enum ProcessFacts {
    /// How many file descriptors it has open.
    package static func descriptors(of pid: Int32) -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count) ?? 0
    }

    /// How much memory it has resident, in bytes.
    package static func residentBytes(of pid: Int32) -> Int { status(of: pid, "VmRSS:") * 1_024 }

    /// How much of that is no file's.
    package static func anonymousBytes(of pid: Int32) -> Int { status(of: pid, "RssAnon:") * 1_024 }

    /// How many threads it has.
    package static func threads(of pid: Int32) -> Int { status(of: pid, "Threads:") }

    /// A number of `/proc/PID/status`.
    private static func status(of pid: Int32, _ name: String) -> Int {
        let lines = text(of: pid, "status").split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix(name) }) else { return 0 }
        return line.split(whereSeparator: { $0 == " " || $0 == "\t" }).compactMap { Int($0) }.first ?? 0
    }

    /// The content of a file in the process's folder of /proc, which tells no size and may come in many pieces.
    package static func text(of pid: Int32, _ name: String) -> String {
        let file = open("/proc/\(pid)/\(name)", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var (bytes, piece) = ([UInt8](), [UInt8](repeating: 0, count: 65_536))
        while case let count = read(file, &piece, piece.count), count > 0 { bytes += piece.prefix(count) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A number once it has come down to `wanted`, or what it is stuck at.
    package static func settled(at wanted: Int, _ number: () -> Int) async throws -> Int {
        let deadline = ContinuousClock.now + testTimeout
        while number() > wanted, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(20))
        }
        return number()
    }

    /// Raises this process's limit on open files to what is allowed; processes started later inherit it.
    package static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

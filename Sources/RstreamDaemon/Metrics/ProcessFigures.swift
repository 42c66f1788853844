// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import RstreamModel
// Defines timeval and timespec, which an optimized build notices.
internal import SwiftOverlayShims
internal import Synchronization

/// The process metrics, with the names of Prometheus' client libraries.
struct ProcessFigures: Sendable {
    enum DescriptorKind: String, CaseIterable {
        case socket
        case file
        case pipe
        case other
    }

    var cpuSeconds = 0.0
    var residentBytes = 0
    var virtualBytes = 0
    var startTime: Double?
    var descriptors: [DescriptorKind: Int] = [:]
    var descriptorLimit = 0

    /// Kept open: metrics matter most when the process is out of descriptors and cannot open files.
    private static let directory = Lock(opendir("/proc/self/fd"))
    private static let statistics = KernelFile(keptOpen: "/proc/self/stat")

    /// Opens the files in /proc.
    static func prepare() {
        directory.withLock { _ in }
        _ = statistics
    }

    /// Reads the current values; those that the kernel does not provide are zero.
    static func now() -> Self {
        MayBlock.now("reading /proc")
        var figures = Self()
        var usage = rusage()
        if getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 {
            figures.cpuSeconds = seconds(usage.ru_utime) + seconds(usage.ru_stime)
        }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            figures.descriptorLimit = Int(clamping: limit.rlim_cur)
        }
        // The fields follow the name, which is in parentheses and may contain any byte (proc(5)).
        if let text = statistics.text, let name = text.lastIndex(ofByte: ")") {
            let fields = text[name...].split(byte: " ").dropFirst().map(String.init)
            if fields.count > 21 {
                figures.virtualBytes = Int(fields[20]) ?? 0
                figures.residentBytes = (Int(fields[21]) ?? 0) * Int(sysconf(CInt(_SC_PAGESIZE)))
                if let ticks = Double(fields[19]) {
                    figures.startTime = bootTime + ticks / Double(sysconf(CInt(_SC_CLK_TCK)))
                }
            }
        }
        figures.countDescriptors()
        return figures
    }

    func write(_ page: inout PrometheusText) {
        page.family("rstreamd_file_descriptors", .gauge, "Open file descriptors, by kind.")
        for kind in DescriptorKind.allCases {
            page.sample("rstreamd_file_descriptors", [("kind", kind.rawValue)], descriptors[kind, default: 0])
        }
        page.family("process_cpu_seconds_total", .counter, "Total user and system CPU time spent in seconds.")
        page.sample("process_cpu_seconds_total", seconds: cpuSeconds)
        page.family("process_open_fds", .gauge, "Number of open file descriptors.")
        page.sample("process_open_fds", descriptors.values.reduce(0, +))
        page.family("process_max_fds", .gauge, "Maximum number of open file descriptors.")
        page.sample("process_max_fds", descriptorLimit)
        page.family("process_resident_memory_bytes", .gauge, "Resident memory size in bytes.")
        page.sample("process_resident_memory_bytes", residentBytes)
        page.family("process_virtual_memory_bytes", .gauge, "Virtual memory size in bytes.")
        page.sample("process_virtual_memory_bytes", virtualBytes)
        guard let startTime else { return }
        page.family("process_start_time_seconds", .gauge, "Start time of the process since unix epoch in seconds.")
        page.sample("process_start_time_seconds", seconds: startTime)
    }

    private mutating func countDescriptors() {
        descriptors = Self.directory.withLock { directory in
            guard let directory else { return [:] }
            rewinddir(directory)
            var counts: [DescriptorKind: Int] = [:]
            while let entry = readdir(directory) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                var status = stat()
                guard let descriptor = CInt(name), fstat(descriptor, &status) == 0 else { continue }
                let kind: DescriptorKind =
                    switch status.st_mode & S_IFMT {
                    case S_IFSOCK: .socket
                    case S_IFREG: .file
                    case S_IFIFO: .pipe
                    default: .other
                    }
                counts[kind, default: 0] += 1
            }
            return counts
        }
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000 }

    /// When the host booted, in seconds since 1970. A sandbox may hide `/proc/stat`, but not the clocks.
    private static var bootTime: Double {
        var (now, sinceBoot) = (timespec(), timespec())
        clock_gettime(CLOCK_REALTIME, &now)
        clock_gettime(CLOCK_BOOTTIME, &sinceBoot)
        return Double(now.tv_sec - sinceBoot.tv_sec) + Double(now.tv_nsec - sinceBoot.tv_nsec) / 1_000_000_000
    }
}

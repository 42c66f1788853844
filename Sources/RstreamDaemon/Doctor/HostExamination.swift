// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import RstreamAdmin
internal import RstreamConfig
internal import RstreamModel

/// This host: whether descriptors and memory are enough for the configured number of streams, and whether the clock is
/// right.
struct HostExamination {
    let configuration: DaemonConfiguration?
    let daemon: DaemonPresence

    /// The descriptors and the memory of a process, and whose they are.
    struct ProcessLimits: Hashable {
        let whose: String
        let descriptors: Int
        /// Bytes; nil without a limit.
        let memory: Int?
    }

    func run(_ report: (Finding) async -> Void) async {
        await report(Self.limits(process, for: configuration))
        await report(clock)
    }

    /// Those of the daemon; while it does not run, those of its unit or else of this process.
    private var process: ProcessLimits? {
        switch daemon {
        case .answers(let process):
            guard let limit = Self.descriptorLimit(of: process) else { return nil }
            return ProcessLimits(whose: "the daemon", descriptors: limit, memory: MemoryLimit.limit(ofProcess: process))
        case .gone(let unit?):
            guard let limit = unit.descriptors else { return own }
            return ProcessLimits(whose: "the unit", descriptors: limit, memory: unit.memory)
        case .gone(nil), .unknown: return own
        }
    }

    private var own: ProcessLimits? {
        FileDescriptors.hardLimit.map {
            ProcessLimits(whose: "this process", descriptors: $0, memory: MemoryLimit.current)
        }
    }

    static func limits(_ process: ProcessLimits?, for configuration: DaemonConfiguration?) -> Finding {
        guard let process else { return Finding("limits", .skip, "the daemon's limit of descriptors cannot be read") }
        let wanted = configuration?.limits ?? LimitSettings()
        let budget = DescriptorBudget(
            limit: process.descriptors,
            fixed: DescriptorBudget.Fixed(
                contexts: configuration?.contextsInUse.count ?? 1,
                listeners: configuration?.listenerSockets ?? 0,
                checks: configuration.map(CheckSlots.wanted) ?? 0,
                canaries: configuration?.canaries ?? 0,
                ports: configuration?.adminPorts ?? 1
            ),
            wanted: wanted.streams,
            opening: wanted.openingStreams,
            warm: configuration?.warmConnections ?? 0,
            memory: process.memory,
            requests: configuration?.requestMemory ?? 0
        )
        if let shortage = budget.shortage {
            return Finding("limits", .warn, of: process.whose, shortage.what, fix: shortage.fix)
        }
        let memory = process.memory.map { " and have \($0 >> 20) MiB of memory" } ?? ""
        let detail =
            "\(process.whose) may open \(process.descriptors) descriptors\(memory), room for \(budget.room) streams"
        guard process.descriptors < 1_024 else { return Finding("limits", .ok, detail) }
        return Finding("limits", .warn, detail, fix: "raise LimitNOFILE= of the service")
    }

    /// The hard limit, to which the daemon raises its soft one.
    private static func descriptorLimit(of process: Int) -> Int? {
        guard let text = KernelFile.text(at: "/proc/\(process)/limits") else { return nil }
        let line = text.split(byte: "\n").first { $0.startsWithBytes(of: "Max open files") }
        return line?.split(byte: " ").dropFirst(4).first.flatMap { Int($0) }
    }

    private var clock: Finding {
        switch ClockState.current {
        case .synchronised: return Finding("clock", .ok, "synchronised")
        case .unsynchronised:
            let fix = "enable time synchronisation: timedatectl set-ntp true"
            return Finding("clock", .warn, "not synchronised; tokens and certificates are checked against it", fix: fix)
        case .unknown: return Finding("clock", .skip, "the kernel does not say whether it is synchronised")
        }
    }
}

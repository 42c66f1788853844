// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import RstreamConfig
internal import RstreamRelay

/// How many descriptors each part of the daemon may use with a configuration, at the start and after reloads.
struct DescriptorShares: Sendable {
    private let limit: Int
    private let atStart: Int
    /// Bytes; nil without a limit.
    private let memory: Int?

    /// Raises the limit of descriptors, and counts those that are open at the start.
    init() {
        limit = FileDescriptors.raiseLimit()
        memory = MemoryLimit.current
        atStart = max(FileDescriptors.open ?? 0, DescriptorBudget.Fixed.usualAtStart)
    }

    /// For a given limit of descriptors.
    init(limit: Int, atStart: Int, memory: Int? = nil) {
        (self.limit, self.atStart, self.memory) = (limit, atStart, memory)
    }

    func budget(for configuration: DaemonConfiguration) -> DescriptorBudget {
        DescriptorBudget(
            limit: limit,
            fixed: DescriptorBudget.Fixed(
                atStart: atStart,
                contexts: configuration.contextsInUse.count,
                listeners: configuration.listenerSockets,
                checks: CheckSlots.wanted(by: configuration),
                canaries: configuration.canaries,
                ports: configuration.adminPorts
            ),
            wanted: configuration.limits.streams,
            opening: configuration.limits.openingStreams,
            warm: configuration.warmConnections,
            memory: memory,
            requests: configuration.requestMemory
        )
    }

    /// Why fewer streams than `limits.streams` are possible; nil when that many are.
    func shortage(for configuration: DaemonConfiguration) -> String? {
        budget(for: configuration).shortage?.what
    }

    /// Why few streams are possible although `limits.streams` is not set; nil when many are.
    func lowLimit(for configuration: DaemonConfiguration) -> String? {
        guard configuration.limits.streams == 0, limit < Self.usualLimit else { return nil }
        return "\(limit) file descriptors are enough for \(budget(for: configuration).streams) streams"
    }

    /// Linux distributions permit at least this many descriptors by default.
    private static let usualLimit = 1_024
}

extension DaemonConfiguration {
    /// What the requests of inspected tunnels may take of memory.
    var requestMemory: Int { RequestMemory.mostOfAll(inspected: tunnels.count(where: \.isInspected)) }
}

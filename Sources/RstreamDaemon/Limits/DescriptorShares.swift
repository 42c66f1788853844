internal import Linux
internal import RstreamConfig

/// What each part of the daemon may open, for a configuration. One value decides, for the first start and for reloads.
struct DescriptorShares: Sendable {
    private let limit: Int
    private let atStart: Int
    /// Bytes; nil without a limit.
    private let memory: Int?

    /// Raises the limit, and looks at what is open before anything is served.
    init() {
        limit = FileDescriptors.raiseLimit()
        memory = MemoryLimit.current
        atStart = max(FileDescriptors.open ?? 0, DescriptorBudget.Fixed.usualAtStart)
    }

    /// The same for a process that may open so many.
    init(limit: Int, atStart: Int, memory: Int? = nil) {
        (self.limit, self.atStart, self.memory) = (limit, atStart, memory)
    }

    func budget(for configuration: DaemonConfiguration) -> DescriptorBudget {
        DescriptorBudget(
            limit: limit,
            fixed: DescriptorBudget.Fixed(
                atStart: atStart,
                contexts: configuration.contextsInUse.count,
                listeners: configuration.listenerSockets
            ),
            wanted: configuration.limits.streams,
            opening: configuration.limits.openingStreams,
            memory: memory
        )
    }

    /// Why there may be fewer streams than `limits.streams` says; nil when there is enough of everything for it.
    func complaint(about configuration: DaemonConfiguration) -> String? {
        budget(for: configuration).shortage?.what
    }

    /// What an operator has to know who left it to the daemon how many streams there may be; nil when that is plenty.
    func smallness(for configuration: DaemonConfiguration) -> String? {
        guard configuration.limits.streams == 0, limit < Self.few else { return nil }
        return "\(limit) file descriptors are enough for \(budget(for: configuration).streams) streams"
    }

    /// Fewer descriptors than any system gives by default were made so by somebody, who should know what that means.
    private static let few = 1_024
}

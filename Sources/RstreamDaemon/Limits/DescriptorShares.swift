internal import Linux
internal import RstreamConfig

/// What each part of the daemon may open, for a configuration. One value decides, for the first start and for reloads.
struct DescriptorShares: Sendable {
    private let limit: Int
    private let atStart: Int

    /// Raises the limit, and looks at what is open before anything is served.
    init() {
        limit = FileDescriptors.raiseLimit()
        atStart = max(FileDescriptors.open ?? 0, DescriptorBudget.Fixed.usualAtStart)
    }

    func budget(for configuration: DaemonConfiguration) -> DescriptorBudget {
        DescriptorBudget(
            limit: limit,
            fixed: DescriptorBudget.Fixed(
                atStart: atStart,
                contexts: configuration.contexts.count,
                listeners: configuration.listeners.count
            ),
            wanted: configuration.limits.streams,
            opening: configuration.limits.openingStreams
        )
    }

    /// What an operator has to know about `limits.streams`; nil when there are descriptors for it.
    func complaint(about configuration: DaemonConfiguration) -> String? {
        let (wanted, streams) = (configuration.limits.streams, budget(for: configuration).streams)
        return wanted > streams
            ? "limits.streams is \(wanted), and \(limit) file descriptors are enough for \(streams)" : nil
    }
}

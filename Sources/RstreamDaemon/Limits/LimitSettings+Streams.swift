internal import Linux
internal import RstreamConfig

extension LimitSettings {
    /// Streams at once: as many as are configured, else as descriptors allow, at least one. Raises their limit.
    func streamCapacity() -> Int {
        streams > 0 ? streams : max(1, FileDescriptors.streams(within: FileDescriptors.raiseLimit()))
    }
}

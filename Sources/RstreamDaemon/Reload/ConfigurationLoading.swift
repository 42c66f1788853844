internal import Linux
internal import RstreamConfig

/// Reads the configuration again on a thread that nothing else needs, so that neither a slow disk nor a large file keeps
/// the daemon's tasks and event loops from their work.
///
/// A stop does not wait: what is still being read then is of no use to anybody.
struct ConfigurationLoading: Sendable {
    private let load: Daemon.Load
    private let stallDetector: StallDetector
    /// The daemon's own: one that reads for ever keeps nobody else from reading.
    private let thread = BlockingThreads(most: 1)

    init(load: @escaping Daemon.Load, stallDetector: StallDetector) {
        (self.load, self.stallDetector) = (load, stallDetector)
    }

    /// What came of it; nil when the daemon is to stop.
    func run() async -> Result<LoadedConfiguration, ConfigurationError>? {
        await stallDetector.wait(for: thread) { [load] in
            Result { () throws(ConfigurationError) in try load().judgedForReload() }
        }
    }
}

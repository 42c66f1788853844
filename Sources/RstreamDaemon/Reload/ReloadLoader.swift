// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import RstreamConfig

/// Reads the configuration for a reload on its own thread, so that neither a slow disk nor a large file blocks tasks
/// and event loops. A stop does not wait for it.
struct ReloadLoader: Sendable {
    private let read: Daemon.Load
    private let stallDetector: StallDetector
    /// Its own: a read that never returns blocks no other reads.
    private let thread = BlockingThreads(most: 1)

    init(load: @escaping Daemon.Load, stallDetector: StallDetector) {
        (read, self.stallDetector) = (load, stallDetector)
    }

    /// Returns nil when the daemon is to stop.
    func load() async -> Result<LoadedConfiguration, ConfigurationError>? {
        await stallDetector.wait(for: thread) { [read] in
            Result { () throws(ConfigurationError) in try read().judgedForReload() }
        }
    }
}

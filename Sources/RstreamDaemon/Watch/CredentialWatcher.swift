// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import Logging
internal import NIOCore
internal import RstreamConfig
internal import RstreamCore
internal import Synchronization

/// Watches the files of tokens and certificates, also without `watch: true`, so that a rejected session reconnects at
/// once when a token was replaced or made readable.
///
/// A mutex guards the file stamps; the watcher's own thread reads them, one scan at a time.
final class CredentialWatcher: Sendable {
    private let watcher: ConfigurationWatcher
    private let seen: SeenFiles
    private let thread = BlockingThreads(most: 1)
    private let stallDetector: StallDetector
    private let changed: @Sendable (Set<String>) -> Void
    private let logger: Logger

    private final class SeenFiles: Sendable {
        private let stamps = Lock<[String: FileStamp?]>([:])
        private let files = FileSystem()

        /// Reads the stamps of files, by default of those of the last scan. Returns the files that have changed since
        /// then.
        func scan(_ paths: [String]? = nil) -> Set<String> {
            let before = stamps.withLock { $0 }
            let paths = paths ?? Array(before.keys)
            let now = Dictionary(paths.map { ($0, files.stamp(of: $0)) }) { first, _ in first }
            stamps.withLock { $0 = now }
            return Set(now.filter { path, stamp in before[path].map { $0 != stamp } ?? false }.keys)
        }
    }

    /// `changed` is called with the changed files, at most once a second.
    init(
        on eventLoop: any EventLoop,
        stallDetector: StallDetector,
        logger: Logger,
        changed: @escaping @Sendable (Set<String>) -> Void
    ) {
        let seen = SeenFiles()
        self.seen = seen
        self.stallDetector = stallDetector
        self.changed = changed
        self.logger = logger
        watcher = ConfigurationWatcher(
            on: eventLoop,
            Debounce(pause: .seconds(1)),
            thread: thread,
            stallDetector: stallDetector,
            logger: logger
        ) { [thread] in
            thread.submit {
                let files = seen.scan()
                if !files.isEmpty { changed(files) }
            }
        }
    }

    /// Watches the files of the contexts in use instead of the previous ones.
    func follow(_ configuration: DaemonConfiguration) async {
        let files = Set(configuration.contextsInUse.flatMap(\.identity.files)).sorted()
        await scan(files)
        do {
            try await watcher.follow(files: files)
        } catch {
            // Sessions read the files at every connect anyway.
            logger.debug("credential watch failed", metadata: [LogKey.error: "\(WatchFailure.description(of: error))"])
        }
        // Finds changes before the watch began.
        await scan()
    }

    private func scan(_ files: [String]? = nil) async {
        let different = await stallDetector.wait(for: thread) { [seen] in seen.scan(files) }
        if let different, !different.isEmpty { changed(different) }
    }

    func close() { watcher.close() }
}

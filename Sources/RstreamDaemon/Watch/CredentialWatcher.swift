internal import Linux
internal import Logging
internal import NIOCore
internal import RstreamConfig
internal import RstreamCore
internal import Synchronization

/// Follows the files with what is shown to engines, whatever `watch` says, and tells which of them are others by now: a
/// session that was rejected need not wait for its time when a token was replaced or made readable.
///
/// What the files were is guarded by a mutex; files are looked at by a thread of its own, one look after the other.
final class CredentialWatcher: Sendable {
    private let watcher: ConfigurationWatcher
    private let looked: SeenFiles
    private let thread = BlockingThreads(most: 1)
    private let stallDetector: StallDetector
    private let changed: @Sendable (Set<String>) -> Void
    private let logger: Logger

    private final class SeenFiles: Sendable {
        private let stamps = Mutex<[String: FileStamp?]>([:])
        private let files = FileSystem()

        /// Looks at the files anew; those that are others than at the last look.
        func look(at paths: [String]? = nil) -> Set<String> {
            let before = stamps.withLock { $0 }
            let paths = paths ?? Array(before.keys)
            let now = Dictionary(paths.map { ($0, files.stamp(of: $0)) }) { first, _ in first }
            stamps.withLock { $0 = now }
            return Set(now.filter { path, stamp in before[path].map { $0 != stamp } ?? false }.keys)
        }
    }

    /// A watcher that watches nothing yet. `changed` is called with the files that are others, at most once a second.
    init(
        on eventLoop: any EventLoop,
        stallDetector: StallDetector,
        logger: Logger,
        changed: @escaping @Sendable (Set<String>) -> Void
    ) {
        let looked = SeenFiles()
        self.looked = looked
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
                let files = looked.look()
                if !files.isEmpty { changed(files) }
            }
        }
    }

    /// Watches what the contexts in use show, and nothing else any more.
    func follow(_ configuration: DaemonConfiguration) async {
        let files = Set(configuration.contextsInUse.flatMap(\.identity.files)).sorted()
        await look(at: files)
        do {
            try await watcher.follow(files: files)
        } catch {
            // They are read at every connect all the same.
            logger.debug("credential watch failed", metadata: [LogKey.error: "\(WatchFailure.words(error))"])
        }
        // What changed before it was watched.
        await look()
    }

    private func look(at files: [String]? = nil) async {
        let others = await stallDetector.wait(for: thread) { [looked] in looked.look(at: files) }
        if let others, !others.isEmpty { changed(others) }
    }

    /// Watches nothing any more.
    func close() { watcher.close() }
}

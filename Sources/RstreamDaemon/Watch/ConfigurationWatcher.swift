internal import Linux
internal import Logging
internal import NIOCore
internal import RstreamConfig
internal import RstreamCore
internal import Synchronization

/// Follows the files of the configuration when `watch: true` says so, and tells once when a series of changes is over.
///
/// Which directories there are is found out by a thread of its own, one look after the other; what is watched is guarded
/// by a mutex, which nobody holds meanwhile. Events come on one event loop.
final class ConfigurationWatcher: Sendable {
    private struct State {
        var watch: FileWatch?
        var channel: (any Channel)?
        /// What the configuration comes from.
        var files: [String] = []
        var patterns: [String] = []
        var folders = WatchedFolders()
    }

    private let state = Mutex(State())
    private let eventLoop: any EventLoop
    private let debouncer: Debouncer
    private let thread: BlockingThreads
    private let stallDetector: StallDetector
    private let logger: Logger

    /// A watcher that watches nothing yet. Its looks need a thread that does one thing after the other.
    init(
        on eventLoop: any EventLoop,
        _ time: Debounce = Debounce(),
        thread: BlockingThreads = BlockingThreads(most: 1),
        stallDetector: StallDetector,
        logger: Logger,
        changed: @escaping @Sendable () -> Void
    ) {
        self.eventLoop = eventLoop
        self.thread = thread
        self.stallDetector = stallDetector
        self.logger = logger
        debouncer = Debouncer(on: eventLoop, time, settled: changed)
    }

    /// Watches what `configuration` comes from, and nothing else any more but `others`: files that are no part of it
    /// until they are mended.
    ///
    /// The first look of a watch tells whether files changed between being read and being watched.
    func follow(_ configuration: DaemonConfiguration, and others: [String] = []) async {
        guard configuration.watch else { return close() }
        do {
            guard try await follow(configuration.files + others, configuration.includes) else { return }
            let (stamps, patterns) = (configuration.stamps, configuration.includes)
            let isOutdated = await stallDetector.wait(for: thread) { stamps.areOutdated(patterns: patterns) }
            if isOutdated == true { eventLoop.execute { self.debouncer.changed() } }
        } catch {
            logger.warning(
                "configuration watch failed",
                metadata: [LogKey.error: "\(WatchFailure.words(error))", LogKey.fix: "send SIGHUP to reload"]
            )
        }
    }

    /// Watches these files, and nothing else any more. Throws when the kernel does not tell about files.
    func follow(files: [String]) async throws {
        guard !files.isEmpty else { return close() }
        _ = try await follow(files, [])
    }

    /// Whether nothing was watched before.
    private func follow(_ files: [String], _ patterns: [String]) async throws -> Bool {
        let isFirst = state.withLock { $0.watch == nil }
        try await open()
        state.withLock { ($0.files, $0.patterns) = (files, patterns) }
        await refresh()
        return isFirst
    }

    /// Looks again which directories there are now. Before files are read, so that none changes unseen between being
    /// read and being watched.
    func refresh() async {
        _ = await stallDetector.wait(for: thread) { self.look() }
    }

    /// Watches nothing any more.
    func close() {
        let channel = state.withLock { state in
            defer { state = State() }
            return state.channel
        }
        // A look that is under way needs the descriptor.
        thread.submit { channel?.close(promise: nil) }
    }

    private func open() async throws {
        guard state.withLock({ $0.watch }) == nil else { return }
        let watch = try FileWatch()
        let channel = try await DescriptorReader.read(watch.descriptor, on: eventLoop) { [weak self] bytes in
            self?.received(FileWatch.events(in: bytes))
        }
        state.withLock { ($0.watch, $0.channel) = (watch, channel) }
    }

    /// On the thread.
    private func look() {
        let wanted = state.withLock { state -> (FileWatch, files: [String], patterns: [String])? in
            guard let watch = state.watch else { return nil }
            state.folders.lookBegan()
            return (watch, state.files, state.patterns)
        }
        guard let (watch, files, patterns) = wanted else { return }
        let list = WatchList(files: files, patterns: patterns)
        var found: [Int32: [String]] = [:]
        for directory in list.directories.keys.sorted().map(\.text) {
            // One that is not there yet shows up in its parent.
            guard let number = try? watch.add(directory) else { continue }
            found[number, default: []].append(directory)
        }
        let (gone, isChanged) = state.withLock { state in
            // It was closed meanwhile, and all that was added goes with it.
            guard state.watch?.descriptor == watch.descriptor else { return ([Int32](), false) }
            return state.folders.lookEnded(list, found)
        }
        for number in gone { watch.remove(number) }
        if isChanged { eventLoop.execute { self.debouncer.changed() } }
    }

    private func received(_ events: [FileWatch.Event]) {
        if state.withLock({ $0.folders.received(events) }) { debouncer.changed() }
    }
}

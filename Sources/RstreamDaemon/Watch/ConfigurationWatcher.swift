// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import Logging
internal import NIOCore
internal import RstreamConfig
internal import RstreamCore
internal import Synchronization

/// Watches the files of the configuration under `watch: true`, and reports each series of changes once.
///
/// The watcher's own thread scans for directories, one scan at a time, without holding the mutex that guards what is
/// watched. Events arrive on one event loop.
final class ConfigurationWatcher: Sendable {
    private struct State {
        var watch: FileWatch?
        var channel: (any Channel)?
        /// The files and include patterns of the configuration.
        var files: [String] = []
        var patterns: [String] = []
        var folders = WatchedFolders()
    }

    private let state = Lock(State())
    private let eventLoop: any EventLoop
    private let debouncer: Debouncer
    private let thread: BlockingThreads
    private let stallDetector: StallDetector
    private let logger: Logger

    /// `thread` has to run one job at a time.
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

    /// Watches the files of `configuration`, and `others`, which have errors and are not part of it yet, instead of the
    /// previous files. The first scan of a watch also finds changes between reading the files and watching them.
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
                metadata: [LogKey.error: "\(WatchFailure.description(of: error))", LogKey.fix: "send SIGHUP to reload"]
            )
        }
    }

    /// Watches these files instead of the previous ones. Throws when the kernel cannot watch files.
    func follow(files: [String]) async throws {
        guard !files.isEmpty else { return close() }
        _ = try await follow(files, [])
    }

    /// Returns whether nothing was watched before.
    private func follow(_ files: [String], _ patterns: [String]) async throws -> Bool {
        let isFirst = state.withLock { $0.watch == nil }
        try await open()
        state.withLock { ($0.files, $0.patterns) = (files, patterns) }
        await refresh()
        return isFirst
    }

    /// Scans for directories again. Called before files are read, so that no file changes unnoticed between being read
    /// and being watched.
    func refresh() async {
        _ = await stallDetector.wait(for: thread) { self.scan() }
    }

    func close() {
        let channel = state.withLock { state in
            defer { state = State() }
            return state.channel
        }
        // A scan in progress still uses the descriptor.
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

    /// Runs on the thread.
    private func scan() {
        let wanted = state.withLock { state -> (FileWatch, files: [String], patterns: [String])? in
            guard let watch = state.watch else { return nil }
            state.folders.scanBegan()
            return (watch, state.files, state.patterns)
        }
        guard let (watch, files, patterns) = wanted else { return }
        let list = WatchList(files: files, patterns: patterns)
        var found: [Int32: [String]] = [:]
        for directory in list.directories.keys.sorted().map(\.text) {
            // The creation of a missing directory is an event of its parent.
            guard let number = try? watch.add(directory) else { continue }
            found[number, default: []].append(directory)
        }
        let (gone, isChanged) = state.withLock { state in
            // The watch was closed meanwhile, with everything that was added to it.
            guard state.watch?.descriptor == watch.descriptor else { return ([Int32](), false) }
            return state.folders.scanEnded(list, found)
        }
        for number in gone { watch.remove(number) }
        if isChanged { eventLoop.execute { self.debouncer.changed() } }
    }

    private func received(_ events: [FileWatch.Event]) {
        if state.withLock({ $0.folders.received(events) }) { debouncer.changed() }
    }
}

/// Describes why something cannot be watched, for operators.
enum WatchFailure {
    static func description(of error: any Error) -> String {
        switch error {
        case let error as SystemError: "\(error)"
        case let error as IOError: SystemError.reason(error.errnoCode)
        default: "it cannot be watched"
        }
    }
}

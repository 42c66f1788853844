internal import Linux
internal import Logging
internal import NIOCore
internal import RstreamConfig
internal import RstreamCore
internal import Synchronization

/// Follows the files of the configuration when `watch: true` says so, and tells once when a series of changes is over.
///
/// What is watched is guarded by a mutex; events come on one event loop.
final class ConfigurationWatcher: Sendable {
    private struct State {
        var watch: FileWatch?
        var channel: (any Channel)?
        /// What the configuration comes from.
        var files: [String] = []
        var patterns: [String] = []
        /// The names of the directory behind each number of the kernel's; links give one directory several.
        var directories: [Int32: [String]] = [:]
        var list = WatchList(files: [], patterns: [])
    }

    private let state = Mutex(State())
    private let eventLoop: any EventLoop
    private let settler: Settler
    private let logger: Logger

    /// A watcher that watches nothing yet.
    init(
        on eventLoop: any EventLoop,
        _ time: QuietTime = QuietTime(),
        logger: Logger,
        changed: @escaping @Sendable () -> Void
    ) {
        self.eventLoop = eventLoop
        self.logger = logger
        settler = Settler(on: eventLoop, time, settled: changed)
    }

    /// Watches what `configuration` comes from, and nothing else any more but `others`: files that are no part of it
    /// until they are mended.
    ///
    /// The first look of a watch tells whether files changed between being read and being watched.
    func follow(_ configuration: DaemonConfiguration, and others: [String] = []) async {
        guard configuration.watch else { return close() }
        do {
            let isFirst = try await follow(configuration.files + others, configuration.includes)
            if isFirst, configuration.stamps.areOutdated(patterns: configuration.includes) {
                eventLoop.execute { self.settler.changed() }
            }
        } catch {
            logger.warning(
                "files cannot be watched, send SIGHUP to reload",
                metadata: [LogKey.error: "\(WatchTrouble.words(error))"]
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
        let watch = try await open()
        state.withLock { state in
            state.files = files
            state.patterns = patterns
            Self.look(watch, &state)
        }
        return isFirst
    }

    /// Looks again which directories there are now. Before files are read, so that none changes unseen between being
    /// read and being watched.
    func refresh() {
        state.withLock { state in
            if let watch = state.watch { Self.look(watch, &state) }
        }
    }

    /// Watches nothing any more.
    func close() {
        let channel = state.withLock { state in
            defer { state = State() }
            return state.channel
        }
        channel?.close(promise: nil)
    }

    private func open() async throws -> FileWatch {
        if let watch = state.withLock({ $0.watch }) { return watch }
        let watch = try FileWatch()
        let channel = try await DescriptorReader.read(watch.descriptor, on: eventLoop) { [weak self] bytes in
            self?.received(FileWatch.events(in: bytes))
        }
        state.withLock { state in
            state.watch = watch
            state.channel = channel
        }
        return watch
    }

    private static func look(_ watch: FileWatch, _ state: inout State) {
        let list = WatchList(files: state.files, patterns: state.patterns)
        var directories: [Int32: [String]] = [:]
        for directory in list.directories.keys.sorted().map(\.text) {
            // One that is not there yet shows up in its parent.
            guard let number = try? watch.add(directory) else { continue }
            directories[number, default: []].append(directory)
        }
        for number in state.directories.keys where directories[number] == nil { watch.remove(number) }
        state.directories = directories
        state.list = list
    }

    private func received(_ events: [FileWatch.Event]) {
        let isRelevant = state.withLock { state in
            events.contains { event in
                // Of a directory that is watched no more nothing is wanted; less than zero means that events were lost.
                guard let names = state.directories[event.watch] else { return event.watch < 0 }
                // Without a name the directory itself is meant: it went.
                guard let name = event.name else { return true }
                return names.contains { state.list.concerns(name, in: $0) }
            }
        }
        if isRelevant { settler.changed() }
    }
}

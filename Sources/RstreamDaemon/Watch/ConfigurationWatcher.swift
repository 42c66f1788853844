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
        /// The directory behind each number of the kernel's.
        var directories: [Int32: String] = [:]
        var list = WatchList(files: [], patterns: [])
    }

    private let state = Mutex(State())
    private let eventLoop: any EventLoop
    private let settler: Settler
    private let logger: Logger

    /// A watcher that watches nothing yet.
    init(on eventLoop: any EventLoop, logger: Logger, changed: @escaping @Sendable () -> Void) {
        self.eventLoop = eventLoop
        self.logger = logger
        settler = Settler(on: eventLoop, QuietTime(), settled: changed)
    }

    /// Watches what `configuration` comes from, and nothing else any more.
    func follow(_ configuration: DaemonConfiguration) async {
        guard configuration.watch else { return close() }
        do {
            let watch = try await open()
            let list = WatchList(files: configuration.files, patterns: configuration.includes)
            update(watch, list)
        } catch {
            logger.warning(
                "files cannot be watched, send SIGHUP to reload",
                metadata: [LogKey.error: "\(error)"]
            )
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

    private func update(_ watch: FileWatch, _ list: WatchList) {
        state.withLock { state in
            // The same directory by another name, or replaced by another one: the kernel tells which is which.
            var directories: [Int32: String] = [:]
            for directory in list.directories.keys.sorted() {
                // One that is not there yet shows up in its parent.
                guard let number = try? watch.add(directory) else { continue }
                directories[number] = directory
            }
            for number in state.directories.keys where directories[number] == nil { watch.remove(number) }
            state.directories = directories
            state.list = list
        }
    }

    private func received(_ events: [FileWatch.Event]) {
        let isRelevant = state.withLock { state in
            events.contains { event in
                guard let directory = state.directories[event.watch], let name = event.name else {
                    // The directory itself went, or events were lost. Of one that is watched no more nothing is wanted.
                    return event.watch < 0 || state.directories[event.watch] != nil
                }
                return state.list.concerns(name, in: directory)
            }
        }
        if isRelevant { settler.changed() }
    }
}

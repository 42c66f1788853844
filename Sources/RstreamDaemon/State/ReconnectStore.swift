internal import FoundationEssentials
internal import Glibc
internal import GuardedJSON
internal import Linux
internal import Logging
internal import RstreamConfig
internal import RstreamCore
internal import RstreamModel
internal import Synchronization

/// When each session may dial next, so that a process that is started again and again dials no more often than one that
/// runs (contract §1).
///
/// What is known of a session is good for the configuration and the credential that it dialed with: whoever mends one of
/// them and restarts the daemon does not wait. Losing the file costs nothing but the waits, so trouble with it is a warning
/// and never an error. Guarded by a mutex; a thread of its own writes, once for all that changed meanwhile.
final class ReconnectStore: Sendable {
    fileprivate struct Entry: Codable, Hashable {
        var context: String
        var engine: String
        /// The files that say what is dialed and what is shown.
        var stamp: String
        var attempt: Int
        var isRejected: Bool
        var nextAttemptAt: UTCTime
    }

    /// Whose schedule it is, and what its files were when they were looked at.
    struct Place: Hashable, Sendable {
        let context: String
        let engine: String
        let stamp: String

        /// Looks at the files, on a thread that may block.
        init(_ context: ContextDefinition, engine: String) {
            MayBlock.now("looking at the files of a context")
            // All contexts that stand inside of tunnels have one name.
            let isInline = context.name.sameBytes(as: ContextDefinition.inlineName)
            self.context = isInline ? "\(context.name) \(context.mark)" : context.name
            self.engine = engine
            var files = [context.mark.file]
            var contents: [String] = []
            switch context.credential {
            case .tokenFile(let path): files.append(path)
            case .clientCertificate(let certificate, let key): files += [certificate, key]
            // systemd makes the file anew at every start, so what is in it has to tell.
            case .tokenCredential(let path): contents.append(Self.trace(ofFile: path))
            // It may be a variable's.
            case .token(let token): contents.append(token.withBytes(Self.trace))
            case .clientCertificatePEM, .none: break
            }
            let stamps = files.filter { !$0.isEmpty }.map { path in
                FileSystem().stamp(of: path).map { "\($0.inode).\($0.size).\($0.changed)" } ?? "-"
            }
            stamp = (stamps + contents).joined(separator: " ")
        }

        private static func trace(ofFile path: String) -> String {
            guard var bytes = try? HostFile(reading: path, limit: ReconnectStore.largest).bytes else { return "-" }
            defer { SecretMemory.wipe(&bytes) }
            return bytes.withUnsafeBytes(trace)
        }

        /// Sixteen bits (FNV-1a, folded) that nearly always tell another secret from this one, and far too few to tell
        /// anybody what it is. Where they do not, somebody waits.
        private static func trace(_ secret: UnsafeRawBufferPointer) -> String {
            let hash = secret.reduce(0x811C_9DC5 as UInt32) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
            return String((hash >> 16) ^ (hash & 0xFFFF), radix: 16)
        }
    }

    /// Bytes of the file: more contexts than a configuration can hold.
    private static let largest = 16 << 20

    private struct State {
        var entries: [Entry]
        /// Somebody is about to write what is here by then.
        var isDue = false
    }

    private let path: String
    private let logger: Logger
    private let state: Mutex<State>
    private let thread: BlockingThreads

    /// Reads `reconnect.json` in `directory`; a missing file is an empty one.
    init(directory: String, thread: BlockingThreads = BlockingThreads(most: 1), logger: Logger) {
        self.thread = thread
        path = directory + "/reconnect.json"
        self.logger = logger
        state = Mutex(State(entries: Self.read(path, logger: logger)))
    }

    /// What a process before this one has left, if it is good for `place`.
    func schedule(of place: Place) -> ReconnectSchedule? {
        let entry = state.withLock { state in
            state.entries.first { $0.isAt(place) && $0.stamp.sameBytes(as: place.stamp) }
        }
        return entry.map {
            ReconnectSchedule(attempt: $0.attempt, isRejected: $0.isRejected, nextAttemptAt: $0.nextAttemptAt)
        }
    }

    /// Keeps a schedule in mind, or forgets it.
    func keep(_ schedule: ReconnectSchedule?, of place: Place) {
        let writes = state.withLock { state in
            let before = state.entries
            // What nobody has asked for in a day is of no context any more.
            let old = UTCTime.now.advanced(by: .seconds(-86_400))
            state.entries.removeAll { $0.isAt(place) || $0.nextAttemptAt < old }
            if let schedule {
                state.entries.append(
                    Entry(
                        context: place.context,
                        engine: place.engine,
                        stamp: place.stamp,
                        attempt: schedule.attempt,
                        isRejected: schedule.isRejected,
                        nextAttemptAt: schedule.nextAttemptAt
                    )
                )
            }
            guard state.entries != before, !state.isDue else { return false }
            state.isDue = true
            return true
        }
        if writes { thread.submit { self.write() } }
    }

    /// Returns when all that was to be kept until now is in the file, or after `limit`.
    func waitUntilKept(within limit: Duration) async { await thread.run(within: limit) {} }

    private static func read(_ path: String, logger: Logger) -> [Entry] {
        guard access(path, F_OK) == 0 else { return [] }
        do {
            let bytes = try HostFile(reading: path, limit: largest).bytes
            return try GuardedJSON.decode([Entry].self, from: bytes, limit: largest)
        } catch {
            logger.warning(
                "reconnect file read failed",
                metadata: [LogKey.file: "\(path)", LogKey.error: "\(StateFileFailure.words(error))"]
            )
            return []
        }
    }

    private func write() {
        let entries = state.withLock { state in
            state.isDue = false
            return state.entries
        }
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            MayBlock.now("writing a file")
            try encoder.encode(entries).write(to: URL(filePath: path), options: .atomic)
        } catch {
            logger.debug(
                "reconnect file write failed",
                metadata: [LogKey.file: "\(path)", LogKey.error: "\(StateFileFailure.words(error))"]
            )
        }
    }
}

extension ReconnectStore.Entry {
    fileprivate func isAt(_ place: ReconnectStore.Place) -> Bool {
        context.sameBytes(as: place.context) && engine.sameBytes(as: place.engine)
    }
}

internal import FoundationEssentials
internal import Glibc
internal import GuardedJSON
internal import Linux
internal import Logging
internal import RstreamDaemonModel
internal import RstreamModel
internal import Synchronization

/// Published names that were generated once and are asked for again after a restart (contract §1).
///
/// The file holds one name per line, and a new name is one line more, however many there are. A line that was cut off
/// by a crash costs that name and no other. Whatever else is found wrong is made right by the next new name, which then
/// writes the file anew.
///
/// Names of tunnels that are configured no more are kept for those that come back, the last ``spare`` of them.
///
/// Losing the file costs nothing but those names, so trouble with it is a warning and never an error. No tunnel waits for
/// a disk either: a name is good at once, and one whose line was not written yet when the process was killed is another
/// one after the restart, as if it could not have been written at all.
///
/// Guarded by a mutex; a thread of its own writes, in the order of the names and once for all that are new by then.
final class HostnameStore: Sendable {
    private struct Entry: Codable {
        var engine: String
        var tunnel: String
        var hostname: String
    }

    private struct Place: Hashable {
        let engine: String
        let tunnel: String
    }

    private struct State {
        var names: [Place: String] = [:]
        /// The oldest one first.
        var order: [Place] = []
        /// Whether every line of the file is right, so that a new name may be one line more.
        var mayAppend = false
        /// The names that the file does not have yet.
        var unwritten: [Entry] = []
        /// Somebody is about to write what is here by then.
        var isDue = false

        mutating func add(_ entry: Entry) {
            let place = Place(engine: entry.engine, tunnel: entry.tunnel)
            if names.updateValue(entry.hostname, forKey: place) == nil { order.append(place) }
        }

        /// Whether nobody is about to write already.
        mutating func isDueNow() -> Bool {
            defer { isDue = true }
            return !isDue
        }

        /// Forgets the oldest names of tunnels that are not wanted; whether there were any too many.
        mutating func forget(butFor wanted: Set<String>, most: Int) -> Bool {
            let spare = order.filter { !wanted.contains($0.tunnel) }
            guard spare.count > most else { return false }
            let forgotten = Set(spare.dropLast(most))
            order.removeAll { forgotten.contains($0) }
            for place in forgotten { names[place] = nil }
            return true
        }
    }

    /// How many names of tunnels that are not wanted are remembered.
    static let spare = 256
    /// Bytes of a line: a place at an engine, a tunnel's name, a host name.
    private static let longestLine = 4_096
    /// Bytes of the file: names for more tunnels than a configuration can hold.
    private static let largest = 16 << 20

    private let path: String
    private let logger: Logger
    private let state: Mutex<State>
    private let thread: BlockingThreads

    /// Reads `hostnames.json` in `directory`; a missing file is an empty one.
    init(directory: String, thread: BlockingThreads = BlockingThreads(most: 1), logger: Logger) {
        self.thread = thread
        path = directory + "/hostnames.json"
        self.logger = logger
        state = Mutex(Self.read(path, logger: logger))
    }

    /// The name that `tunnel` had at `engine`, or a new one; nil where names cannot be generated (CONFIG.md §10).
    func hostname(
        for tunnel: String,
        at engine: EngineAddress,
        using generator: inout some RandomNumberGenerator
    ) -> String? {
        let place = Place(engine: engine.description, tunnel: tunnel)
        let known = state.withLock { $0.names[place] }
        if let known, Hostname.isValid(known) { return known }
        guard let hostname = StableDomain.generate(for: engine, using: &generator) else { return nil }
        let entry = Entry(engine: place.engine, tunnel: tunnel, hostname: hostname)
        let writes = state.withLock { state in
            state.add(entry)
            state.unwritten.append(entry)
            return state.isDueNow()
        }
        if writes { thread.submit { self.write() } }
        return hostname
    }

    /// These tunnels are configured from now on.
    func retain(_ tunnels: Set<String>) {
        let writes = state.withLock { state in
            guard state.forget(butFor: tunnels, most: Self.spare) else { return false }
            state.mayAppend = false
            return state.isDueNow()
        }
        if writes { thread.submit { self.write() } }
    }

    /// Returns when all that was to be kept until now is in the file, or after `limit`.
    func waitUntilKept(within limit: Duration) async { await thread.run(within: limit) {} }

    // MARK: The file

    private static func read(_ path: String, logger: Logger) -> State {
        var state = State()
        // In a folder that this user may not look into there is nothing of his; that nothing can be kept there is told when
        // there is something to keep.
        guard access(path, F_OK) == 0 else { return state }
        do {
            let data = Data(try HostFile(reading: path, limit: largest).bytes)
            let lines = data.split(separator: UInt8(ascii: "\n"))
            var failure: (any Error)? = lines.isEmpty ? CocoaError(.fileReadCorruptFile) : nil
            for line in lines {
                do {
                    state.add(try GuardedJSON.decode(Entry.self, from: line, limit: longestLine))
                } catch {
                    failure = failure ?? error
                }
            }
            state.mayAppend = failure == nil && data.last == UInt8(ascii: "\n") && lines.count == state.names.count
            if let failure { throw failure }
        } catch {
            logger.warning(
                "hostnames file read failed",
                metadata: [
                    LogKey.file: "\(path)", LogKey.error: "\(StateFileFailure.words(error))",
                    "kept": .stringConvertible(state.names.count),
                ]
            )
        }
        return state
    }

    private func write() {
        let (new, mayAppend) = state.withLock { state in
            defer { (state.unwritten, state.isDue) = ([], false) }
            return (state.unwritten, state.mayAppend)
        }
        guard !mayAppend || !new.isEmpty else { return }
        do {
            if mayAppend, append(try Self.lines(new)) { return }
            try rewrite()
        } catch {
            // The next new name has it written anew.
            state.withLock { $0.mayAppend = false }
            logger.warning(
                "hostnames file write failed",
                metadata: [LogKey.file: "\(path)", LogKey.error: "\(StateFileFailure.words(error))"]
            )
        }
    }

    /// Whether the whole lines are behind the others now.
    private func append(_ lines: Data) -> Bool {
        (try? HostFile.append(Array(lines), to: path)) != nil
    }

    private func rewrite() throws {
        // What is forgotten while this is written has it written once more.
        let entries = state.withLock { state in
            (state.unwritten, state.mayAppend) = ([], true)
            return state.order.compactMap { place in
                state.names[place].map { Entry(engine: place.engine, tunnel: place.tunnel, hostname: $0) }
            }
        }
        MayBlock.now("writing a file")
        try Self.lines(entries).write(to: URL(filePath: path), options: .atomic)
    }

    private static func lines(_ entries: [Entry]) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return try entries.reduce(into: Data()) { $0 += try encoder.encode($1) + [UInt8(ascii: "\n")] }
    }
}

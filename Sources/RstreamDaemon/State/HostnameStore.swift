// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import FoundationEssentials
internal import Glibc
internal import GuardedJSON
internal import Linux
internal import Logging
internal import RstreamDaemonModel
internal import RstreamModel
internal import Synchronization

/// Generated host names, which tunnels keep over restarts (contract §1).
///
/// The file has one name per line, and a new name is appended as one more line. A line that a crash has truncated costs
/// only its name. After any other damage, the next new name rewrites the file.
///
/// The latest ``spareLimit`` names of tunnels that are no longer configured are kept for their return.
///
/// Losing the file costs only the names, so failures are warnings. No tunnel waits for the disk: a name is usable at
/// once, and one that was not written when the process was killed is generated anew after the restart.
///
/// Guarded by a mutex; its own thread writes all names that are new by then at once, in order.
final class HostnameStore: Sendable {
    private struct Entry: Codable {
        var engine: String
        var tunnel: String
        var hostname: String
    }

    private struct Key: Hashable {
        let engine: String
        let tunnel: String
    }

    private struct State {
        var names: [Key: String] = [:]
        /// The oldest key first.
        var order: [Key] = []
        /// Whether the file is intact, so that a new name may be appended.
        var mayAppend = false
        /// The names that are not in the file yet.
        var unwritten: [Entry] = []
        /// Whether a write is scheduled, which will write all names that are here by then.
        var isWriteScheduled = false

        mutating func add(_ entry: Entry) {
            let key = Key(engine: entry.engine, tunnel: entry.tunnel)
            if names.updateValue(entry.hostname, forKey: key) == nil { order.append(key) }
        }

        /// Returns whether the caller has to start a write.
        mutating func scheduleWrite() -> Bool {
            defer { isWriteScheduled = true }
            return !isWriteScheduled
        }

        /// Removes the oldest names of tunnels that are not in `configured`, beyond `limit` of them. Returns whether it
        /// has removed any.
        mutating func removeSpare(except configured: Set<String>, limit: Int) -> Bool {
            let spare = order.filter { !configured.contains($0.tunnel) }
            guard spare.count > limit else { return false }
            let removed = Set(spare.dropLast(limit))
            order.removeAll { removed.contains($0) }
            for key in removed { names[key] = nil }
            return true
        }
    }

    /// How many names of tunnels that are not configured are kept.
    static let spareLimit = 256
    /// Bytes of a line: an engine, the name of a tunnel, and a host name.
    private static let longestLine = 4_096
    /// Bytes of the file: enough for more tunnels than a configuration can have.
    private static let sizeLimit = 16 << 20

    private let path: String
    private let logger: Logger
    private let state: Lock<State>
    private let thread: BlockingThreads

    /// Reads `hostnames.json` in `directory`; a missing file is an empty one.
    init(directory: String, thread: BlockingThreads = BlockingThreads(most: 1), logger: Logger) {
        self.thread = thread
        path = directory + "/hostnames.json"
        self.logger = logger
        state = Lock(Self.read(path, logger: logger))
    }

    /// Returns the name that `tunnel` had at `engine`, or a new one; nil where none can be generated (CONFIG.md §10).
    func hostname(
        for tunnel: String,
        at engine: EngineAddress,
        using generator: inout some RandomNumberGenerator
    ) -> String? {
        let key = Key(engine: engine.description, tunnel: tunnel)
        let known = state.withLock { $0.names[key] }
        if let known, Hostname.isValid(known) { return known }
        guard let hostname = StableDomain.generate(for: engine, using: &generator) else { return nil }
        let entry = Entry(engine: key.engine, tunnel: tunnel, hostname: hostname)
        let writes = state.withLock { state in
            state.add(entry)
            state.unwritten.append(entry)
            return state.scheduleWrite()
        }
        if writes { thread.submit { self.write() } }
        return hostname
    }

    /// Removes old names of tunnels that are not among these.
    func retain(_ tunnels: Set<String>) {
        let writes = state.withLock { state in
            guard state.removeSpare(except: tunnels, limit: Self.spareLimit) else { return false }
            state.mayAppend = false
            return state.scheduleWrite()
        }
        if writes { thread.submit { self.write() } }
    }

    /// Waits until every name so far is in the file, at most for `limit`.
    func waitUntilWritten(within limit: Duration) async { await thread.run(within: limit) {} }

    // MARK: The file

    private static func read(_ path: String, logger: Logger) -> State {
        var state = State()
        // Without access to the folder there is nothing to read; the first write logs the failure.
        guard access(path, F_OK) == 0 else { return state }
        do {
            let data = Data(try HostFile(reading: path, limit: sizeLimit).bytes)
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
                    LogKey.file: "\(path)", LogKey.error: "\(StateFileFailure.description(of: error))",
                    "kept": .stringConvertible(state.names.count),
                ]
            )
        }
        return state
    }

    private func write() {
        let (new, mayAppend) = state.withLock { state in
            defer { (state.unwritten, state.isWriteScheduled) = ([], false) }
            return (state.unwritten, state.mayAppend)
        }
        guard !mayAppend || !new.isEmpty else { return }
        do {
            if mayAppend, append(try Self.lines(new)) { return }
            try rewrite()
        } catch {
            // The next new name rewrites the file.
            state.withLock { $0.mayAppend = false }
            logger.warning(
                "hostnames file write failed",
                metadata: [LogKey.file: "\(path)", LogKey.error: "\(StateFileFailure.description(of: error))"]
            )
        }
    }

    /// Appends lines; returns whether all of them were written.
    private func append(_ lines: Data) -> Bool {
        (try? HostFile.append(Array(lines), to: path)) != nil
    }

    private func rewrite() throws {
        // A removal during the write schedules another one.
        let entries = state.withLock { state in
            (state.unwritten, state.mayAppend) = ([], true)
            return state.order.compactMap { key in
                state.names[key].map { Entry(engine: key.engine, tunnel: key.tunnel, hostname: $0) }
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

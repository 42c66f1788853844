// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import FoundationEssentials
internal import GuardedJSON
internal import Linux
internal import Logging
internal import RstreamDaemonModel
internal import RstreamModel

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
/// Its ``StateFile`` guards the names, and writes all that are new by then at once, in order.
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

    private struct Table: Sendable {
        var names: [Key: String] = [:]
        /// The oldest key first.
        var order: [Key] = []
        /// Whether the file is intact, so that a new name may be appended.
        var mayAppend = false
        /// The names that are not in the file yet.
        var unwritten: [Entry] = []

        mutating func add(_ entry: Entry) {
            let key = Key(engine: entry.engine, tunnel: entry.tunnel)
            if names.updateValue(entry.hostname, forKey: key) == nil { order.append(key) }
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

    private let file: StateFile<Table>

    /// Reads `hostnames.json` in `directory`; a missing file is an empty one.
    ///
    /// A file that `isForeign` is not written before ``takeOver()``.
    init(
        directory: String,
        isForeign: Bool = false,
        thread: BlockingThreads = BlockingThreads(most: 1),
        logger: Logger
    ) {
        let path = directory + "/hostnames.json"
        file = StateFile(
            path,
            Self.read(path, logger: logger),
            isForeign: isForeign,
            thread: thread,
            write: Self.write
        ) { file, reason in
            // The next new name rewrites the file.
            file.withContent { $0.mayAppend = false }
            logger.warning(
                "hostnames file write failed",
                metadata: [LogKey.file: "\(file.path)", LogKey.error: "\(reason)"]
            )
        }
    }

    /// The file is this process's from now on: what was to be written is.
    func takeOver() {
        file.takeOver { table in
            // The other process may have changed it.
            table.mayAppend = false
            return !table.unwritten.isEmpty
        }
    }

    /// The file is another process's from now on.
    func giveUp() { file.giveUp() }

    /// Returns the name that `tunnel` had at `engine`, or a new one; nil where none can be generated (CONFIG.md §10).
    func hostname(
        for tunnel: String,
        at engine: EngineAddress,
        using generator: inout some RandomNumberGenerator
    ) -> String? {
        let key = Key(engine: engine.description, tunnel: tunnel)
        let known = file.withContent { $0.names[key] }
        if let known, Hostname.isValid(known) { return known }
        guard let hostname = StableDomain.generate(for: engine, using: &generator) else { return nil }
        let entry = Entry(engine: key.engine, tunnel: tunnel, hostname: hostname)
        file.change { table in
            table.add(entry)
            table.unwritten.append(entry)
            return true
        }
        return hostname
    }

    /// Removes old names of tunnels that are not among these.
    func retain(_ tunnels: Set<String>) {
        file.change { table in
            guard table.removeSpare(except: tunnels, limit: Self.spareLimit) else { return false }
            table.mayAppend = false
            return true
        }
    }

    /// Waits until every name so far is in the file, at most for `limit`.
    func waitUntilWritten(within limit: Duration) async { _ = await file.waitUntilWritten(within: limit) }

    // MARK: The file

    private static func read(_ path: String, logger: Logger) -> Table {
        var table = Table()
        do {
            guard let bytes = try StateFile<Table>.read(path, limit: sizeLimit) else { return table }
            let lines = bytes.split(separator: UInt8(ascii: "\n"))
            var failure: (any Error)? = lines.isEmpty ? CocoaError(.fileReadCorruptFile) : nil
            for line in lines {
                do {
                    table.add(try GuardedJSON.decode(Entry.self, from: line, limit: longestLine))
                } catch {
                    failure = failure ?? error
                }
            }
            table.mayAppend = failure == nil && bytes.last == UInt8(ascii: "\n") && lines.count == table.names.count
            if let failure { throw failure }
        } catch {
            logger.warning(
                "hostnames file read failed",
                metadata: [
                    LogKey.file: "\(path)", LogKey.error: "\(StateFileFailure.description(of: error))",
                    "kept": .stringConvertible(table.names.count),
                ]
            )
        }
        return table
    }

    @Sendable
    private static func write(_ file: StateFile<Table>) throws {
        let (new, mayAppend) = file.withContent { table in
            defer { table.unwritten = [] }
            return (table.unwritten, table.mayAppend)
        }
        guard !mayAppend || !new.isEmpty else { return }
        if mayAppend, append(try lines(new), to: file.path) { return }
        // A removal during the write schedules another one.
        let entries = file.withContent { table in
            (table.unwritten, table.mayAppend) = ([], true)
            return table.order.compactMap { key in
                table.names[key].map { Entry(engine: key.engine, tunnel: key.tunnel, hostname: $0) }
            }
        }
        try file.replace(with: try lines(entries))
    }

    /// Appends lines; returns whether all of them were written.
    private static func append(_ lines: Data, to path: String) -> Bool {
        (try? HostFile.append(Array(lines), to: path)) != nil
    }

    private static func lines(_ entries: [Entry]) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return try entries.reduce(into: Data()) { $0 += try encoder.encode($1) + [UInt8(ascii: "\n")] }
    }
}

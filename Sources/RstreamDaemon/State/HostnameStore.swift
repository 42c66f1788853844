internal import FoundationEssentials
internal import Glibc
package import Logging
internal import RstreamModel
internal import Synchronization

/// Published names that were generated once and are asked for again after a restart (contract §1).
///
/// Losing the file costs nothing but those names, so trouble with it is a warning and never an error. Guarded by a
/// mutex; it is used at start only.
package final class HostnameStore: Sendable {
    private struct Entry: Codable, Hashable {
        var engine: String
        var tunnel: String
        var hostname: String
    }

    private let path: String
    private let logger: Logger
    private let entries: Mutex<[Entry]>

    /// Reads `hostnames.json` in `directory`; a missing file is an empty one.
    package init(directory: String, logger: Logger) {
        path = directory + "/hostnames.json"
        self.logger = logger
        entries = Mutex(Self.read(path, logger: logger))
    }

    /// The name that `tunnel` had at `engine`, or a new one; nil where names cannot be generated (CONFIG.md §10).
    func hostname(
        for tunnel: String,
        at engine: EngineAddress,
        using generator: inout some RandomNumberGenerator
    ) -> String? {
        let known = entries.withLock { entries in
            entries.first { $0.tunnel == tunnel && $0.engine == engine.description }?.hostname
        }
        if let known, Hostname.isValid(known) { return known }
        guard let hostname = StableDomain.generate(for: engine, using: &generator) else { return nil }
        let all = entries.withLock { entries in
            entries.removeAll { $0.tunnel == tunnel && $0.engine == engine.description }
            entries.append(Entry(engine: engine.description, tunnel: tunnel, hostname: hostname))
            return entries
        }
        write(all)
        return hostname
    }

    private static func read(_ path: String, logger: Logger) -> [Entry] {
        guard access(path, F_OK) == 0 else { return [] }
        do {
            return try JSONDecoder().decode([Entry].self, from: Data(contentsOf: URL(filePath: path)))
        } catch {
            logger.warning(
                "generated host names cannot be read, making new ones",
                metadata: [LogKey.file: "\(path)", LogKey.error: "\(error)"]
            )
            return []
        }
    }

    private func write(_ entries: [Entry]) {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            try encoder.encode(entries).write(to: URL(filePath: path), options: .atomic)
        } catch {
            logger.warning(
                "generated host names cannot be kept, a restart makes new ones",
                metadata: [LogKey.file: "\(path)", LogKey.error: "\(error)"]
            )
        }
    }
}

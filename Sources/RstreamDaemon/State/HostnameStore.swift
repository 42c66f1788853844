internal import FoundationEssentials
internal import Glibc
internal import GuardedJSON
internal import Linux
package import Logging
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
/// Losing the file costs nothing but those names, so trouble with it is a warning and never an error. Guarded by a
/// mutex, which is held while writing; it is used at start only.
package final class HostnameStore: Sendable {
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
        /// Whether the file is there and every line of it is right, so that a new name may be one line more.
        var mayAppend = false

        mutating func add(_ entry: Entry) {
            let place = Place(engine: entry.engine, tunnel: entry.tunnel)
            if names.updateValue(entry.hostname, forKey: place) == nil { order.append(place) }
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

    /// The other state in the same directory, which is read where this is: on a thread that may block.
    let reconnects: ReconnectStore
    private let path: String
    private let logger: Logger
    private let state: Mutex<State>

    /// Reads `hostnames.json` in `directory`; a missing file is an empty one.
    package init(directory: String, logger: Logger) {
        reconnects = ReconnectStore(directory: directory, logger: logger)
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
        state.withLock { state in
            state.add(entry)
            keep(entry, &state)
        }
        return hostname
    }

    /// These tunnels are configured from now on.
    func retain(_ tunnels: Set<String>) {
        state.withLock { state in
            guard state.forget(butFor: tunnels, most: Self.spare) else { return }
            state.mayAppend = false
            do {
                try rewrite(state)
                state.mayAppend = true
            } catch {
                warn(error)
            }
        }
    }

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
                "generated host names cannot be read, making new ones",
                metadata: [
                    LogKey.file: "\(path)", LogKey.error: "\(FileTrouble.words(error))", "kept": "\(state.names.count)",
                ]
            )
        }
        return state
    }

    private func keep(_ entry: Entry, _ state: inout State) {
        do {
            if state.mayAppend, append(try Self.line(entry)) { return }
            state.mayAppend = false
            try rewrite(state)
            state.mayAppend = true
        } catch {
            warn(error)
        }
    }

    private func warn(_ error: any Error) {
        logger.warning(
            "generated host names cannot be kept, a restart makes new ones",
            metadata: [LogKey.file: "\(path)", LogKey.error: "\(FileTrouble.words(error))"]
        )
    }

    /// Whether the whole line is behind the others now.
    private func append(_ line: Data) -> Bool {
        (try? HostFile.append(Array(line), to: path)) != nil
    }

    private func rewrite(_ state: State) throws {
        var lines = Data()
        for place in state.order {
            guard let hostname = state.names[place] else { continue }
            lines += try Self.line(Entry(engine: place.engine, tunnel: place.tunnel, hostname: hostname))
        }
        try lines.write(to: URL(filePath: path), options: .atomic)
    }

    private static func line(_ entry: Entry) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return try encoder.encode(entry) + [UInt8(ascii: "\n")]
    }
}

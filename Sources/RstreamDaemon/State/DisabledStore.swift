// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import FoundationEssentials
internal import GuardedJSON
internal import Linux
internal import Logging

/// The tunnels that an operator has disabled until they are enabled, across reloads and restarts (contract §1).
///
/// The latest ``spareLimit`` names of tunnels that are not configured are kept: a file that is moved away and comes back
/// does not open what an operator has closed.
///
/// Its ``StateFile`` guards the names, the oldest first.
final class DisabledStore: Sendable {
    /// How many names of tunnels that are not configured are kept.
    static let spareLimit = 256
    /// Bytes of the file: enough for more tunnels than a configuration can have.
    private static let sizeLimit = 16 << 20

    private let file: StateFile<[String]>

    /// Reads `disabled.json` in `directory`; a missing file is an empty one.
    ///
    /// A file that `isForeign` is not written before ``takeOver()``.
    init(
        directory: String,
        isForeign: Bool = false,
        thread: BlockingThreads = BlockingThreads(most: 1),
        logger: Logger
    ) {
        let path = directory + "/disabled.json"
        file = StateFile(path, Self.read(path, logger: logger), isForeign: isForeign, thread: thread) { file in
            try file.replace(with: try JSONEncoder().encode(file.withContent { $0 }))
        } writeFailed: { file, reason in
            logger.error(
                "disabled tunnels file write failed",
                metadata: [
                    LogKey.file: "\(file.path)", LogKey.error: "\(reason)",
                    LogKey.fix: "let the daemon write to the state directory, and disable the tunnels again",
                ]
            )
        }
    }

    /// The file is this process's from now on: what was to be written is.
    func takeOver() { file.takeOver() }

    /// The file is another process's from now on.
    func giveUp() { file.giveUp() }

    var names: Set<String> { file.withContent { Set($0) } }

    /// Adds or removes tunnels.
    func set(_ tunnels: [String], isDisabled: Bool) {
        let changed = Set(tunnels)
        change { names in
            guard isDisabled else { return names.filter { !changed.contains($0) } }
            // A name that is there keeps its place.
            var known = Set(names)
            return names + tunnels.filter { known.insert($0).inserted }
        }
    }

    /// Removes the oldest names of tunnels that are not among these, beyond the limit.
    func retain(_ configured: Set<String>) {
        file.change { names in
            let spare = names.filter { !configured.contains($0) }
            guard spare.count > Self.spareLimit else { return false }
            let removed = Set(spare.dropLast(Self.spareLimit))
            names.removeAll { removed.contains($0) }
            return true
        }
    }

    private func change(_ next: ([String]) -> [String]) {
        // After a failure, every change is a reason to try again.
        let hasFailed = file.failure != nil
        file.change { names in
            let before = names
            names = next(before)
            return names != before || hasFailed
        }
    }

    /// Waits until every change so far is in the file, at most for `limit`. Returns why it is not.
    @discardableResult
    func waitUntilWritten(within limit: Duration) async -> String? { await file.waitUntilWritten(within: limit) }

    private static func read(_ path: String, logger: Logger) -> [String] {
        do {
            let bytes = try StateFile<[String]>.read(path, limit: sizeLimit)
            return try bytes.map { try GuardedJSON.decode([String].self, from: $0, limit: sizeLimit) } ?? []
        } catch {
            logger.error(
                "disabled tunnels file read failed",
                metadata: [
                    LogKey.file: "\(path)", LogKey.error: "\(StateFileFailure.description(of: error))",
                    LogKey.fix: "disable the tunnels again, which replaces the file",
                ]
            )
            return []
        }
    }
}

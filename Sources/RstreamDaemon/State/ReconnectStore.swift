// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import FoundationEssentials
internal import GuardedJSON
internal import Linux
internal import Logging
internal import RstreamConfig
internal import RstreamCore
internal import RstreamModel

/// When each session may dial next, so that a daemon that is restarted again and again dials no more often than one
/// that keeps running (contract §1).
///
/// An entry applies to the configuration and the credential that the session dialed with: after an operator has
/// corrected one of them and restarted the daemon, the session does not wait. Losing the file costs only the waits, so
/// failures are warnings. Its ``StateFile`` guards the entries.
final class ReconnectStore: Sendable {
    fileprivate struct Entry: Codable, Hashable {
        var context: String
        var engine: String
        /// The version of the files with the context and its credential.
        var stamp: String
        var attempt: Int
        var isRejected: Bool
        var nextAttemptAt: UTCTime
    }

    /// Identifies a session's schedule, with the version of its files.
    struct Key: Hashable, Sendable {
        let context: String
        let engine: String
        let stamp: String

        /// Reads the state of the files. Has to be called on a thread that may block.
        init(_ context: ContextDefinition, engine: String) {
            MayBlock.now("looking at the files of a context")
            // All inline contexts have one name.
            let isInline = context.name.sameBytes(as: ContextDefinition.inlineName)
            self.context = isInline ? "\(context.name) \(context.mark)" : context.name
            self.engine = engine
            var files = [context.mark.file]
            var contents: [String] = []
            switch context.credential {
            case .tokenFile(let path): files.append(path)
            case .clientCertificate(let certificate, let key): files += [certificate, key]
            case .hardwareKey(let certificate, let key):
                files += [certificate] + [key.file, key.pinFile].compactMap(\.self)
                contents.append(key.uri)
            // systemd creates the file anew at every start, so its content has to be compared.
            case .tokenCredential(let path): contents.append(Self.digest(ofFile: path))
            // The token may come from an environment variable.
            case .token(let token): contents.append(token.withBytes(Self.digest))
            case .clientCertificatePEM, .none: break
            }
            let stamps = files.filter { !$0.isEmpty }.map { path in
                FileSystem().stamp(of: path).map { "\($0.inode).\($0.size).\($0.changed)" } ?? "-"
            }
            stamp = (stamps + contents).joined(separator: " ")
        }

        private static func digest(ofFile path: String) -> String {
            guard var bytes = try? HostFile(reading: path, limit: ReconnectStore.sizeLimit).bytes else { return "-" }
            defer { SecretMemory.wipe(&bytes) }
            return bytes.withUnsafeBytes(digest)
        }

        /// A digest of sixteen bits (FNV-1a, folded): enough to notice nearly every change of a secret, and too few to
        /// reveal it. A change that is not noticed costs a wait.
        private static func digest(_ secret: UnsafeRawBufferPointer) -> String {
            let hash = secret.reduce(0x811C_9DC5 as UInt32) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
            return String((hash >> 16) ^ (hash & 0xFFFF), radix: 16)
        }
    }

    /// Bytes of the file: enough for more contexts than a configuration can have.
    private static let sizeLimit = 16 << 20

    private let file: StateFile<[Entry]>

    /// Reads `reconnect.json` in `directory`; a missing file is an empty one.
    ///
    /// A file that `isForeign` is not written before ``takeOver()``.
    init(
        directory: String,
        isForeign: Bool = false,
        thread: BlockingThreads = BlockingThreads(most: 1),
        logger: Logger
    ) {
        let path = directory + "/reconnect.json"
        file = StateFile(path, Self.read(path, logger: logger), isForeign: isForeign, thread: thread) { file in
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            try file.replace(with: try encoder.encode(file.withContent { $0 }))
        } writeFailed: { file, reason in
            logger.debug(
                "reconnect file write failed",
                metadata: [LogKey.file: "\(file.path)", LogKey.error: "\(reason)"]
            )
        }
    }

    /// The file is this process's from now on: what the other process wrote last is replaced.
    func takeOver() { file.takeOver { _ in true } }

    /// The file is another process's from now on.
    func giveUp() { file.giveUp() }

    /// Returns the schedule that an earlier process has left, if it applies to `key`.
    func schedule(of key: Key) -> ReconnectSchedule? {
        let entry = file.withContent { entries in
            entries.first { $0.matches(key) && $0.stamp.sameBytes(as: key.stamp) }
        }
        return entry.map {
            ReconnectSchedule(attempt: $0.attempt, isRejected: $0.isRejected, nextAttemptAt: $0.nextAttemptAt)
        }
    }

    /// Stores a schedule; nil removes it.
    func set(_ schedule: ReconnectSchedule?, of key: Key) {
        // Entries of contexts that are gone expire after a day.
        let old = UTCTime.now.advanced(by: .seconds(-86_400))
        file.change { entries in
            let before = entries
            entries.removeAll { $0.matches(key) || $0.nextAttemptAt < old }
            if let schedule {
                entries.append(
                    Entry(
                        context: key.context,
                        engine: key.engine,
                        stamp: key.stamp,
                        attempt: schedule.attempt,
                        isRejected: schedule.isRejected,
                        nextAttemptAt: schedule.nextAttemptAt
                    )
                )
            }
            return entries != before
        }
    }

    /// Waits until every schedule so far is in the file, at most for `limit`.
    func waitUntilWritten(within limit: Duration) async { _ = await file.waitUntilWritten(within: limit) }

    private static func read(_ path: String, logger: Logger) -> [Entry] {
        do {
            let bytes = try StateFile<[Entry]>.read(path, limit: sizeLimit)
            return try bytes.map { try GuardedJSON.decode([Entry].self, from: $0, limit: sizeLimit) } ?? []
        } catch {
            logger.warning(
                "reconnect file read failed",
                metadata: [LogKey.file: "\(path)", LogKey.error: "\(StateFileFailure.description(of: error))"]
            )
            return []
        }
    }
}

extension ReconnectStore.Entry {
    fileprivate func matches(_ key: ReconnectStore.Key) -> Bool {
        context.sameBytes(as: key.context) && engine.sameBytes(as: key.engine)
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import FoundationEssentials
internal import Glibc
internal import GuardedJSON
internal import Linux
internal import Synchronization

/// One of the daemon's state files: its content, and when that is written.
///
/// The content is in force at once. The file's own thread writes it, all changes by then at once, and not while the
/// file is another process's. Guarded by a mutex that is not held during a write.
final class StateFile<Content: Sendable>: Sendable {
    private struct State {
        var content: Content
        /// Whether a write is scheduled, which will write everything that has changed by then.
        var isWriteScheduled = false
        /// Whether the file is another process's, and whether there is something to write when it no longer is.
        var isForeign: Bool
        var isUnwritten = false
        /// Why the last write failed; nil when it did not.
        var failure: String?

        /// Returns whether the caller has to start a write.
        mutating func scheduleWrite() -> Bool {
            guard !isForeign else {
                isUnwritten = true
                return false
            }
            defer { isWriteScheduled = true }
            return !isWriteScheduled
        }
    }

    let path: String
    private let state: Lock<State>
    private let thread: BlockingThreads
    private let write: @Sendable (StateFile) throws -> Void
    private let writeFailed: @Sendable (StateFile, String) -> Void

    /// A file with what was read from it.
    ///
    /// `write` writes the content, on `thread`; `writeFailed` is told why that failed. A file that `isForeign` is not
    /// written before ``takeOver(_:)``.
    init(
        _ path: String,
        _ content: Content,
        isForeign: Bool,
        thread: BlockingThreads,
        write: @escaping @Sendable (StateFile) throws -> Void,
        writeFailed: @escaping @Sendable (StateFile, String) -> Void
    ) {
        self.path = path
        self.thread = thread
        self.write = write
        self.writeFailed = writeFailed
        state = Lock(State(content: content, isForeign: isForeign))
    }

    /// Why the last write failed; nil when it did not.
    var failure: String? { state.withLock(\.failure) }

    /// Reads the content, or changes what needs no write.
    func withContent<Value: Sendable>(_ body: (inout Content) -> Value) -> Value {
        state.withLock { body(&$0.content) }
    }

    /// Changes the content. `change` returns whether it has to be written.
    func change(_ change: (inout Content) -> Bool) {
        let writes = state.withLock { state in change(&state.content) && state.scheduleWrite() }
        if writes { startWrite() }
    }

    // MARK: Whose it is

    /// The file is this process's from now on. `prepare` returns whether the content has to be written; nil leaves that
    /// to whether it has changed meanwhile.
    func takeOver(_ prepare: (inout Content) -> Bool? = { _ in nil }) {
        let writes = state.withLock { state in
            let isWanted = prepare(&state.content) ?? (state.isForeign && state.isUnwritten)
            (state.isForeign, state.isUnwritten) = (false, false)
            return isWanted && state.scheduleWrite()
        }
        if writes { startWrite() }
    }

    /// The file is another process's from now on.
    func giveUp() { state.withLock { $0.isForeign = true } }

    // MARK: On the disk

    /// The bytes of a file; nil where there is none. Has to be called on a thread that may block.
    ///
    /// Without access to the folder there is nothing to read either; the first write reports the failure.
    static func read(_ path: String, limit: Int) throws -> [UInt8]? {
        guard access(path, F_OK) == 0 else { return nil }
        return try HostFile(reading: path, limit: limit).bytes
    }

    /// Replaces the file, for `write`.
    func replace(with data: Data) throws {
        MayBlock.now("writing a file")
        try data.write(to: URL(filePath: path), options: .atomic)
    }

    /// Waits until every change so far is in the file, at most for `limit`. Returns why it is not.
    func waitUntilWritten(within limit: Duration) async -> String? {
        guard await thread.run(within: limit, { true }) == true else { return "the disk does not answer" }
        return failure
    }

    private func startWrite() {
        thread.submit { [self] in
            // Before the content is read: whatever changes afterwards is another write's.
            state.withLock { $0.isWriteScheduled = false }
            do {
                try write(self)
                state.withLock { $0.failure = nil }
            } catch {
                let reason = StateFileFailure.description(of: error)
                state.withLock { $0.failure = reason }
                writeFailed(self, reason)
            }
        }
    }
}

/// Describes errors of state files for operators; the descriptions of the libraries are for developers.
enum StateFileFailure {
    static func description(of error: any Error) -> String {
        switch error {
        case let error as GuardedJSON.Failure: "a line of it is \(error)"
        case let error as HostFile.Failure: description(of: error)
        case let error as SystemError: "\(error)"
        case let error as CocoaError: description(of: error)
        default: "it cannot be read or written"
        }
    }

    private static func description(of failure: HostFile.Failure) -> String {
        switch failure {
        case .notRegular, .ofKernel: "it is not a regular file"
        case .tooLong(let limit): "it is longer than \(limit) bytes"
        case .noProc: "/proc is not mounted"
        case .failed(let number): SystemError.reason(number)
        }
    }

    private static func description(of error: CocoaError) -> String {
        switch error.code {
        case .fileWriteNoPermission, .fileReadNoPermission: SystemError.reason(EACCES)
        case .fileWriteOutOfSpace: SystemError.reason(ENOSPC)
        case .fileWriteVolumeReadOnly: SystemError.reason(EROFS)
        case .fileNoSuchFile, .fileReadNoSuchFile: SystemError.reason(ENOENT)
        case .fileReadCorruptFile: "it is empty"
        default: "it cannot be read or written"
        }
    }
}

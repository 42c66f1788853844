// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import FoundationEssentials
internal import Glibc
internal import GuardedJSON
internal import Linux
package import Logging

/// The daemon's state files (contract §1). The daemon runs without any of them, and a damaged one does not affect the
/// other.
package struct StateDirectory: Sendable {
    let hostnames: HostnameStore
    let reconnects: ReconnectStore

    /// Reads the files at `path`. Has to be called on a thread that may block.
    package init(_ path: String, logger: Logger) {
        MayBlock.now("reading the state")
        hostnames = HostnameStore(directory: path, logger: logger)
        reconnects = ReconnectStore(directory: path, logger: logger)
    }

    /// How long a stop waits for a file to be written.
    private static let timeout = Duration.seconds(2)

    /// Waits until every change so far is in the files, at most for the timeout.
    func waitUntilWritten() async {
        await hostnames.waitUntilWritten(within: Self.timeout)
        await reconnects.waitUntilWritten(within: Self.timeout)
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

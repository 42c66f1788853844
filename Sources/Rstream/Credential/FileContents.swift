// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux

/// A regular file that was read as a whole, with its permissions at that time.
struct FileContents {
    var bytes: [UInt8]
    /// The user ID of the owner.
    let owner: UInt32
    /// How other users can read the file; nil if they cannot.
    let exposure: PathStep.Exposure?

    /// Why a file could not be read.
    enum Failure: Error, CustomStringConvertible {
        case notRegular
        case tooLong(limit: Int)
        /// The kernel's `errno`.
        case failed(Int32)

        var isMissing: Bool {
            switch self {
            case .failed(ENOENT), .failed(ENOTDIR): true
            case .failed, .notRegular, .tooLong: false
            }
        }

        /// What an operator can do about it.
        func fix(_ path: String, isSecret: Bool) -> String {
            guard case .failed(let code) = self else { return "check the path" }
            return IntendedReader.process.remedy(for: path, code, isSecret: isSecret)
        }

        /// The failure in words, to follow the path in an error.
        var description: String {
            switch self {
            case .failed(ENOENT), .failed(ENOTDIR): "there is no such file"
            case .failed(EACCES), .failed(EPERM): "permission denied"
            case .notRegular: "it is not a regular file"
            case .tooLong(let limit): "it is longer than \(limit) bytes"
            case .failed(let number): SystemError.reason(number)
            }
        }
    }

    /// Reads the file at `path`. Throws if it is longer than `limit` bytes, or is a pipe, a device or a file of `/proc`
    /// or another pseudo file system.
    init(of path: String, limit: Int) throws(Failure) {
        do throws(HostFile.Failure) {
            let file = try HostFile(reading: path, limit: limit)
            bytes = file.bytes
            owner = file.step.owner
            exposure = file.step.exposure()
        } catch {
            switch error {
            case .notRegular, .ofKernel: throw .notRegular
            case .noProc: throw .failed(ENOENT)
            case .tooLong(let limit): throw .tooLong(limit: limit)
            case .failed(let number): throw .failed(number)
            }
        }
    }
}

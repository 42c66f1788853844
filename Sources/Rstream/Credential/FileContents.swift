internal import Glibc
internal import Linux

/// A file that was read as a whole, with its permissions.
struct FileContents {
    var bytes: [UInt8]
    /// The user who owns it.
    let owner: UInt32
    /// Why it cannot hold a secret; nil when it can.
    let exposure: PathStep.Exposure?

    /// Why it could not be read.
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

        /// What to do about it.
        func fix(_ path: String, isSecret: Bool) -> String {
            guard case .failed(let code) = self else { return "check the path" }
            return IntendedReader.process.remedy(for: path, code, isSecret: isSecret)
        }

        /// The failure, to be written after the path.
        var description: String {
            switch self {
            case .failed(ENOENT), .failed(ENOTDIR): "there is no such file"
            case .failed(EACCES), .failed(EPERM): "permission denied"
            case .notRegular: "it is not a regular file"
            case .tooLong(let limit): "it is longer than \(limit) bytes"
            case .failed(let number): String(cString: strerror(number))
            }
        }
    }

    /// Reads the file at `path`, `limit` bytes at most. It must be a regular file: no pipe,
    /// no device, and no file of `/proc` or `/sys`.
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

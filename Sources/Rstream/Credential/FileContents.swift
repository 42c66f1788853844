internal import Glibc

/// A file that was read as a whole, with the permissions of what was read.
struct FileContents {
    let bytes: [UInt8]
    /// Whether group or others may read it.
    let isShared: Bool

    /// Why it could not be read.
    enum Failure: Error, CustomStringConvertible {
        case notRegular
        case tooLong(limit: Int)
        /// What the kernel said, as an `errno`.
        case failed(Int32)

        var isMissing: Bool {
            switch self {
            case .failed(ENOENT), .failed(ENOTDIR): true
            case .failed, .notRegular, .tooLong: false
            }
        }

        /// The failure in words, to stand behind the path.
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

    /// Reads the file at `path`, which must not be longer than `limit` bytes.
    init(of path: String, limit: Int) throws(Failure) {
        // A pipe in the file's place must not be waited for.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else { throw .failed(errno) }
        defer { close(descriptor) }
        // Judged on the opened file, so that contents and permissions belong together.
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .failed(errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegular }
        isShared = status.st_mode & 0o077 != 0
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = chunk.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .failed(errno) }
            guard count > 0 else { break }
            guard bytes.count + count <= limit else { throw .tooLong(limit: limit) }
            bytes += chunk[..<count]
        }
        self.bytes = bytes
    }
}

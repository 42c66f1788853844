import Glibc

/// The real files.
package struct FileSystem: FileAccess {
    /// The one of this host.
    package init() {}

    /// Reads a whole file with its permission bits, judged on the opened file so that both belong together.
    package func read(_ path: String, limit: Int) throws(FileAccessError) -> FileContents {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else { throw Self.error(errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.error(errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .failed("not a regular file") }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = chunk.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Self.error(errno) }
            guard count > 0 else { break }
            guard bytes.count + count <= limit else { throw .tooLong(limit: limit) }
            bytes += chunk[..<count]
        }
        return FileContents(bytes: bytes, mode: status.st_mode & 0o7777)
    }

    /// Lists a directory.
    package func names(in directory: String) throws(FileAccessError) -> [String] {
        guard let handle = opendir(directory) else { throw Self.error(errno) }
        defer { closedir(handle) }
        var names: [String] = []
        while true {
            // The only way to tell the end from a failure.
            errno = 0
            guard let entry = readdir(handle) else {
                guard errno == 0 else { throw Self.error(errno) }
                return names
            }
            // The kernel's entry is shorter than Swift's `dirent`, so the name is read where it lies, not copied.
            let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
            let name = String(cString: UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self))
            if name != ".", name != ".." { names.append(name) }
        }
    }

    /// Of the file that a link leads to, as it is read.
    package func stamp(of path: String) -> FileStamp? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return FileStamp(
            device: UInt64(status.st_dev),
            inode: UInt64(status.st_ino),
            size: Int64(status.st_size),
            changed: Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec)
        )
    }

    private static func error(_ number: Int32) -> FileAccessError {
        switch number {
        case ENOENT, ENOTDIR: .missing
        case EACCES, EPERM: .notPermitted
        default: .failed(String(cString: strerror(number)))
        }
    }
}

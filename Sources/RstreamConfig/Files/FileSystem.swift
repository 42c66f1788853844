// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
package import Linux

/// The files of this host.
package struct FileSystem: FileAccess {
    /// Makes an accessor; it has no state.
    package init() {}

    /// More entries than a folder of tunnel files has.
    private static let mostNames = 131_072

    /// Reads a whole file. Owner and mode are those of the opened file, so that they belong to what was read.
    package func read(_ path: String, limit: Int) throws(FileAccessError) -> FileContents {
        do throws(HostFile.Failure) {
            let file = try HostFile(reading: path, limit: limit)
            return FileContents(bytes: file.bytes, file: file.step, way: file.way, isElsewhere: file.isElsewhere)
        } catch {
            throw Self.error(error)
        }
    }

    /// Every folder and link on the way to a directory, and the directory.
    package func way(to directory: String) throws(FileAccessError) -> [PathStep] {
        do throws(HostFile.Failure) {
            return try HostFile.way(toFolder: directory)
        } catch {
            throw Self.error(error)
        }
    }

    /// Lists a directory.
    package func names(in directory: String) throws(FileAccessError) -> [String] {
        MayBlock.now("listing a folder")
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
            guard name != ".", name != ".." else { continue }
            guard names.count < Self.mostNames else { throw .tooMany(limit: Self.mostNames) }
            names.append(name)
        }
    }

    /// Of the file that a link leads to, as it is read.
    package func stamp(of path: String) -> FileStamp? {
        MayBlock.now("looking at a file")
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return FileStamp(
            device: UInt64(status.st_dev),
            inode: UInt64(status.st_ino),
            size: Int64(status.st_size),
            changed: Int64(status.st_ctim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_ctim.tv_nsec)
        )
    }

    private static func error(_ failure: HostFile.Failure) -> FileAccessError {
        switch failure {
        case .notRegular: .failed("not a regular file")
        case .ofKernel: .failed("it is provided by the kernel (/proc, /sys), not a stored file")
        case .tooLong(let limit): .tooLong(limit: limit)
        case .noProc: .failed("\(failure)")
        case .failed(let number): error(number)
        }
    }

    private static func error(_ number: Int32) -> FileAccessError {
        switch number {
        case ENOENT, ENOTDIR: .missing
        case EACCES, EPERM: .notPermitted
        default: .failed(SystemError.reason(number))
        }
    }
}

/// How this room sees files; tests give it an imaginary file system.
package protocol FileAccess: Sendable {
    /// Reads a whole file that is not longer than `limit` bytes.
    func read(_ path: String, limit: Int) throws(FileAccessError) -> FileContents

    /// The names in a directory, in any order, without `.` and `..`.
    func names(in directory: String) throws(FileAccessError) -> [String]

    /// What tells the file's state from others; nil when there is no file, or no way to tell.
    func stamp(of path: String) -> FileStamp?
}

extension FileAccess {
    /// Nothing can be told, unless an implementation knows better.
    package func stamp(of path: String) -> FileStamp? { nil }
}

/// A file that was read.
package struct FileContents: Hashable, Sendable {
    /// What is in it.
    package let bytes: [UInt8]
    /// Its permission bits.
    package let mode: UInt32

    /// What was read, with the permission bits of the file it was read from.
    package init(bytes: [UInt8], mode: UInt32) {
        self.bytes = bytes
        self.mode = mode
    }
}

/// Why a file could not be read.
package enum FileAccessError: Error, Hashable, Sendable {
    /// There is no such file, or a directory on the way to it is missing.
    case missing
    /// We may not read it.
    case notPermitted
    /// It is longer than the limit.
    case tooLong(limit: Int)
    /// Anything else, in the system's words.
    case failed(String)
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import Linux

/// Access to files; tests use an imaginary file system.
package protocol FileAccess: Sendable {
    /// Reads a whole file of at most `limit` bytes, and returns the way to it as well.
    func read(_ path: String, limit: Int) throws(FileAccessError) -> FileContents

    /// The names in a directory, in any order, without `.` and `..`.
    func names(in directory: String) throws(FileAccessError) -> [String]

    /// Every folder and link on the way to a directory, and the directory.
    func way(to directory: String) throws(FileAccessError) -> [PathStep]

    /// Identifies the current state of a file; nil when there is no file, or the state is unknown.
    func stamp(of path: String) -> FileStamp?
}

extension FileAccess {
    /// Unknown unless implemented.
    package func stamp(of path: String) -> FileStamp? { nil }

    /// Empty unless implemented.
    package func way(to directory: String) throws(FileAccessError) -> [PathStep] { [] }
}

/// A file that was read.
package struct FileContents: Hashable, Sendable {
    /// What is in it.
    package let bytes: [UInt8]
    /// The file, as it was opened.
    package let file: PathStep
    /// Every folder and link on the way to it.
    package let way: [PathStep]
    /// Whether a link led to it out of the folder in which it was looked for.
    package let isElsewhere: Bool

    /// A file that was read, and the way to it.
    package init(bytes: [UInt8], file: PathStep, way: [PathStep] = [], isElsewhere: Bool = false) {
        self.bytes = bytes
        self.file = file
        self.way = way
        self.isElsewhere = isElsewhere
    }

    /// A file of root's without a way to it.
    package init(bytes: [UInt8], mode: UInt32) {
        self.init(bytes: bytes, file: PathStep(.file, path: "", owner: 0, group: 0, mode: mode))
    }

    /// Its permission bits.
    package var mode: UInt32 { file.mode }
}

/// Why a file could not be read.
package enum FileAccessError: Error, Hashable, Sendable {
    /// There is no such file, or a directory on the way to it is missing.
    case missing
    /// We may not read it.
    case notPermitted
    /// It is longer than the limit.
    case tooLong(limit: Int)
    /// A directory has more entries than the limit.
    case tooMany(limit: Int)
    /// Anything else, in the system's words.
    case failed(String)
}

extension FileAccessError {
    /// The reason in words, to follow the name of the file.
    var words: String {
        switch self {
        case .missing: "there is no such file"
        case .notPermitted: "not permitted to read this"
        case .tooLong(let limit): "longer than \(limit) bytes"
        case .tooMany(let limit): "more than \(limit) entries"
        case .failed(let reason): reason
        }
    }
}

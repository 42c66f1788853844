// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Glibc

/// A temporary folder for the files of one test's processes.
package struct ProcessFolder: Sendable {
    package let path: String

    /// Makes a folder that every user may enter, since some processes run as another user.
    package init() throws {
        var template = Array("/tmp/rstreamd-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw POSIXFailure("mkdtemp", errno) }
        path = String(decoding: template.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        chmod(path, 0o755)
    }

    /// Writes a file, with the given permission bits, and returns its path.
    @discardableResult
    package func write(_ text: String, to name: String, mode: UInt32 = 0o600) throws -> String {
        let file = "\(path)/\(name)"
        if let slash = file.lastIndex(of: "/") {
            try FileManager.default.createDirectory(
                atPath: String(file[..<slash]),
                withIntermediateDirectories: true
            )
        }
        try Data(text.utf8).write(to: URL(filePath: file))
        chmod(file, mode)
        return file
    }

    /// The text of a file.
    package func read(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: "\(path)/\(name)")), as: UTF8.self)
    }

    /// Replaces a file atomically, so that a reader sees the old one or the new one, complete.
    @discardableResult
    package func replace(_ name: String, with text: String, mode: UInt32 = 0o600) throws -> String {
        let new = try write(text, to: "\(name).new", mode: mode)
        let file = "\(path)/\(name)"
        guard rename(new, file) == 0 else { throw POSIXFailure("rename", errno) }
        return file
    }

    /// Makes a symbolic link in one step, also where there is one already.
    package func link(_ name: String, to target: String) throws {
        let new = "\(path)/\(name).new"
        guard symlink(target, new) == 0 else { throw POSIXFailure("symlink", errno) }
        guard rename(new, "\(path)/\(name)") == 0 else { throw POSIXFailure("rename", errno) }
    }

    /// Makes a folder inside and returns its path.
    package func makeFolder(_ name: String) throws -> String {
        let folder = "\(path)/\(name)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return folder
    }

    /// Removes a file inside, or a folder with everything in it.
    package func remove(_ name: String) throws {
        try FileManager.default.removeItem(atPath: "\(path)/\(name)")
    }

    /// Removes the folder and everything in it.
    package func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }
}

/// A system call that failed.
package struct POSIXFailure: Error, CustomStringConvertible {
    package let description: String

    package init(_ call: String, _ code: CInt) {
        description = "\(call): \(String(cString: strerror(code)))"
    }
}

import FoundationEssentials
package import Glibc

/// A temporary folder for the files of one test's processes.
package struct ProcessFolder: Sendable {
    package let path: String

    /// Makes a folder that everybody may enter, since some processes run as another user.
    package init() throws {
        var template = Array("/tmp/rstreamd-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw POSIXFailure("mkdtemp", errno) }
        path = String(decoding: template.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        chmod(path, 0o755)
    }

    /// Writes a file, with the given permission bits, and returns its path.
    @discardableResult
    package func write(_ text: String, to name: String, mode: mode_t = 0o600) throws -> String {
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

    /// Makes a folder inside and returns its path.
    package func makeFolder(_ name: String) throws -> String {
        let folder = "\(path)/\(name)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return folder
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

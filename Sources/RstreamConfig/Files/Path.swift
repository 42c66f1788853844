// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import RstreamModel

/// Paths as text. Nothing here looks at a file.
package enum Path {
    /// The longest path that the kernel takes.
    static let longest = 4_095
    /// The longest name in a directory.
    static let longestName = 255

    /// The path with its directory in front, unless it is absolute.
    package static func resolve(_ path: String, in directory: String) -> String {
        if path.startsWithBytes(of: "/") || directory.isEmpty { return path }
        return directory.endsWithBytes(of: "/") ? directory + path : "\(directory)/\(path)"
    }

    /// The path from the root on; relative ones begin at this process's working directory.
    package static func absolute(_ path: String) -> String {
        guard !path.startsWithBytes(of: "/"), let directory = getcwd(nil, 0) else { return path }
        defer { free(directory) }
        return resolve(path, in: String(cString: directory))
    }

    /// The directory a file is in; empty for a name without one.
    package static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(ofByte: "/") else { return "" }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The last component.
    package static func name(of path: String) -> String {
        path.lastIndex(ofByte: "/").map { String(path[path.utf8.index(after: $0)...]) } ?? path
    }

    /// Whether a path has a `*` or `?` in it.
    package static func isPattern(_ path: String) -> Bool { path.contains(byte: "*") || path.contains(byte: "?") }

    /// Whether a file's name fits a pattern. As in a shell, only a pattern with a leading dot fits a name with one.
    package static func matches(_ name: String, pattern: String) -> Bool { NamePattern(pattern).matches(name) }
}

internal import Glibc

/// Paths as text. Nothing here looks at a file.
package enum Path {
    /// The path with its directory in front, unless it is absolute.
    package static func resolve(_ path: String, in directory: String) -> String {
        if path.hasPrefix("/") || directory.isEmpty { return path }
        return directory.hasSuffix("/") ? directory + path : "\(directory)/\(path)"
    }

    /// The path from the root on; relative ones begin at this process's working directory.
    package static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let directory = getcwd(nil, 0) else { return path }
        defer { free(directory) }
        return resolve(path, in: String(cString: directory))
    }

    /// The directory a file is in; empty for a name without one.
    package static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "" }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The last component.
    package static func name(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }

    /// Whether a path has a `*` or `?` in it.
    package static func isPattern(_ path: String) -> Bool { path.contains { $0 == "*" || $0 == "?" } }

    /// Whether a file's name fits a pattern. As in a shell, only a pattern with a leading dot fits a name with one.
    package static func matches(_ name: String, pattern: String) -> Bool {
        if name.hasPrefix("."), !pattern.hasPrefix(".") { return false }
        let name = Array(name)
        let pattern = Array(pattern)
        var place = 0
        var index = 0
        // Where the last star stood, and how much of the name it took so far.
        var star: (pattern: Int, name: Int)?
        while index < name.count {
            if place < pattern.count, pattern[place] == "*" {
                star = (place, index)
                place += 1
            } else if place < pattern.count, pattern[place] == "?" || pattern[place] == name[index] {
                place += 1
                index += 1
            } else if let last = star {
                star = (last.pattern, last.name + 1)
                place = last.pattern + 1
                index = last.name + 1
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == "*" }
    }
}

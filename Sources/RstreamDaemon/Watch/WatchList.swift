// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import Linux
internal import RstreamConfig
internal import RstreamModel

/// The directory entries that the configuration comes from (RUN.md §3).
///
/// A file is replaced in its directory, and a symbolic link in the directory of the link, so every link on the path of
/// a file counts, as in volumes of Kubernetes.
struct WatchList: Hashable, Sendable {
    /// The relevant entries of a directory: names, and patterns of names.
    struct Entries: Hashable, Sendable {
        var names: Set<ByteKey> = []
        var patterns: Set<ByteKey> = []

        func contain(_ name: String) -> Bool {
            names.contains(ByteKey(name)) || patterns.contains { Path.matches(name, pattern: $0.text) }
        }
    }

    /// By directory.
    private(set) var directories: [ByteKey: Entries] = [:]

    /// More links than this on the path of one file are a loop.
    private static let longestChain = 32

    /// The entries on the paths of `files`, and every entry that matches one of `patterns`, which are paths.
    init(files: [String], patterns: [String]) {
        for file in files { add(file) }
        for pattern in patterns {
            let directory = Self.directory(of: pattern)
            directories[ByteKey(directory), default: Entries()].patterns.insert(ByteKey(Path.name(of: pattern)))
            // The directory may not exist yet.
            add(directory)
        }
    }

    /// Whether a change of a directory entry may have changed the configuration.
    func concerns(_ name: String, in directory: String) -> Bool {
        directories[ByteKey(directory)]?.contain(name) ?? false
    }

    private mutating func add(_ path: String) {
        var waiting = [path]
        var steps = 0
        while let path = waiting.popLast(), steps < Self.longestChain {
            steps += 1
            insert(path)
            let components = path.split(byte: "/")
            var prefix = ""
            for (index, component) in components.enumerated() {
                prefix += path.startsWithBytes(of: "/") || index > 0 ? "/\(component)" : String(component)
                guard let target = Self.target(ofLink: prefix) else { continue }
                insert(prefix)
                let rest = components[(index + 1)...].joined(separator: "/")
                let base = Path.resolve(target, in: Path.directory(of: prefix))
                waiting.append(rest.isEmpty ? base : Path.resolve(rest, in: base))
                break
            }
        }
    }

    private mutating func insert(_ path: String) {
        let name = Path.name(of: path)
        guard !name.isEmpty else { return }
        directories[ByteKey(Self.directory(of: path)), default: Entries()].names.insert(ByteKey(name))
    }

    private static func directory(of path: String) -> String {
        let directory = Path.directory(of: path)
        return directory.isEmpty ? "." : directory
    }

    private static func target(ofLink path: String) -> String? {
        MayBlock.now("looking at a link")
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink(path, &buffer, buffer.count)
        guard length > 0 else { return nil }
        return String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// Identifies a state of a file without reading it.
package struct FileStamp: Hashable, Sendable {
    /// Device and inode, because another file may have the same path by now.
    package let device: UInt64
    package let inode: UInt64
    /// In bytes.
    package let size: Int64
    /// When content, owner or permissions changed last: nanoseconds, by the kernel's clock.
    package let changed: Int64
}

/// The states of a configuration's files before they were read.
package struct FileStamps: Hashable, Sendable {
    private var stamps: [ByteKey: FileStamp] = [:]

    /// Nothing is known.
    package init() {}

    /// Records the state of the file at `path`, if `files` knows it.
    mutating func note(_ path: String, in files: any FileAccess) {
        stamps[ByteKey(path)] = files.stamp(of: path)
    }

    /// Whether another file is at one of the paths now, or one more that fits one of `patterns`.
    package func areOutdated(patterns: [String], in files: any FileAccess = FileSystem()) -> Bool {
        guard !stamps.isEmpty else { return false }
        if stamps.contains(where: { files.stamp(of: $0.key.text) != $0.value }) { return true }
        return patterns.contains { pattern in
            let directory = Path.directory(of: pattern)
            let names = try? files.names(in: directory.isEmpty ? "." : directory)
            let wanted = NamePattern(Path.name(of: pattern))
            return names?.contains { name in
                let path = Path.resolve(name, in: directory)
                // A link to nowhere, or a name that is not UTF-8, was none before, too.
                return wanted.matches(name) && stamps[ByteKey(path)] == nil && files.stamp(of: path) != nil
            } ?? false
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import FoundationEssentials
internal import Glibc

/// A folder of one test.
package struct TemporaryFolder: Sendable {
    package let path: String

    /// Makes a folder and removes it with everything in it when `body` returns.
    package static func with<Value>(_ body: (TemporaryFolder) async throws -> Value) async throws -> Value {
        let folder = try Self()
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        return try await body(folder)
    }

    /// A folder that the caller removes.
    private init() throws {
        // Short, because Unix sockets live in it and their paths may have 107 bytes.
        path = FileManager.default.temporaryDirectory.appending(path: "rs-\(UUID().uuidString.prefix(13))").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    package func path(of name: String) -> String { "\(path)/\(name)" }

    /// Writes a file in one step, private to its owner unless said otherwise, and returns its path.
    @discardableResult
    package func write(_ text: String, to name: String, mode: Int = 0o600) throws -> String {
        let path = path(of: name)
        let new = self.path(of: ".new")
        try Data(text.utf8).write(to: URL(filePath: new))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: new)
        guard rename(new, path) == 0 else { throw POSIXFailure("rename", errno) }
        return path
    }

    package func makeFolder(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: path(of: name), withIntermediateDirectories: false)
    }

    package func read(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path(of: name))), as: UTF8.self)
    }

    package func remove(_ name: String) throws {
        try FileManager.default.removeItem(atPath: path(of: name))
    }
}

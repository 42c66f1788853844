// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// The configuration of `rstreamd publish`: one tunnel and its context, which come from the command line instead of
/// files.
///
/// It is written as the daemon's own file, and that is loaded like any other, with the same diagnostics.
package struct PublishedTunnel: Sendable {
    /// What diagnostics have in place of a file.
    package static let place = "command line"
    private static let context = "publish"

    private let text: String

    /// A tunnel with the keys of an entry of `tunnels`, opened with a context with the keys of one of `contexts`.
    package init(_ tunnel: Tree.Table, context: Tree.Table) {
        var writer = TreeWriter()
        writer.line("version: 1")
        writer.line("include: []")
        writer.line("admin: { socket: none }")
        // Ctrl-C is to close it soon.
        writer.line("drain: { timeout: 5s }")
        writer.line("context: \(Self.context)")
        writer.line("contexts:")
        writer.pair(Self.context, Tree(.table(context)), head: 2, indent: 2)
        writer.line("tunnels:")
        writer.pairs(of: tunnel, indent: 4, isItem: true)
        text = writer.text
    }

    /// Loads it. Relative paths are of the working directory.
    package func load(environment: [String: String]) throws(ConfigurationError) -> LoadedConfiguration {
        try ConfigurationLoader(files: OneFile(text: text), environment: environment).load(Self.place)
    }

    /// A file that only exists as a text.
    private struct OneFile: FileAccess {
        let text: String

        func read(_ path: String, limit: Int) throws(FileAccessError) -> FileContents {
            guard path == PublishedTunnel.place else { throw .missing }
            return FileContents(bytes: Array(text.utf8), mode: 0o600)
        }

        func names(in directory: String) throws(FileAccessError) -> [String] { throw .missing }
    }
}

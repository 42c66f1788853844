// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// A tunnel file that only exists as a text, and the daemon's file that includes it.
struct OneTunnelFile: FileAccess {
    static let daemonPath = "rstreamd.yaml"
    private static let path = "tunnels.yaml"
    /// With a context for tunnels that name none.
    private static let daemonFile = """
        version: 1
        context: of the check
        contexts: { of the check: { engine: engine.example, noToken: true } }
        include: [\(path)]

        """

    let text: String

    func read(_ path: String, limit: Int) throws(FileAccessError) -> FileContents {
        switch path {
        case Self.daemonPath: return FileContents(bytes: Array(Self.daemonFile.utf8), mode: 0o640)
        case Self.path: return FileContents(bytes: Array(text.utf8), mode: 0o640)
        default: throw .missing
        }
    }

    func names(in directory: String) throws(FileAccessError) -> [String] { throw .missing }
}

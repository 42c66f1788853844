// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Linux
import RstreamConfig
import RstreamModel
import RstreamTestSupport
import Testing

/// A file system that is only a dictionary.
struct ImaginaryFiles: FileAccess {
    var files: [String: String] = [:]
    var modes: [String: UInt32] = [:]
    var forbidden: Set<String> = []
    /// Root's unless said otherwise, with root's group 50.
    var owners: [String: UInt32] = [:]
    /// The folders and links on the way to files and folders.
    var ways: [String: [PathStep]] = [:]
    /// Files that links lead to, out of their folders.
    var elsewhere: Set<String> = []

    func read(_ path: String, limit: Int) throws(FileAccessError) -> FileContents {
        if forbidden.contains(path) { throw .notPermitted }
        guard let text = files[path] else { throw .missing }
        guard text.utf8.count <= limit else { throw .tooLong(limit: limit) }
        return FileContents(
            bytes: Array(text.utf8),
            file: PathStep(.file, path: path, owner: owners[path] ?? 0, group: 50, mode: modes[path] ?? 0o640),
            way: ways[path] ?? [],
            isElsewhere: elsewhere.contains(path)
        )
    }

    func way(to directory: String) throws(FileAccessError) -> [PathStep] { ways[directory] ?? [] }

    func names(in directory: String) throws(FileAccessError) -> [String] {
        if forbidden.contains(directory) { throw .notPermitted }
        let prefix = directory + "/"
        let names = files.keys.filter { $0.hasPrefix(prefix) }.map { $0.dropFirst(prefix.count) }
        guard !names.isEmpty else { throw .missing }
        return names.filter { !$0.contains("/") }.map(String.init).shuffled()
    }
}

let daemonPath = "/etc/rstream/rstreamd.yaml"
/// What that file includes unless it says otherwise.
let daemonInclude = "/etc/rstream/tunnels.d/*.yaml"
let tunnelPath = "/etc/rstream/tunnels.d/web.yaml"

/// A daemon's file with one context that tunnels fall back to.
let usualDaemonFile = """
    version: 1
    context: main
    contexts: { main: { engine: engine.example, noToken: true } }

    """

/// A tunnel file whose only tunnel has this body under `tunnel`, the first line of which is line 6.
func tunnelFile(_ body: String) -> String {
    "version: 1\ntunnels:\n  - name: web\n    forward: 8080\n    tunnel:\n" + indented(body, by: 6)
}

/// A tunnel file whose only tunnel has these keys besides its name, the first of which is on line 4.
func entryFile(_ keys: String) -> String {
    "version: 1\ntunnels:\n  - name: web\n" + indented(keys, by: 4)
}

/// A daemon's file with one context of these keys, the first of which is on line 4.
func contextFile(_ keys: String) -> String {
    "version: 1\ncontexts:\n  main:\n" + indented(keys, by: 4)
}

private func indented(_ text: String, by count: Int) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false)
        .map { String(repeating: " ", count: count) + $0 + "\n" }.joined()
}

/// What came of a load.
struct Outcome {
    var configuration: DaemonConfiguration?
    var kind: ConfigurationError.Kind?
    var diagnostics: [Diagnostic] = []

    /// The only tunnel.
    var tunnel: TunnelDefinition? { configuration?.tunnels.first }
    /// Every error in short: `line:column: message`, with the file's name in front unless it is the first file.
    var errors: [String] { diagnostics.filter { $0.severity == .error }.map(short) }
    /// Every warning in short.
    var warnings: [String] { diagnostics.filter { $0.severity == .warning }.map(short) }

    private func short(_ diagnostic: Diagnostic) -> String {
        "\(diagnostic.line):\(diagnostic.column): \(diagnostic.message)"
    }
}

func load(
    _ files: ImaginaryFiles,
    environment: [String: String] = [:],
    rule: FileRule = .running,
    bounds: ConfigurationLoader.Bounds = .init()
) -> Outcome {
    do throws(ConfigurationError) {
        let loader = ConfigurationLoader(files: files, environment: environment, rule: rule, bounds: bounds)
        let loaded = try loader.load(daemonPath)
        return Outcome(configuration: loaded.configuration, diagnostics: loaded.warnings)
    } catch {
        for complaint in error.diagnostics {
            LibraryText.examine("\(complaint.message) \(complaint.hint ?? "")", saidBy: "a complaint about a file")
        }
        return Outcome(kind: error.kind, diagnostics: error.diagnostics)
    }
}

func load(daemon: String, tunnels: String? = nil, environment: [String: String] = [:]) -> Outcome {
    var files = ImaginaryFiles(files: [daemonPath: daemon])
    files.files[tunnelPath] = tunnels
    return load(files, environment: environment)
}

func load(tunnels: String, environment: [String: String] = [:]) -> Outcome {
    load(daemon: usualDaemonFile, tunnels: tunnels, environment: environment)
}

/// One text with the one complaint about it.
struct Wrong: CustomTestStringConvertible {
    let text: String
    let error: String
    let hint: String?

    init(_ text: String, _ error: String, _ hint: String? = nil) {
        self.text = text
        self.error = error
        self.hint = hint
    }

    var testDescription: String { text.split(separator: "\n").joined(separator: " | ") }

    func check(_ outcome: Outcome, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(outcome.errors == [error], sourceLocation: sourceLocation)
        if let hint { #expect(outcome.diagnostics.map(\.hint) == [hint], sourceLocation: sourceLocation) }
    }
}

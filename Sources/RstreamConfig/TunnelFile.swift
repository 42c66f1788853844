// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import YAML

/// A tunnel file that a program writes: tunnels with comments above them.
package struct TunnelFile: Sendable {
    /// What the daemon would refuse about it.
    package struct Mistake: Hashable, Sendable {
        /// The tunnel by its place in the file; nil for what belongs to none.
        package let index: Int?
        /// The keys that lead from the tunnel to what is wrong.
        package let path: [String]
        /// What is wrong, in one line.
        package let message: String
        /// What was expected.
        package let hint: String?
    }

    /// Its text.
    package let text: String
    private let tunnels: [Tree.Table]
    /// The last line of each tunnel, in order.
    private let ends: [Int]

    /// A file with these tunnels, and a comment of these lines at its head.
    package init(_ tunnels: [Tree.Table], heading: [String] = []) {
        self.tunnels = tunnels
        var writer = TreeWriter()
        var ends: [Int] = []
        for line in heading { writer.comment(line) }
        writer.line("version: 1")
        writer.line(tunnels.isEmpty ? "tunnels: []" : "tunnels:")
        for tunnel in tunnels {
            if tunnel.isEmpty { writer.line("- {}", indent: 2) }
            writer.pairs(of: Self.inOrder(tunnel), indent: 4, isItem: true)
            ends.append(writer.lineCount)
        }
        text = writer.text
        self.ends = ends
    }

    /// The keys of an entry in the order in which people write them; others follow by their names.
    private static let order = [
        "name", "forward", "upstreams", "context", "enabled", "upstream", "limits", "reload", "inspect", "tunnel",
    ]

    private static func inOrder(_ entry: Tree.Table) -> Tree.Table {
        let sorted = entry.pairs.sorted { first, second in
            let places = [first, second].map { pair in
                order.firstIndex { $0.sameBytes(as: pair.key) } ?? order.count
            }
            return places[0] == places[1] ? ByteKey(first.key) < ByteKey(second.key) : places[0] < places[1]
        }
        return Tree.Table(sorted)
    }

    /// What is wrong with the file, read as the daemon would. Which contexts there are is the daemon's business: their
    /// names are taken as they are.
    package func mistakes() -> [Mistake] {
        let checked = Self(
            tunnels.map { tunnel in Tree.Table(tunnel.pairs.filter { !$0.key.sameBytes(as: "context") }) }
        )
        do throws(ConfigurationError) {
            let loader = ConfigurationLoader(files: OneTunnelFile(text: checked.text), environment: [:])
            _ = try loader.load(OneTunnelFile.daemonPath)
            return []
        } catch {
            let entries: [Node] =
                switch (try? Document(parsing: checked.text))?.root?["tunnels"]?.content {
                case .sequence(let entries)?: entries
                default: []
                }
            return error.diagnostics.filter { $0.severity == .error }.map { diagnostic in
                let index = checked.ends.firstIndex { $0 >= diagnostic.line }
                let entry = index.flatMap { $0 < entries.count ? entries[$0] : nil }
                return Mistake(
                    index: diagnostic.line > 0 ? index : nil,
                    path: entry.map { Self.path(toLine: diagnostic.line, in: $0) } ?? [],
                    message: diagnostic.message,
                    hint: diagnostic.hint
                )
            }
        }
    }

    /// The keys that lead to a line.
    private static func path(toLine line: Int, in node: Node) -> [String] {
        guard case .mapping(let pairs) = node.content,
            let pair = pairs.last(where: { $0.keySpan.start.line <= line })
        else { return [] }
        return [pair.key] + path(toLine: line, in: pair.value)
    }
}

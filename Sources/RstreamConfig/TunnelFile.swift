// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import YAML

/// A tunnel file that a program writes: tunnels with comments above them.
package struct TunnelFile: Sendable {
    /// What the daemon would refuse about a tunnel.
    package struct Mistake: Hashable, Sendable {
        /// The keys that lead from the tunnel to what is wrong.
        package let path: [String]
        /// What is wrong, in one line.
        package let message: String
        /// What was expected.
        package let hint: String?
    }

    /// Its text.
    package let text: String

    /// A file with these tunnels, and a comment of these lines at its head.
    package init(_ tunnels: [Tree.Table], heading: [String] = []) {
        var writer = TreeWriter()
        for line in heading { writer.comment(line) }
        writer.line("version: 1")
        writer.line(tunnels.isEmpty ? "tunnels: []" : "tunnels:")
        for tunnel in tunnels {
            if tunnel.isEmpty { writer.line("- {}", indent: 2) }
            writer.pairs(of: Self.inOrder(tunnel), indent: 4, isItem: true)
        }
        text = writer.text
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

    /// What is wrong with a tunnel, read as the daemon would read a file that has no other. Which contexts there are is
    /// the daemon's business: their names are taken as they are.
    package static func mistakes(in tunnel: Tree.Table) -> [Mistake] {
        let text = Self([Tree.Table(tunnel.pairs.filter { !$0.key.sameBytes(as: "context") })]).text
        do throws(ConfigurationError) {
            let loader = ConfigurationLoader(files: OneTunnelFile(text: text), environment: [:])
            _ = try loader.load(OneTunnelFile.daemonPath)
            return []
        } catch {
            var entry: Node?
            if case .sequence(let entries)? = (try? Document(parsing: text))?.root?["tunnels"]?.content {
                entry = entries.first
            }
            return error.diagnostics.filter { $0.severity == .error }.map { diagnostic in
                Mistake(
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

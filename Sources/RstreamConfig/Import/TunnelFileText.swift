// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import YAML

/// The text of a tunnel file, and which lines of it belong to which entry.
struct TunnelFileText {
    /// An entry by its list and its place there.
    struct Place: Hashable {
        let list: WritableKeyPath<ImportedFile, [ImportedFile.Entry]>
        let index: Int
    }

    private(set) var text = ""
    /// The last line of each entry, in order.
    private var ends: [(line: Int, place: Place)] = []

    init(_ file: ImportedFile, from path: String) {
        var writer = TreeWriter(keepsVariables: file.keepsVariables)
        writer.comment("From \(path.quotedJSON) (\(file.program)). Look it over, then check it: rstreamctl check")
        for line in file.remarks.all { writer.comment(line) }
        writer.line("version: 1")
        write(file.contexts, \.contexts, "contexts", &writer)
        write(file.tunnels, \.tunnels, "tunnels", &writer)
        write(file.listeners, \.listeners, "listeners", &writer)
        text = writer.text
    }

    private mutating func write(
        _ entries: [ImportedFile.Entry],
        _ list: WritableKeyPath<ImportedFile, [ImportedFile.Entry]>,
        _ key: String,
        _ writer: inout TreeWriter
    ) {
        // A tunnel file needs its tunnels; they may be none.
        let isNeeded = list == \ImportedFile.tunnels
        guard isNeeded || !entries.isEmpty else { return }
        let isEmpty = entries.allSatisfy { $0.body == nil }
        if isNeeded || !isEmpty { writer.line(isEmpty ? "\(key): []" : "\(key):") }
        for (index, entry) in entries.enumerated() {
            for line in entry.remarks.all { writer.comment(line, indent: 2) }
            if let body = entry.body {
                if list == \ImportedFile.contexts {
                    let name = writer.quoted(entry.name, isWord: false)
                    writer.pair(name, Tree(.table(body)), head: 2, indent: 2)
                } else {
                    writer.pairs(of: body, indent: 4, isItem: true)
                }
            }
            ends.append((writer.lineCount, Place(list: list, index: index)))
        }
    }

    /// The entry that a line belongs to; nil for what belongs to none.
    private func place(ofLine line: Int) -> Place? {
        guard line > 0 else { return nil }
        let index = ends.partitioningIndex { $0.line >= line }
        return index < ends.count ? ends[index].place : nil
    }

    /// What is wrong with the file, read as the daemon would, by the entry that it is in.
    func mistakes() -> [Place: String] {
        let loader = ConfigurationLoader(files: OneTunnelFile(text: text), environment: [:])
        var mistakes: [Place: String] = [:]
        do throws(ConfigurationError) {
            _ = try loader.load(OneTunnelFile.daemonPath)
        } catch {
            for diagnostic in error.diagnostics where diagnostic.severity == .error {
                guard let place = place(ofLine: diagnostic.line), mistakes[place] == nil else { continue }
                mistakes[place] = diagnostic.message
            }
        }
        return mistakes
    }
}

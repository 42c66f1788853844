// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Reads a catalogue of the journal by the rules of `journalctl --update-catalog` (catalog_import_file in systemd), and
/// by two of our own: systemd drops lines of an explanation that look like comments, and one of two entries.
struct JournalCatalogue {
    struct Entry {
        let id: String
        /// `Subject`, `Defined-By` and so on.
        var header: [String: String] = [:]
        /// Each on one line.
        var paragraphs: [String] = []
    }

    enum Mistake: Error, Equatable {
        case textBeforeEntry(line: Int)
        case malformedHeader(line: Int)
        case commentInEntry(line: Int)
        case emptyEntry(String)
        case duplicate(String)
    }

    private(set) var entries: [Entry] = []

    init(_ text: String) throws(Mistake) {
        var isInHeader = false
        // An entry begins after an empty line, or with the file.
        var wasEmpty = true
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            defer { wasEmpty = line.isEmpty }
            if wasEmpty, let begin = line.wholeMatch(of: /-- ([0-9a-f]{32})/) {
                entries.append(Entry(id: String(begin.output.1)))
                isInHeader = true
            } else if line.hasPrefix("#") {
                guard entries.isEmpty else { throw .commentInEntry(line: index + 1) }
            } else if line.isEmpty {
                isInHeader = false
            } else if entries.isEmpty {
                throw .textBeforeEntry(line: index + 1)
            } else if isInHeader {
                guard let field = line.wholeMatch(of: /([A-Z][A-Za-z-]*): (\S.*)/) else {
                    throw .malformedHeader(line: index + 1)
                }
                entries[entries.count - 1].header[String(field.output.1)] = String(field.output.2)
            } else if wasEmpty {
                entries[entries.count - 1].paragraphs.append(String(line))
            } else {
                entries[entries.count - 1].paragraphs[entries[entries.count - 1].paragraphs.count - 1] += " \(line)"
            }
        }
        var known: Set<String> = []
        for entry in entries {
            guard known.insert(entry.id).inserted else { throw .duplicate(entry.id) }
            guard !entry.paragraphs.isEmpty else { throw .emptyEntry(entry.id) }
        }
    }
}

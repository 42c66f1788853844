// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import RstreamTestSupport
import Testing

@testable import RstreamDaemon

@Suite("The journal's catalogue")
struct JournalCatalogueTests {
    private static let id = String(repeating: "a", count: 32)

    @Test("explains every line of the log and no other: what it means, what to do, and where more is said")
    func entries() throws {
        let text = try String(contentsOfFile: "\(Binaries.packageRoot)/systemd/rstreamd.catalog", encoding: .utf8)
        let entries = try JournalCatalogue(text).entries
        #expect(entries.map(\.id) == LogCatalogue.entries.map(\.id))
        for (entry, known) in zip(entries, LogCatalogue.entries) {
            #expect(Set(entry.header.keys) == ["Subject", "Defined-By", "Documentation"], "\(known.message)")
            #expect(entry.header["Subject"] == "rstreamd: \(known.message)")
            #expect(entry.header["Defined-By"] == "rstreamd")
            let page = try #require(
                entry.header["Documentation"]?.wholeMatch(of: /man:([a-z.]+)\(([158])\)/),
                "\(known.message)"
            )
            let file = "\(Binaries.packageRoot)/man/\(page.output.1).\(page.output.2)"
            #expect(FileManager.default.fileExists(atPath: file), "\(known.message): \(file)")
            #expect(entry.paragraphs.count == 2, "\(known.message)")
            #expect(entry.paragraphs.first == known.meaning)
            #expect(entry.paragraphs.last?.last == ".", "\(known.message)")
        }
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 120 })
    }

    @Test(
        "has the syntax of journalctl --update-catalog; each mistake is found",
        arguments: [
            ("Subject: x\n", .textBeforeEntry(line: 1)),
            ("-- \(id)\nSubject: x\nno field\n\nIt is.\n", .malformedHeader(line: 3)),
            ("-- \(id)\nSubject: x\n\nIt is.\n# a comment\n", .commentInEntry(line: 5)),
            ("-- \(id)\nSubject: x\n\n", .emptyEntry(id)),
            ("-- \(id)\nSubject: x\n\nIt is.\n\n-- \(id)\nSubject: y\n\nIt is.\n", .duplicate(id)),
            // Without an empty line before, it is no entry but text.
            ("# x\n-- \(id)\nSubject: x\n\nIt is.\n", .textBeforeEntry(line: 2)),
        ] as [(String, JournalCatalogue.Mistake)]
    )
    func syntax(text: String, mistake: JournalCatalogue.Mistake) {
        #expect(throws: mistake) { try JournalCatalogue(text) }
    }
}

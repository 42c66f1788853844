// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Testing

/// Texts for operators and maintainers use plain English and the terms of the field. This test finds words that are
/// certainly wrong, in the comments, strings and names of the sources, in the manual pages and in other documents.
@Suite("Wording")
struct WordingTests {
    /// Words that must not occur, by the reason. They are compared as whole words, in upper and lower case.
    private static let forbidden: [(reason: String, words: [String])] = [
        (
            "name who acts: the engine, the daemon, a client, an operator, another user",
            ["whoever", "whomever", "somebody", "nobody", "everybody", "anybody"]
        ),
        ("say how to fix it", ["mend", "mends", "mended", "mending"]),
        (
            "say what is missing, or what exists",
            ["cannot be had", "can be had", "to be had", "could not be had", "can not be had"]
        ),
        ("say which configuration or version is running", ["is what runs"]),
        ("say that it is an internal error", ["bug of ours", "bugs of ours"]),
        (
            "use the field's word for it, not a metaphor",
            [
                "house", "houses", "organ", "organs", "desk", "desks", "board", "boards", "door", "doors", "manners",
                "footing", "riddle",
            ]
        ),
    ]

    /// Files and folders, of which all text files count.
    private static let places = ["Sources", "man", "docs", "etc", "systemd", "README.md", "SECURITY.md"]

    /// Lines that may have one, by a part of them, and why: names that others gave, such as the user `nobody`.
    private static let allowed: [(file: String, word: String, fragment: String, why: String)] = []

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The forbidden phrases by their first word.
    private static let rules = Dictionary(
        grouping: forbidden.flatMap { rule in
            rule.words.map { (phrase: $0, words: Self.words(of: $0), reason: rule.reason) }
        }
    ) { $0.words[0] }

    /// The forbidden words in a line.
    private static func found(in line: String) -> [(word: String, reason: String)] {
        let words = words(of: line)
        return words.indices.flatMap { start in
            (rules[words[start]] ?? []).filter { words[start...].starts(with: $0.words) }.map { ($0.phrase, $0.reason) }
        }
    }

    /// Letters, digits and underscores that stand together, in lower case.
    private static func words(of line: String) -> [Substring] {
        line.lowercased().split { !$0.isLetter && !$0.isNumber && $0 != "_" }
    }

    /// The lines of all text files, without generated code.
    private static func lines() throws -> [(file: String, number: Int, text: String)] {
        var files: [String] = []
        for place in places {
            let path = root.appending(path: place).path
            var isFolder = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { continue }
            guard isFolder else {
                files.append(place)
                continue
            }
            files += try FileManager.default.subpathsOfDirectory(atPath: path).sorted().map { "\(place)/\($0)" }
        }
        // The protocol's schema is not ours to reword.
        return files.filter { !$0.hasSuffix(".pb.swift") && !$0.hasSuffix(".proto") }.flatMap {
            file -> [(file: String, number: Int, text: String)] in
            // A folder, or no text.
            guard let text = try? String(contentsOfFile: root.appending(path: file).path, encoding: .utf8) else {
                return []
            }
            return text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().map {
                (file, $0.offset + 1, String($0.element))
            }
        }
    }

    @Test("has none of the words that are certainly wrong")
    func words() throws {
        let lines = try Self.lines()
        #expect(lines.count > 10_000)
        for (file, number, line) in lines {
            for (word, reason) in Self.found(in: line) {
                let isAllowed = Self.allowed.contains {
                    $0.file == file && $0.word == word && line.contains($0.fragment)
                }
                if !isAllowed { Issue.record("\(file):\(number): \"\(word)\": \(reason)") }
            }
        }
    }

    @Test("needs every exception that it has")
    func exceptions() throws {
        let lines = try Self.lines()
        for (file, word, fragment, _) in Self.allowed {
            let isNeeded = lines.contains { line in
                line.file == file && line.text.contains(fragment)
                    && Self.found(in: line.text).contains { $0.word == word }
            }
            #expect(isNeeded, "\(file) has no \"\(word)\" in \"\(fragment)\" any more")
        }
    }

    @Test("of system errors is made in one place")
    func systemErrors() throws {
        let found = try Self.lines().filter { $0.text.contains("strerror(") }
        #expect(Set(found.map(\.file)) == ["Sources/Linux/SystemCall.swift"], "use SystemError.reason")
    }

    @Test("is compared in whole words, in upper and lower case")
    func found() {
        #expect(Self.found(in: "/// Nobody asks.").map(\.word) == ["nobody"])
        #expect(Self.found(in: "it cannot be had.").map(\.word) == ["cannot be had"])
        #expect(Self.found(in: "the onboarding of an organization, outdoors, recommended").isEmpty)
        #expect(Self.found(in: "isNobody, nobody_else, nobodyé").isEmpty)
        #expect(Self.found(in: "somebody, everybody").count == 2)
    }
}

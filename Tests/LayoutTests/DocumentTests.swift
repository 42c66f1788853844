// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Testing

/// What the Markdown files say about the tree: the types and files that they name, and the files that they link to.
@Suite("The documents")
struct DocumentTests {
    private static let root = URL(filePath: sources).deletingLastPathComponent().path

    /// What is written like a type or file of Sources and Tests and is something else: of the wire, of Swift, of the root.
    private static let others: Set<String> = [
        "CHANGELOG", "Heartbeat", "Makefile", "Message", "Mutex", "Package", "ProxyConnReq", "ProxyConnRsp", "ProxyReq",
        "ProxyRsp", "StreamReq", "StreamRsp",
    ]

    private static let documents = ["README.md", "SECURITY.md", "CONTRIBUTING.md"] + below("docs", ".md")

    @Test(
        "name types, tests and files that there are",
        arguments: ["SECURITY.md", "docs/architecture.md", "docs/contributing.md"]
    )
    func names(document: String) throws {
        let known = try Self.known.get()
        for name in try Self.text(document).matches(of: #/`([A-Z][A-Za-z0-9]+)(\+[A-Za-z]+)?(?:\.[^`\s]*|\([^`]*)?`/#) {
            let (type, aspect) = (String(name.output.1), name.output.2.map(String.init) ?? "")
            guard !Self.others.contains(type), !known.contains(type + aspect) else { continue }
            Issue.record("\(document): \(name.output.0) is no type and no file of Sources and Tests")
        }
    }

    @Test("the architecture lists every module, and no other")
    func modules() throws {
        let lines = try Self.text("docs/architecture.md").split(separator: "\n", omittingEmptySubsequences: false)
        let listed = lines.drop { $0 != "Sources/" }.dropFirst().prefix { $0 != "```" }.flatMap { line in
            // The names stand in front of two spaces, with commas between them.
            line.trimmingPrefix("  ").split(separator: "  ", maxSplits: 1)[0].split(separator: ", ").map(String.init)
        }
        let folders = try FileManager.default.contentsOfDirectory(atPath: sources)
        #expect(listed.sorted() == folders.sorted())
    }

    @Test("link to files that there are, and to none outside of the repository", arguments: documents)
    func links(document: String) throws {
        let folder = document.split(separator: "/").dropLast().map(String.init)
        for link in try Self.text(document).matches(of: #/\]\(([\w.][^)\s:#]*)(?:#[^)]*)?\)/#) {
            var path = folder
            for step in link.output.1.split(separator: "/") {
                guard step == ".." else {
                    path.append(String(step))
                    continue
                }
                let parent = path.popLast()
                #expect(parent != nil, "\(document): \(link.output.1) leads out of the repository")
            }
            let place = ([Self.root] + path).joined(separator: "/")
            #expect(FileManager.default.fileExists(atPath: place), "\(document): \(link.output.1) is not there")
        }
    }

    /// The names of types, of files without what is behind the point, and of folders.
    private static let known = Result {
        let keywords: Set<Substring> = ["struct", "class", "enum", "protocol", "actor", "typealias"]
        var names: Set<String> = []
        for file in below("Sources", ".swift") + below("Tests", ".swift") where !file.hasSuffix(".pb.swift") {
            let parts = file.split(separator: "/")
            names.formUnion(parts.dropLast().map(String.init))
            names.insert(String(parts.last?.dropLast(".swift".count) ?? ""))
            for line in try text(file).split(separator: "\n") {
                let words = line.split(separator: " ")
                guard let keyword = words.firstIndex(where: keywords.contains), keyword + 1 < words.count else {
                    continue
                }
                names.insert(String(words[keyword + 1].prefix { $0.isLetter || $0.isNumber }))
            }
        }
        return names
    }

    private static func below(_ folder: String, _ ending: String) -> [String] {
        let paths = try? FileManager.default.subpathsOfDirectory(atPath: "\(root)/\(folder)")
        return (paths ?? []).filter { $0.hasSuffix(ending) }.sorted().map { "\(folder)/\($0)" }
    }

    private static func text(_ path: String) throws -> String {
        try String(contentsOfFile: "\(root)/\(path)", encoding: .utf8)
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import RstreamTestSupport
import Testing

/// Every piece of Swift that the README's section on the library and the articles show is compiled: it stands in a file of
/// this folder.
@Suite("The documented examples")
struct DocumentedExampleTests {
    private static var documents: [String] {
        get throws {
            let articles = "Sources/Rstream/Rstream.docc"
            let names = try FileManager.default.contentsOfDirectory(atPath: "\(Binaries.packageRoot)/\(articles)")
            return ["README.md"] + names.filter { $0.hasSuffix(".md") }.sorted().map { "\(articles)/\($0)" }
        }
    }

    /// The text of a document, of README.md only what is about the library.
    private static func text(of document: String) throws -> String {
        let text = try String(contentsOfFile: "\(Binaries.packageRoot)/\(document)", encoding: .utf8)
        guard document == "README.md" else { return text }
        let section = text.split(separator: "\n## ").first { $0.hasPrefix("The library\n") }
        return String(try #require(section, "README.md has no section \"The library\""))
    }

    /// The blocks that are marked as Swift.
    private static func examples(in text: String) -> [String] {
        text.split(separator: "```swift\n").dropFirst().compactMap { $0.split(separator: "```").first.map(String.init) }
    }

    /// Without what indentation and line breaks add.
    private static func normalised(_ code: String) -> String {
        code.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    @Test("are compiled")
    func compiled() throws {
        let folder = "\(Binaries.packageRoot)/Tests/RstreamTests/Examples"
        let compiled = try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { $0.hasSuffix("Examples.swift") }
            .map { Self.normalised(try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8)) }
        #expect(compiled.count > 3)
        for document in try Self.documents {
            let examples = Self.examples(in: try Self.text(of: document))
            #expect(!examples.isEmpty, "\(document) has no example")
            for example in examples where !compiled.contains(where: { $0.contains(Self.normalised(example)) }) {
                Issue.record("\(document) shows what no file in Tests/RstreamTests/Examples has:\n\(example)")
            }
        }
    }
}

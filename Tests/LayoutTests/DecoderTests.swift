// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Testing

/// Decoders of Foundation end the process at limits of their own; bytes from outside reach one behind the bounds of
/// `GuardedJSON` only.
@Suite("Foundation's decoders")
struct DecoderTests {
    private static let names = ["JSONDecoder", "JSONSerialization", "PropertyListDecoder", "PropertyListSerialization"]
    private static let guarded = "GuardedJSON/GuardedJSON.swift"

    /// The lines of code that name one of them.
    private static func uses(in text: String) -> [String] {
        text.split(separator: "\n").map(String.init).filter { line in
            !line.drop { $0 == " " }.hasPrefix("//") && names.contains { line.contains($0) }
        }
    }

    @Test("are called in one place of the sources")
    func onePlace() throws {
        let sources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Sources").path
        let files = try FileManager.default.subpathsOfDirectory(atPath: sources).filter { $0.hasSuffix(".swift") }
        #expect(files.contains(Self.guarded))
        for file in files {
            let uses = Self.uses(in: try String(contentsOfFile: "\(sources)/\(file)", encoding: .utf8))
            #expect(uses.count == (file == Self.guarded ? 1 : 0), "\(file): \(uses.joined(separator: "; "))")
        }
    }

    @Test("are found where they are called, and not where they are written about")
    func found() {
        #expect(Self.uses(in: "let a = try JSONDecoder().decode(A.self, from: b)").count == 1)
        #expect(Self.uses(in: "    typealias D = JSONDecoder\n").count == 1)
        #expect(Self.uses(in: "import Foundation\nJSONSerialization.jsonObject(with: a) // why").count == 1)
        #expect(Self.uses(in: "// JSONDecoder\n/// JSONDecoder\nlet a = 1").isEmpty)
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Testing

/// The list of `make mutants`, which a change of the code must not leave behind.
@Suite("Mistakes for the simulation")
struct MutantTests {
    private struct Mutant {
        let name: String
        let file: String
        /// The lines that it takes out and puts in.
        let gone: [Substring]
        let come: [Substring]

        init(_ block: Substring) {
            let lines = block.split(separator: "\n")
            name = String(lines.first?.prefix { $0 != "]" } ?? "")
            file = lines.count > 1 ? String(lines[1]) : ""
            gone = lines.filter { $0.hasPrefix("-") }.map { Self.trimmed($0.dropFirst()) }
            come = lines.filter { $0.hasPrefix("+") }.map { Self.trimmed($0.dropFirst()) }
        }

        static func trimmed(_ line: Substring) -> Substring { line.drop { $0 == " " } }

        /// How often its lines stand in a text.
        func count(in text: String) -> Int {
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(Self.trimmed)
            guard let first = gone.first else { return 0 }
            return lines.indices.count { lines[$0] == first && lines[$0...].starts(with: gone) }
        }
    }

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    private static func mutants() throws -> [Mutant] {
        let path = "\(root)/Tests/SimulationTests/Mutants/list"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        return text.split(separator: "\n[").dropFirst().map(Mutant.init)
    }

    @Test("fit the code that they are made in")
    func fit() throws {
        let mutants = try Self.mutants()
        #expect(mutants.count >= 20)
        #expect(Set(mutants.map(\.name)).count == mutants.count)
        for mutant in mutants {
            let text = try String(contentsOfFile: "\(Self.root)/\(mutant.file)", encoding: .utf8)
            #expect(mutant.count(in: text) == 1, "\(mutant.name)")
            #expect(mutant.gone != mutant.come, "\(mutant.name)")
        }
    }
}

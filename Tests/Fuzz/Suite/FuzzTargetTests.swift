// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Testing

/// What `make fuzz` runs for long, in short: every input that is kept, and mutations of them from fixed seeds.
@Suite("Any bytes from outside")
struct FuzzTargetTests {
    @Test("are read or refused as each target demands", arguments: FuzzTarget.all.map(\.name))
    func corpus(name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        let inputs = try Corpus.inputs(of: name)
        #expect(!inputs.isEmpty, "there is no input in Tests/Fuzz/Corpus/\(name)")
        for (file, bytes) in inputs { check(bytes, target, "Tests/Fuzz/Corpus/\(name)/\(file)") }
        check([], target, "no byte")
        var mutator = Mutator(seed: 1, inputs.map(\.bytes))
        for round in 0..<target.rounds {
            let bytes = mutator.next()
            check(bytes, target, "mutation \(round)")
        }
    }

    @Test("have a folder of inputs for each target, and for no other")
    func folders() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Corpus.folder.path)
        let names = FuzzTarget.all.map(\.name)
        // Without EngineTLS there is no target for it.
        #expect(Set(folders).subtracting(["tls-records"]) == Set(names).subtracting(["tls-records"]))
    }

    @Test("come as the same from the same seed, and as others from another")
    func seeds() {
        func inputs(_ seed: UInt64) -> [[UInt8]] {
            var mutator = Mutator(seed: seed, [Array("one".utf8), Array("another".utf8)])
            return (0..<20).map { _ in mutator.next() }
        }
        #expect(inputs(1) == inputs(1))
        #expect(inputs(1) != inputs(2))
    }

    @Test("are found where a reader breaks its rule")
    func found() {
        let broken = FuzzTarget("broken") { bytes throws(Finding) in
            try demand(!bytes.contains(0x80), "there is a byte 0x80")
        }
        var mutator = Mutator(seed: 1, [Array("one".utf8)])
        let findings = (0..<broken.rounds).count { _ in (try? broken.check(mutator.next())) == nil }
        #expect((1..<broken.rounds).contains(findings))
    }

    private func check(_ bytes: [UInt8], _ target: FuzzTarget, _ name: String) {
        do throws(Finding) {
            try target.check(bytes)
        } catch {
            Issue.record("\(target.name), \(name): \(error)\n\(bytes.text.debugDescription)\n\(bytes)")
        }
    }
}

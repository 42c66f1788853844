// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamTestSupport
import Testing
import YAML

@Suite("no bytes can harm the reader")
struct RobustnessTests {
    private static let sample = """
        %YAML 1.1
        ---
        # a comment with ümlauts
        version: 1
        base: &base {a: 'it''s', "b\\u00e9\\n": [1, ~, yes]}
        list:
          - <<: *base
            c: |-
              literal
               text
            ? d
            : >
              folded

              text
          - !!str 12
          - *base
        ...

        """

    @Test("every truncation is read or refused")
    func truncations() {
        let bytes = Array(Self.sample.utf8)
        for count in 0...bytes.count { read(Array(bytes[..<count])) }
    }

    @Test("mutated bytes are read or refused, and places lie inside the text", arguments: [1, 2, 3, 4] as [UInt64])
    func mutations(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let original = Array(Self.sample.utf8)
        let interesting = Array("\0\t\n\r :-?[]{},&*!|>'\"%@`#<\\~".utf8) + [0x80, 0xC2, 0xE2, 0xFF]
        for _ in 0..<1_500 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = interesting.randomElement(using: &random) ?? 0
                case 1: bytes.insert(interesting.randomElement(using: &random) ?? 0, at: place)
                case 2: bytes.remove(at: place)
                default:
                    let end = Int.random(in: place...min(place + 40, bytes.count), using: &random)
                    bytes.insert(
                        contentsOf: Array(bytes[place..<end]),
                        at: Int.random(in: 0..<bytes.count, using: &random)
                    )
                }
            }
            read(bytes)
        }
    }

    @Test("random bytes are read or refused", arguments: [1, 2] as [UInt64])
    func noise(seed: UInt64) {
        var random = SplitMix(seed: seed)
        for _ in 0..<2_000 {
            let count = Int.random(in: 0...64, using: &random)
            read((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
            read((0..<count).map { _ in UInt8.random(in: 9...126, using: &random) })
        }
    }

    private func read(_ bytes: [UInt8]) {
        do throws(SyntaxError) {
            let document = try Document(parsing: bytes)
            if let root = document.root { check(root, in: bytes.count) }
        } catch {
            #expect(!error.message.isEmpty)
            // Every complaint of libyaml has one of these.
            for words in ["did not find", "could not find", "found ", "in this context", "while ", "octet"]
            where error.message.contains(words) {
                Issue.record("\(error.message) in \(bytes)")
            }
            #expect(error.mark.index <= bytes.count && error.mark.line >= 1 && error.mark.column >= 1)
        }
    }

    private func check(_ node: Node, in count: Int) {
        let isInside = node.span.start <= node.span.end && node.span.end.index <= count
        if !isInside { Issue.record("\(node.span) lies outside of \(count) bytes") }
        switch node.content {
        case .scalar: break
        case .sequence(let items):
            for item in items { check(item, in: count) }
        case .mapping(let pairs):
            for pair in pairs { check(pair.value, in: count) }
            if Set(pairs.map(\.key)).count != pairs.count { Issue.record("a repeated key") }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamTestSupport

/// Makes inputs of others, as libFuzzer does, but from a seed.
struct Mutator {
    private var random: SplitMix
    private let inputs: [[UInt8]]

    /// Bytes that mean something to some reader.
    private static let words: [[UInt8]] =
        [[0], [0xFF], [0x7F], [0x80], [0, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF], [0xCC, 0x81], [0xC2, 0x85]]
        + ["\r\n", "\n", "\"", "\\", "${", "}", ":", "[", "]", "{", "%", "=", " ", "*", "&", "-1", "\\u0301"].map {
            Array($0.utf8)
        }

    init(seed: UInt64, _ inputs: [[UInt8]]) {
        random = SplitMix(seed: seed)
        self.inputs = inputs
    }

    mutating func next() -> [UInt8] {
        var bytes = inputs.randomElement(using: &random) ?? []
        for _ in 0..<Int.random(in: 1...4, using: &random) { mutate(&bytes) }
        return bytes
    }

    private mutating func mutate(_ bytes: inout [UInt8]) {
        let place = Int.random(in: 0...bytes.count, using: &random)
        switch Int.random(in: 0..<7, using: &random) {
        case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1 where place < bytes.count: bytes[place] = .random(in: .min ... .max, using: &random)
        case 2: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...9, using: &random)))
        case 3: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 24)], at: place)
        case 4: bytes.removeLast(bytes.count - place)
        case 5:
            let other = inputs.randomElement(using: &random) ?? []
            bytes.replaceSubrange(place..., with: other.suffix(Int.random(in: 0...other.count, using: &random)))
        default: bytes.insert(contentsOf: Self.words.randomElement(using: &random) ?? [], at: place)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// A QR code (ISO/IEC 18004) of a short text: byte mode, error correction level L, versions 1 to 10.
struct QRCode: Hashable, Sendable {
    /// How many blocks of code words a version has, and how long they are.
    private struct Version {
        /// Code words of error correction in each block.
        let correction: Int
        /// Blocks with the fewer, and with one more, code words of data.
        let blocks: (short: Int, long: Int)
        /// Code words of data in a short block.
        let data: Int
        /// Centres of alignment patterns.
        let alignment: [Int]

        var dataWords: Int { blocks.short * data + blocks.long * (data + 1) }
    }

    /// Level L, versions 1 to 10 (tables 9 and E.1).
    private static let versions = [
        Version(correction: 7, blocks: (1, 0), data: 19, alignment: []),
        Version(correction: 10, blocks: (1, 0), data: 34, alignment: [6, 18]),
        Version(correction: 15, blocks: (1, 0), data: 55, alignment: [6, 22]),
        Version(correction: 20, blocks: (1, 0), data: 80, alignment: [6, 26]),
        Version(correction: 26, blocks: (1, 0), data: 108, alignment: [6, 30]),
        Version(correction: 18, blocks: (2, 0), data: 68, alignment: [6, 34]),
        Version(correction: 20, blocks: (2, 0), data: 78, alignment: [6, 22, 38]),
        Version(correction: 24, blocks: (2, 0), data: 97, alignment: [6, 24, 42]),
        Version(correction: 30, blocks: (2, 0), data: 116, alignment: [6, 26, 46]),
        Version(correction: 18, blocks: (2, 2), data: 68, alignment: [6, 28, 50]),
    ]

    /// Modules on a side.
    private(set) var size: Int
    /// Row by row; true is dark.
    private var modules: [Bool]
    /// Modules that hold no data.
    private var isReserved: [Bool]

    /// Nil for a text that is too long: more than 271 bytes.
    init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard
            let index = Self.versions.indices.first(where: { index in
                bytes.count <= Self.versions[index].dataWords - (index < 9 ? 2 : 3)
            })
        else { return nil }
        let (number, version) = (index + 1, Self.versions[index])
        size = 17 + 4 * number
        modules = [Bool](repeating: false, count: size * size)
        isReserved = modules
        drawPatterns(number, version)
        place(Self.codeWords(of: bytes, number, version))
        // The mask with the fewest penalties is the one to use (7.8.3).
        var best: (code: QRCode, penalty: Int)?
        for mask in 0..<8 {
            var code = self
            code.apply(mask)
            code.drawFormat(mask)
            let penalty = code.penalty
            if penalty < best?.penalty ?? .max { best = (code, penalty) }
        }
        if let best { self = best.code }
    }

    /// Whether a module is dark; those around the code are not.
    subscript(row: Int, column: Int) -> Bool {
        guard (0..<size).contains(row), (0..<size).contains(column) else { return false }
        return modules[row * size + column]
    }

    /// Two rows in a line of half blocks, for a terminal with light text on a dark ground, with the border that
    /// scanners want.
    var lines: [String] {
        let border = 2
        return stride(from: -border, to: size + border, by: 2).map { row in
            var line = ""
            for column in -border..<size + border {
                // Light modules are drawn, dark ones are the ground.
                switch (self[row, column], self[row + 1, column]) {
                case (false, false): line += "█"
                case (false, true): line += "▀"
                case (true, false): line += "▄"
                case (true, true): line += " "
                }
            }
            return line
        }
    }

    // MARK: Code words

    /// The data and its error correction, interleaved.
    private static func codeWords(of bytes: [UInt8], _ number: Int, _ version: Version) -> [UInt8] {
        var bits: [Bool] = []
        func add(_ value: Int, _ count: Int) {
            for bit in (0..<count).reversed() { bits.append(value >> bit & 1 == 1) }
        }
        add(0b0100, 4)
        add(bytes.count, number < 10 ? 8 : 16)
        for byte in bytes { add(Int(byte), 8) }
        let capacity = version.dataWords * 8
        add(0, min(4, capacity - bits.count))
        while bits.count % 8 != 0 { bits.append(false) }
        var data = stride(from: 0, to: bits.count, by: 8).map { start in
            bits[start..<start + 8].reduce(UInt8(0)) { $0 << 1 | ($1 ? 1 : 0) }
        }
        var padding: UInt8 = 0xEC
        while data.count < version.dataWords {
            data.append(padding)
            padding ^= 0xEC ^ 0x11
        }
        var (blocks, start): ([[UInt8]], Int) = ([], 0)
        for block in 0..<version.blocks.short + version.blocks.long {
            let length = version.data + (block < version.blocks.short ? 0 : 1)
            blocks.append(Array(data[start..<start + length]))
            start += length
        }
        let corrections = blocks.map { GaloisField.remainder(of: $0, degree: version.correction) }
        return interleaved(blocks) + interleaved(corrections)
    }

    private static func interleaved(_ blocks: [[UInt8]]) -> [UInt8] {
        let longest = blocks.map(\.count).max() ?? 0
        return (0..<longest).flatMap { index in blocks.compactMap { index < $0.count ? $0[index] : nil } }
    }

    // MARK: Patterns

    private mutating func set(_ row: Int, _ column: Int, _ isDark: Bool) {
        guard (0..<size).contains(row), (0..<size).contains(column) else { return }
        modules[row * size + column] = isDark
        isReserved[row * size + column] = true
    }

    private mutating func drawPatterns(_ number: Int, _ version: Version) {
        for index in 0..<size {
            set(6, index, index % 2 == 0)
            set(index, 6, index % 2 == 0)
        }
        for (row, column) in [(3, 3), (3, size - 4), (size - 4, 3)] {
            for down in -4...4 {
                for right in -4...4 {
                    let distance = max(abs(down), abs(right))
                    set(row + down, column + right, distance != 2 && distance != 4)
                }
            }
        }
        let last = version.alignment.last ?? 0
        for row in version.alignment {
            for column in version.alignment {
                let isFinder = (row == 6 && (column == 6 || column == last)) || (row == last && column == 6)
                guard !isFinder else { continue }
                for down in -2...2 {
                    for right in -2...2 { set(row + down, column + right, max(abs(down), abs(right)) != 1) }
                }
            }
        }
        // Reserves the places; the mask is not known yet.
        drawFormat(0)
        guard number >= 7 else { return }
        var rest = number
        for _ in 0..<12 { rest = rest << 1 ^ (rest >> 11) * 0x1F25 }
        let bits = number << 12 | rest
        for index in 0..<18 {
            let (isDark, far, near) = (bits >> index & 1 == 1, size - 11 + index % 3, index / 3)
            set(near, far, isDark)
            set(far, near, isDark)
        }
    }

    /// The level and the mask, twice, and the module that is always dark.
    private mutating func drawFormat(_ mask: Int) {
        // 01 is level L.
        let data = 0b01 << 3 | mask
        var rest = data
        for _ in 0..<10 { rest = rest << 1 ^ (rest >> 9) * 0x537 }
        let bits = (data << 10 | rest) ^ 0x5412
        func isDark(_ index: Int) -> Bool { bits >> index & 1 == 1 }
        for index in 0..<6 { set(index, 8, isDark(index)) }
        set(7, 8, isDark(6))
        set(8, 8, isDark(7))
        set(8, 7, isDark(8))
        for index in 9..<15 { set(8, 14 - index, isDark(index)) }
        for index in 0..<8 { set(8, size - 1 - index, isDark(index)) }
        for index in 8..<15 { set(size - 15 + index, 8, isDark(index)) }
        set(size - 8, 8, true)
    }

    /// Puts code words into free modules, in columns of two from the right, up and down.
    private mutating func place(_ words: [UInt8]) {
        var bit = 0
        var (right, goesUp) = (size - 1, true)
        while right >= 1 {
            if right == 6 { right = 5 }
            for step in 0..<size {
                let row = goesUp ? size - 1 - step : step
                for column in [right, right - 1] {
                    let index = row * size + column
                    guard !isReserved[index], bit < words.count * 8 else { continue }
                    modules[index] = words[bit / 8] >> (7 - bit % 8) & 1 == 1
                    bit += 1
                }
            }
            goesUp.toggle()
            right -= 2
        }
    }

    // MARK: Masks

    private mutating func apply(_ mask: Int) {
        for row in 0..<size {
            for column in 0..<size where !isReserved[row * size + column] {
                let isInverted =
                    switch mask {
                    case 0: (row + column) % 2 == 0
                    case 1: row % 2 == 0
                    case 2: column % 3 == 0
                    case 3: (row + column) % 3 == 0
                    case 4: (row / 2 + column / 3) % 2 == 0
                    case 5: row * column % 2 + row * column % 3 == 0
                    case 6: (row * column % 2 + row * column % 3) % 2 == 0
                    default: ((row + column) % 2 + row * column % 3) % 2 == 0
                    }
                if isInverted { modules[row * size + column].toggle() }
            }
        }
    }

    /// How hard the code is to read (table 11).
    private var penalty: Int {
        var penalty = 0
        let finder = [true, false, true, true, true, false, true]
        for isRow in [true, false] {
            for first in 0..<size {
                let line = (0..<size).map { isRow ? self[first, $0] : self[$0, first] }
                var run = 0
                for index in 0..<size {
                    run = index > 0 && line[index] == line[index - 1] ? run + 1 : 1
                    if run == 5 { penalty += 3 } else if run > 5 { penalty += 1 }
                }
                for start in 0...size - 7 where line[start..<start + 7].elementsEqual(finder) {
                    // The border around the code is light.
                    let before = (start - 4..<start).allSatisfy { $0 < 0 || !line[$0] }
                    let after = (start + 7..<start + 11).allSatisfy { $0 >= size || !line[$0] }
                    penalty += (before ? 40 : 0) + (after ? 40 : 0)
                }
            }
        }
        for row in 0..<size - 1 {
            for column in 0..<size - 1 {
                let isDark = self[row, column]
                if self[row, column + 1] == isDark, self[row + 1, column] == isDark, self[row + 1, column + 1] == isDark
                {
                    penalty += 3
                }
            }
        }
        let dark = modules.count(where: \.self)
        return penalty + abs(dark * 20 - size * size * 10) / (size * size) * 10
    }
}

/// Arithmetic modulo x⁸ + x⁴ + x³ + x² + 1, for Reed-Solomon codes.
enum GaloisField {
    /// The remainder of a message after division by the generator polynomial of so many code words.
    static func remainder(of data: [UInt8], degree: Int) -> [UInt8] {
        let divisor = generator(degree)
        var rest = [UInt8](repeating: 0, count: degree)
        for byte in data {
            let factor = byte ^ rest.removeFirst()
            rest.append(0)
            for index in 0..<degree { rest[index] ^= multiply(divisor[index], factor) }
        }
        return rest
    }

    /// The coefficients from the highest power down, without the first, which is 1.
    private static func generator(_ degree: Int) -> [UInt8] {
        var (result, root) = ([UInt8](repeating: 0, count: degree - 1) + [1], UInt8(1))
        for _ in 0..<degree {
            for index in 0..<degree {
                result[index] = multiply(result[index], root)
                if index + 1 < degree { result[index] ^= result[index + 1] }
            }
            root = multiply(root, 2)
        }
        return result
    }

    static func multiply(_ first: UInt8, _ second: UInt8) -> UInt8 {
        var product: UInt8 = 0
        for bit in (0..<8).reversed() {
            product = product << 1 ^ (product & 0x80 != 0 ? 0x1D : 0)
            if second >> bit & 1 == 1 { product ^= first }
        }
        return product
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Measures depth and combining marks of a JSON text in one scan of its bytes.
///
/// The scan agrees with every parser up to the first byte that is not JSON. Parsers stop there, but for escapes in
/// strings: FoundationEssentials looks at them only where it needs the text, and passes over one that is not valid in a
/// way of its own. So such an escape ends the scan as well. The scan may overestimate the depth that a parser reaches,
/// but never underestimate it.
struct JSONShape {
    private let bytes: UnsafeRawBufferPointer
    private var place = 0
    private var isInString = false
    private var depth = 0
    /// Combining marks in front of ``place``.
    private var marks = 0
    private var hasInvalidEscape = false

    /// What is wrong with a text; nil when it may be parsed.
    static func check(_ bytes: UnsafeRawBufferPointer) -> GuardedJSON.Failure? {
        guard !bytes.contains(0), bytes.allSatisfy({ $0 < 0x80 }) || String(validating: bytes, as: UTF8.self) != nil
        else { return .noText }
        var shape = JSONShape(bytes)
        while shape.place < bytes.count {
            if shape.isInString { shape.passStringByte() } else { shape.passByte() }
            if shape.depth > GuardedJSON.maximumDepth { return .tooDeep }
            if shape.marks > GuardedJSON.mostMarks { return .tooManyMarks }
            if shape.hasInvalidEscape { return .malformed(place: "") }
        }
        return nil
    }

    private init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    private mutating func passByte() {
        switch bytes[place] {
        case UInt8(ascii: "\""): (isInString, marks) = (true, 0)
        case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
        case UInt8(ascii: "]"), UInt8(ascii: "}"): depth = max(0, depth - 1)
        default: break
        }
        place += 1
    }

    private mutating func passStringByte() {
        switch bytes[place] {
        case UInt8(ascii: "\""):
            isInString = false
            place += 1
        case UInt8(ascii: "\\"):
            guard let unit = escapedUnit(at: place) else {
                // What is escaped is no mark, and no end of the string.
                marks = 0
                hasInvalidEscape = place + 1 >= bytes.count || !"\"\\/bfnrt".utf8.contains(bytes[place + 1])
                place += 2
                return
            }
            place += 6
            // Two units for what is outside the Basic Multilingual Plane.
            if UTF16.isLeadSurrogate(unit), let second = escapedUnit(at: place), UTF16.isTrailSurrogate(second) {
                place += 6
                count(0x10000 + (UInt32(unit) & 0x3FF) << 10 + UInt32(second) & 0x3FF)
            } else {
                count(UInt32(unit))
            }
        case ..<0x80:
            marks = 0
            place += 1
        case let first:
            // What is here is UTF-8, so as many bytes follow as the first one says.
            let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
            var scalar = UInt32(first) & (0x7F >> UInt32(length))
            for offset in 1..<length { scalar = scalar << 6 | UInt32(bytes[place + offset]) & 0x3F }
            place += length
            count(scalar)
        }
    }

    private mutating func count(_ value: UInt32) {
        let isMark = Unicode.Scalar(value).map { $0.properties.canonicalCombiningClass != .notReordered } ?? false
        marks = isMark ? marks + 1 : 0
    }

    /// The unit of `\u0301`; nil when there is none.
    private func escapedUnit(at place: Int) -> UInt16? {
        guard place + 6 <= bytes.count, bytes[place] == UInt8(ascii: "\\"), bytes[place + 1] == UInt8(ascii: "u") else {
            return nil
        }
        var unit: UInt16 = 0
        for digit in bytes[(place + 2)..<(place + 6)] {
            guard let value = Character(Unicode.Scalar(digit)).hexDigitValue else { return nil }
            unit = unit << 4 | UInt16(value)
        }
        return unit
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Finds the elements of a list in JSON without reading them: only strings and brackets are looked at. What stands at a
/// place may be no JSON.
enum JSONElements {
    /// The place of each element; nil for what is no list.
    static func places(in json: [UInt8]) -> [Range<Int>]? {
        guard let first = json.firstIndex(where: { !isSpace($0) }), json[first] == UInt8(ascii: "[") else { return nil }
        var (places, start, index) = ([Range<Int>](), first + 1, first + 1)
        var (depth, isInString) = (0, false)
        while index < json.count {
            let byte = json[index]
            if isInString {
                if byte == UInt8(ascii: "\\") { index += 1 }
                isInString = byte != UInt8(ascii: "\"")
            } else {
                switch byte {
                case UInt8(ascii: "\""): isInString = true
                case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
                case UInt8(ascii: "]"), UInt8(ascii: "}"):
                    if depth == 0 { return ended(places, start..<index, in: json) }
                    depth -= 1
                case UInt8(ascii: ",") where depth == 0:
                    guard !isBlank(start..<index, in: json) else { return nil }
                    places.append(start..<index)
                    start = index + 1
                default: break
                }
            }
            index += 1
        }
        return nil
    }

    /// The list ends behind `last`.
    private static func ended(_ places: [Range<Int>], _ last: Range<Int>, in json: [UInt8]) -> [Range<Int>]? {
        let end = last.upperBound
        guard json[end] == UInt8(ascii: "]"), isBlank(end + 1..<json.count, in: json) else { return nil }
        guard isBlank(last, in: json) else { return places + [last] }
        return places.isEmpty ? [] : nil
    }

    private static func isBlank(_ place: Range<Int>, in json: [UInt8]) -> Bool { json[place].allSatisfy(isSpace) }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Cuts a list in JSON into its elements as its bytes come, without reading them: only strings and brackets are looked
/// at. An element may be no JSON.
struct JSONElements {
    enum Item: Hashable {
        /// An element, without space in front of it.
        case element([UInt8])
        /// One of more bytes, which are gone.
        case tooLong
    }

    private enum Place {
        case before
        case inside
        case behind
    }

    private let longest: Int
    private var place = Place.before
    private var hasElements = false
    /// What has come of the next element.
    private var element: [UInt8] = []
    private var isTooLong = false
    /// Brackets that are open in it.
    private var depth = 0
    private var isInString = false
    private var isEscaped = false

    /// The elements have at most so many bytes.
    init(longest: Int) {
        self.longest = longest
    }

    /// Whether all of the list has come.
    var isComplete: Bool { place == .behind }

    /// What `bytes` complete; nil once this is no list, and nothing more may be read.
    mutating func read(_ bytes: [UInt8]) -> [Item]? {
        var (items, start) = ([Item](), 0)
        for (index, byte) in bytes.enumerated() {
            switch place {
            case .before where byte == UInt8(ascii: "["): (place, start) = (.inside, index + 1)
            case .before, .behind:
                guard Self.isSpace(byte) else { return nil }
            case .inside:
                guard endsElement(byte) else { continue }
                keep(bytes[start..<index])
                start = index + 1
                guard byte != UInt8(ascii: "}"), takeElement(isLast: byte != UInt8(ascii: ","), &items) else {
                    return nil
                }
            }
        }
        if place == .inside { keep(bytes[start...]) }
        return items
    }

    /// Passes a byte of the list. Returns whether it is a comma or bracket that is not the element's own.
    private mutating func endsElement(_ byte: UInt8) -> Bool {
        if isInString {
            let isPlain = isEscaped
            isEscaped = !isPlain && byte == UInt8(ascii: "\\")
            isInString = isPlain || byte != UInt8(ascii: "\"")
            return false
        }
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
        case UInt8(ascii: "]"), UInt8(ascii: "}"):
            guard depth > 0 else { return true }
            depth -= 1
        case UInt8(ascii: ","): return depth == 0
        default: break
        }
        return false
    }

    private mutating func keep(_ bytes: ArraySlice<UInt8>) {
        let bytes = element.isEmpty ? bytes.drop(while: Self.isSpace) : bytes
        guard !isTooLong, bytes.count <= longest - element.count else {
            (element, isTooLong) = ([], true)
            return
        }
        element += bytes
    }

    /// Returns false where there is nothing, which only an empty list may have.
    private mutating func takeElement(isLast: Bool, _ items: inout [Item]) -> Bool {
        if isLast { place = .behind }
        guard isTooLong || !element.isEmpty else { return isLast && !hasElements }
        items.append(isTooLong ? .tooLong : .element(element))
        (element, isTooLong, hasElements) = ([], false, true)
        return true
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

// Text from outside is bytes to the peer and to the kernel. Swift compares, hashes and splits a String by characters:
// it normalises both sides first, which costs the square of a run of combining marks, takes "é" in its two spellings
// for the same, and does not see a separator that a mark follows. These operations see bytes, at one step a byte.
//
// What each stream needs is inlinable: a module that calls a generic function of another one does not specialize it
// otherwise, and each byte costs hundreds of instructions.

extension StringProtocol {
    /// Whether both have the same bytes.
    @inlinable package func sameBytes(as other: some StringProtocol) -> Bool {
        utf8.elementsEqual(other.utf8)
    }

    /// Whether the first bytes are those of `other`.
    @inlinable package func startsWithBytes(of other: some StringProtocol) -> Bool {
        utf8.starts(with: other.utf8)
    }

    /// Whether the last bytes are those of `other`.
    @inlinable package func endsWithBytes(of other: some StringProtocol) -> Bool {
        let (length, ending) = (utf8.count, other.utf8.count)
        return length >= ending && utf8.dropFirst(length - ending).elementsEqual(other.utf8)
    }

    /// Whether the byte occurs, which has to be one of ASCII: only those are whole characters in UTF-8.
    @inlinable package func contains(byte: Unicode.Scalar) -> Bool {
        utf8.contains(UInt8(ascii: byte))
    }

    /// Where the byte of ASCII occurs first.
    @inlinable package func firstIndex(ofByte byte: Unicode.Scalar) -> Index? {
        utf8.firstIndex(of: UInt8(ascii: byte))
    }

    /// Where the byte of ASCII occurs last.
    @inlinable package func lastIndex(ofByte byte: Unicode.Scalar) -> Index? {
        utf8.indices.reduce(nil) { utf8[$1] == UInt8(ascii: byte) ? $1 : $0 }
    }

    /// Where the bytes of a short text of ASCII, like `://`, occur first.
    package func firstRange(ofBytes text: StaticString) -> Range<Index>? {
        text.withUTF8Buffer { wanted -> Range<Index>? in
            guard let first = wanted.first else { return nil }
            var start = utf8.startIndex
            while let place = utf8[start...].firstIndex(of: first) {
                if let end = utf8.index(place, offsetBy: wanted.count, limitedBy: utf8.endIndex),
                    utf8[place..<end].elementsEqual(wanted)
                {
                    return place..<end
                }
                start = utf8.index(after: place)
            }
            return nil
        }
    }

    /// The pieces between the bytes of ASCII that equal `separator`; like `split`, without the empty ones unless they
    /// are asked for.
    @inlinable package func split(
        byte separator: Unicode.Scalar,
        maxSplits: Int = .max,
        omittingEmpty: Bool = true
    ) -> [SubSequence] {
        utf8.split(separator: UInt8(ascii: separator), maxSplits: maxSplits, omittingEmptySubsequences: omittingEmpty)
            .map { self[$0.startIndex..<$0.endIndex] }
    }

    /// The text with `A` to `Z` in lower case. Letters of other scripts stay: some of their lower cases are ASCII.
    @inlinable package var asciiLowercased: String {
        // What is dialed is in lower case already.
        guard utf8.contains(where: { (0x41...0x5A).contains($0) }) else { return String(self) }
        return String(decoding: utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }

    /// The text with `a` to `z` in upper case.
    package var asciiUppercased: String {
        String(decoding: utf8.map { (0x61...0x7A).contains($0) ? $0 & 0xDF : $0 }, as: UTF8.self)
    }

    /// Whether every byte is a visible one of ASCII, `!` to `~`. Swift compares and hashes such texts byte by byte.
    @inlinable package var isVisibleASCII: Bool {
        utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    /// The text, or as much of its start as has `length` bytes with an ellipsis behind it, cut between scalars.
    package func cut(toBytes length: Int) -> String {
        let text = String(self)
        guard text.utf8.count > length else { return text }
        let ellipsis = "…"
        var end = text.utf8.index(text.startIndex, offsetBy: Swift.max(0, length - ellipsis.utf8.count))
        // A byte of the form 10xxxxxx goes on with a scalar.
        while end > text.startIndex, text.utf8[end] & 0xC0 == 0x80 { end = text.utf8.index(before: end) }
        return text[..<end] + ellipsis
    }
}

/// A text as a key: equal to another when all bytes are the same, and hashed by its bytes.
package struct ByteKey: Hashable, Sendable {
    package let text: String

    @inlinable package init(_ text: some StringProtocol) {
        self.text = String(text)
    }

    package static func == (left: ByteKey, right: ByteKey) -> Bool {
        left.text.sameBytes(as: right.text)
    }

    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        // So that a text and its start differ when more follows.
        hasher.combine(0xFF as UInt8)
    }
}

extension ByteKey: Comparable {
    /// The order of the bytes, which is that of the code points.
    package static func < (left: ByteKey, right: ByteKey) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Reads DER (X.690 §8, §10) from front to back for ``CertificateContents``. It checks every length, copies nothing and
/// never goes back, so reading takes time linear in the input.
struct DERReader {
    /// The input is not DER, or has another element than expected.
    struct Malformed: Error, Hashable {}

    /// One element. Its tag is one byte, class and form included; certificates need no longer ones.
    struct Element {
        let tag: UInt8
        let contents: ArraySlice<UInt8>
    }

    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) {
        rest = bytes
    }

    var isAtEnd: Bool { rest.isEmpty }

    /// The tag of the next element; nil at the end.
    var nextTag: UInt8? { rest.first }

    mutating func read() throws(Malformed) -> Element {
        guard let tag = rest.popFirst(), tag & 0x1F != 0x1F, let first = rest.popFirst() else { throw Malformed() }
        var length = Int(first)
        if first >= 0x80 {
            // 0x80 is the indefinite form, which DER forbids. Three bytes suffice: a TLS certificate message is shorter
            // than 16 MiB.
            let count = Int(first & 0x7F)
            guard (1...3).contains(count), rest.count >= count, rest.first != 0 else { throw Malformed() }
            length = rest.prefix(count).reduce(0) { $0 << 8 | Int($1) }
            guard length >= 0x80 else { throw Malformed() }
            rest.removeFirst(count)
        }
        guard length <= rest.count else { throw Malformed() }
        let contents = rest.prefix(length)
        rest.removeFirst(length)
        return Element(tag: tag, contents: contents)
    }

    /// The contents of the next element, which must have the given tag.
    mutating func read(_ tag: UInt8) throws(Malformed) -> ArraySlice<UInt8> {
        let element = try read()
        guard element.tag == tag else { throw Malformed() }
        return element.contents
    }

    /// A reader of the contents of the next element, which must have the given tag.
    mutating func enter(_ tag: UInt8) throws(Malformed) -> DERReader {
        DERReader(try read(tag))
    }

    /// The contents of the next element if it has this tag.
    mutating func readIfPresent(_ tag: UInt8) throws(Malformed) -> ArraySlice<UInt8>? {
        nextTag == tag ? try read(tag) : nil
    }
}

/// The tags that occur in certificates.
enum DERTag {
    static let boolean: UInt8 = 0x01
    static let integer: UInt8 = 0x02
    static let bitString: UInt8 = 0x03
    static let octetString: UInt8 = 0x04
    static let objectIdentifier: UInt8 = 0x06
    static let sequence: UInt8 = 0x30
    static let set: UInt8 = 0x31

    /// A context-specific tag, primitive.
    static func primitive(_ number: UInt8) -> UInt8 { 0x80 | number }

    /// A context-specific tag, constructed.
    static func constructed(_ number: UInt8) -> UInt8 { 0xA0 | number }
}

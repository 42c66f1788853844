// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Hides secrets in a text from a peer: a proxy, a control plane or an engine may repeat what it was sent.
///
/// A secret is found as it is, percent-encoded, with the escapes of JSON, and in Base64 of either alphabet, also inside
/// of a longer Base64 text as `user:password` is, where it may begin at any of three places. It is found when it was
/// cut off, too: its first sixteen bytes anywhere, and its first eight at the end of the text, of a line or of a
/// quotation, and in front of an ellipsis. Everything that is found reads `***`.
///
/// The cost is that of the secrets' and the text's lengths, whatever either of them holds. Immutable.
package struct SecretMask: Sendable {
    /// Shorter secrets would match in every text.
    private static let shortest = 4
    private static let stars = Array("***".utf8)

    private let plain: PatternTable
    private let base64: PatternTable

    /// Hides these, given as bytes.
    package init(_ secrets: some Sequence<[UInt8]>) {
        var (plain, base64) = (PatternTable(), PatternTable())
        for secret in secrets where secret.count >= Self.shortest {
            plain.add(secret)
            for place in 0..<3 { base64.add(Base64.inside(secret, after: place)) }
        }
        plain.link()
        base64.link()
        (self.plain, self.base64) = (plain, base64)
    }

    /// Whether there is nothing to hide.
    package var isEmpty: Bool { plain.isEmpty }

    /// The text without the secrets.
    package func hide(in text: String) -> String {
        guard !isEmpty else { return text }
        let bytes = Array(text.utf8)
        let ranges = ranges(in: bytes)
        return ranges.isEmpty ? text : String(decoding: Self.replace(ranges, in: bytes), as: UTF8.self)
    }

    /// The same for a text that is at hand as bytes.
    package func hide(in bytes: [UInt8]) -> [UInt8] {
        guard !isEmpty else { return bytes }
        return Self.replace(ranges(in: bytes), in: bytes)
    }

    private func ranges(in bytes: [UInt8]) -> [Range<Int>] {
        var found = RangeList()
        var view = DecodedText(bytes)
        scan(view, &found)
        if let decoded = view.withoutJSONEscapes() {
            view = decoded
            scan(view, &found)
        }
        // Twice, for what was encoded twice.
        for _ in 0..<2 {
            guard let decoded = view.withoutPercentEscapes() else { break }
            view = decoded
            scan(view, &found)
        }
        return found.merged
    }

    private func scan(_ view: DecodedText, _ found: inout RangeList) {
        found.begin()
        plain.scan(view.bytes, reading: Optional.some) { found.add(view.original($0)) }
        found.begin()
        base64.scan(view.bytes, reading: Base64.digit) { range in
            // The digits before and behind have bits of the secret too, and padding tells its length.
            var (start, end) = (range.lowerBound, range.upperBound)
            if start > 0, Base64.isDigit(view.bytes[start - 1]) { start -= 1 }
            if end < view.bytes.count, Base64.isDigit(view.bytes[end]) { end += 1 }
            let padding = view.bytes[end...].prefix(2).prefix { $0 == UInt8(ascii: "=") }.count
            found.add(view.original(start..<end + padding))
        }
    }

    private static func replace(_ ranges: [Range<Int>], in bytes: [UInt8]) -> [UInt8] {
        var shown: [UInt8] = []
        shown.reserveCapacity(bytes.count)
        var next = 0
        for range in ranges {
            shown += bytes[next..<range.lowerBound]
            shown += stars
            next = range.upperBound
        }
        shown += bytes[next...]
        return shown
    }
}

extension SecretMask {
    /// Hides these secrets.
    package init(_ secrets: [Secret]) {
        self.init(secrets.map { $0.withBytes { Array($0) } })
    }

    /// The values of headers, and what follows the first word of one, as after `Basic`: each may be a secret.
    package static func secrets(inHeaders headers: [String: String]) -> [[UInt8]] {
        headers.values.flatMap { value in
            [value] + value.split(byte: " ").dropFirst().filter { $0.utf8.count >= 8 }.map(String.init)
        }.map { Array($0.utf8) }
    }
}

extension RstreamError {
    /// The same error without secrets in what people read.
    package func hiding(_ mask: SecretMask) -> RstreamError {
        RstreamError(
            code: code,
            origin: origin,
            retry: retry,
            what: mask.hide(in: what),
            fix: fix.map { mask.hide(in: $0) },
            engineCode: engineCode
        )
    }
}

/// Ranges that are to be hidden. Each pass adds them in the order of their ends.
private struct RangeList {
    private var passes: [[Range<Int>]] = []

    mutating func begin() {
        passes.append([])
    }

    mutating func add(_ range: Range<Int>) {
        var range = range
        var pass = passes.removeLast()
        while let last = pass.last, last.upperBound >= range.lowerBound {
            range = min(last.lowerBound, range.lowerBound)..<max(last.upperBound, range.upperBound)
            pass.removeLast()
        }
        pass.append(range)
        passes.append(pass)
    }

    /// All of them, in order, none touching another.
    var merged: [Range<Int>] {
        var all = RangeList()
        all.begin()
        for range in passes.joined().sorted(by: { $0.upperBound < $1.upperBound }) { all.add(range) }
        return all.passes[0]
    }
}

/// A text whose escapes were taken away, and where each of its bytes came from.
private struct DecodedText {
    private(set) var bytes: [UInt8]
    /// Where each byte begins in the text as it was given, and behind the last one its end; nil while they are the
    /// same.
    private var starts: [Int]?

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    func original(_ range: Range<Int>) -> Range<Int> {
        guard let starts else { return range }
        return starts[range.lowerBound]..<starts[range.upperBound]
    }

    /// Nil when there are none.
    func withoutJSONEscapes() -> DecodedText? {
        decoded(at: UInt8(ascii: "\\")) { index in
            guard index + 1 < bytes.count else { return nil }
            switch bytes[index + 1] {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return ([bytes[index + 1]], 2)
            case UInt8(ascii: "n"): return ([0x0A], 2)
            case UInt8(ascii: "r"): return ([0x0D], 2)
            case UInt8(ascii: "t"): return ([0x09], 2)
            case UInt8(ascii: "u"):
                // A surrogate is no scalar, and no secret is told by half of a pair.
                guard let value = hexadecimal(index + 2, 4), let scalar = Unicode.Scalar(value) else { return nil }
                return (Array(String(scalar).utf8), 6)
            default: return nil
            }
        }
    }

    /// Nil when there are none.
    func withoutPercentEscapes() -> DecodedText? {
        decoded(at: UInt8(ascii: "%")) { index in
            hexadecimal(index + 1, 2).map { ([UInt8(truncatingIfNeeded: $0)], 3) }
        }
    }

    private func hexadecimal(_ start: Int, _ count: Int) -> UInt32? {
        guard start + count <= bytes.count else { return nil }
        var value: UInt32 = 0
        for byte in bytes[start..<start + count] {
            switch byte {
            case 0x30...0x39: value = value << 4 | UInt32(byte - 0x30)
            case 0x41...0x46, 0x61...0x66: value = value << 4 | UInt32((byte | 0x20) - 0x57)
            default: return nil
            }
        }
        return value
    }

    /// `decode` is asked at every `mark` for what stands there, and how many bytes it takes.
    private func decoded(at mark: UInt8, _ decode: (Int) -> (bytes: [UInt8], length: Int)?) -> DecodedText? {
        guard bytes.contains(mark) else { return nil }
        var (new, places): ([UInt8], [Int]) = ([], [])
        new.reserveCapacity(bytes.count)
        places.reserveCapacity(bytes.count + 1)
        var index = 0
        while index < bytes.count {
            let place = starts?[index] ?? index
            if bytes[index] == mark, let (scalar, length) = decode(index) {
                for byte in scalar {
                    new.append(byte)
                    places.append(place)
                }
                index += length
            } else {
                new.append(bytes[index])
                places.append(place)
                index += 1
            }
        }
        guard new.count < bytes.count else { return nil }
        places.append(starts?[bytes.count] ?? bytes.count)
        var text = DecodedText(new)
        text.starts = places
        return text
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Reads a text, such as a request's target or a header's value, and hides secrets in it: the values of parameters
/// whose names say so (``SecretNames``), and the user in front of a URL's host.
///
/// A parameter is `name=value` anywhere in the text: in a query, a fragment, a path or a list. A URL in a parameter of
/// another one is percent-encoded, once for each URL around it, so every byte is looked at as what it stands for. It
/// takes a few steps for a byte, whatever the text is.
struct HiddenSecrets {
    private let text: UnsafeRawBufferPointer
    private var shown: [UInt8] = []
    /// Where what was copied to ``shown``, or hidden, ends.
    private var copied = 0

    /// The text with `***` for each secret; nil where there is none.
    static func shown(in text: UnsafeRawBufferPointer) -> [UInt8]? {
        let mayHave = text.has(byte: UInt8(ascii: "=")) || text.has(byte: UInt8(ascii: "@"))
        guard mayHave || text.has(byte: UInt8(ascii: "%")) else { return nil }
        var secrets = HiddenSecrets(text)
        secrets.hide()
        guard secrets.copied > 0 else { return nil }
        return secrets.shown + text[secrets.copied...]
    }

    private init(_ text: UnsafeRawBufferPointer) {
        self.text = text
    }

    private mutating func hide() {
        // The name that may be one began at `name`, and ended at `nameEnd` where spaces have followed.
        var (index, name, nameEnd) = (0, 0, Int?.none)
        // `user:password@host`, as in a target of CONNECT. An address of mail has no colon.
        if let end = userEnd(from: 0, depth: 0), text.part(0..<end).has(byte: UInt8(ascii: ":")) {
            hide(0..<end)
            (index, name) = (end, end)
        }
        while index < text.count {
            let byte = URLByte(text, at: index)
            let next = index + byte.width
            switch byte.value {
            case UInt8(ascii: "="):
                if isSecret(text.part(name..<(nameEnd ?? index))) {
                    index = hideValue(from: next, depth: byte.depth)
                } else {
                    index = next
                }
                // What follows a value may be one as well, as in `a=token=b`.
                (name, nameEnd) = (index, nil)
                continue
            case UInt8(ascii: "/"):
                index = hideUser(behind: next)
                (name, nameEnd) = (index, nil)
                continue
            case UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "&"), UInt8(ascii: ";"), UInt8(ascii: ","),
                UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "<"), UInt8(ascii: "("), UInt8(ascii: "{"):
                (name, nameEnd) = (next, nil)
            case UInt8(ascii: " "), 0x09:
                // Spaces may stand in front of the equals sign.
                nameEnd = nameEnd ?? index
            default:
                if nameEnd != nil { (name, nameEnd) = (index, nil) }
            }
            index = next
        }
    }

    private mutating func hide(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        shown += text[copied..<range.lowerBound]
        shown += SecretNames.stars
        copied = range.upperBound
    }

    private func isSecret(_ name: UnsafeRawBufferPointer) -> Bool {
        guard name.has(byte: UInt8(ascii: "%")) else { return SecretNames.isSecret(name) }
        var (decoded, index) = ([UInt8](), 0)
        while index < name.count {
            let byte = URLByte(name, at: index)
            decoded.append(byte.value)
            index += byte.width
        }
        return decoded.withUnsafeBytes(SecretNames.isSecret)
    }

    /// Hides the value behind an equals sign that is encoded so many times, and returns where it ends.
    private mutating func hideValue(from equals: Int, depth: Int) -> Int {
        var start = equals
        while start < text.count {
            let byte = URLByte(text, at: start)
            guard byte.value == 0x20 || byte.value == 0x09, byte.depth <= depth else { break }
            start += byte.width
        }
        let end = valueEnd(from: start, depth: depth)
        hide(start..<end)
        return end
    }

    /// Behind the closing quote, or in front of what cannot be a part of a value in a URL. What is encoded more often
    /// than the equals sign is a part of it.
    private func valueEnd(from start: Int, depth: Int) -> Int {
        guard start < text.count else { return start }
        let first = URLByte(text, at: start)
        let isQuote = first.value == UInt8(ascii: "\"") || first.value == UInt8(ascii: "'")
        let isQuoted = isQuote && first.depth <= depth
        var index = isQuoted ? start + first.width : start
        while index < text.count {
            let byte = URLByte(text, at: index)
            let next = index + byte.width
            if isQuoted {
                if byte.value == first.value, byte.depth <= depth { return next }
                // The byte behind a backslash closes nothing (RFC 9110 §5.6.4).
                let isEscape = byte.value == UInt8(ascii: "\\") && next < text.count
                index = isEscape ? next + URLByte(text, at: next).width : next
                continue
            }
            switch byte.value {
            case UInt8(ascii: "&"), UInt8(ascii: "#"), UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"),
                UInt8(ascii: " "), 0x09:
                if byte.depth <= depth { return index }
            default: break
            }
            index = next
        }
        return text.count
    }

    /// Hides the user in front of a host where a second slash stands at `index`, and returns where to read on.
    private mutating func hideUser(behind index: Int) -> Int {
        guard index < text.count else { return index }
        let second = URLByte(text, at: index)
        guard second.value == UInt8(ascii: "/") else { return index }
        let start = index + second.width
        // The second one is read again where none follows: `///user@host`.
        guard let end = userEnd(from: start, depth: second.depth) else { return index }
        hide(start..<end)
        return end
    }

    /// Where the last `@` of the authority that begins at `start` is.
    private func userEnd(from start: Int, depth: Int) -> Int? {
        var (index, end) = (start, Int?.none)
        while index < text.count {
            let byte = URLByte(text, at: index)
            switch byte.value {
            case UInt8(ascii: "@"): end = index
            case UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "\""), UInt8(ascii: ">"),
                UInt8(ascii: " "), 0x09:
                if byte.depth <= depth { return end }
            case UInt8(ascii: "&"):
                // The next parameter of the URL around this one.
                if byte.depth < depth { return end }
            default: break
            }
            index += byte.width
        }
        return end
    }
}

/// A byte of a URL as what it stands for, which is percent-encoded as often as it is in a URL in another one.
private struct URLByte {
    let value: UInt8
    /// How often it is encoded, as far as it is told apart.
    let depth: Int
    /// In how many bytes.
    let width: Int

    /// Each depth may cost another look at the bytes behind.
    private static let deepest = 3

    init(_ text: UnsafeRawBufferPointer, at index: Int) {
        guard text[index] == UInt8(ascii: "%") else {
            (value, depth, width) = (text[index], 0, 1)
            return
        }
        var (end, times) = (index + 1, 1)
        // `%25` is the percent sign of what is encoded once more.
        while end + 1 < text.count, text[end] == UInt8(ascii: "2"), text[end + 1] == UInt8(ascii: "5") {
            (end, times) = (end + 2, times + 1)
        }
        if end + 1 < text.count, let high = text[end].hexadecimal, let low = text[end + 1].hexadecimal {
            (value, depth, width) = (high << 4 | low, min(times, Self.deepest), end + 2 - index)
        } else {
            (value, depth, width) = (UInt8(ascii: "%"), min(times - 1, Self.deepest), end - index)
        }
    }
}

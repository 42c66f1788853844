// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Finds in a text what libyaml's complaint about another place comes from: it notices a bracket that is not closed at
/// the end of the text, and a key without a blank behind its colon in the next line.
struct SyntaxCause {
    private let scalars: [Unicode.Scalar]
    private let lines: LineTable

    init(_ scalars: String.UnicodeScalarView, _ lines: LineTable) {
        self.scalars = Array(scalars)
        self.lines = lines
    }

    /// The complaint about the cause; nil where libyaml's own place is the best there is. `start` is where the part of
    /// the text starts that libyaml was reading.
    func complaint(_ problem: String, at mark: Mark, from start: Mark) -> SyntaxError? {
        switch problem {
        case "mapping values are not allowed in this context", "did not find expected <document start>":
            return lastLine(before: mark.line).flatMap(colonWithoutBlank).map(Self.blankMissing)
        case "could not find expected ':'":
            return colonWithoutBlank(onLine: start.line).map(Self.blankMissing)
        case "did not find expected ',' or ']'", "did not find expected ',' or '}'":
            if let address = address(at: mark.index) { return address }
            return isUnclosed(from: start, until: mark) ? unclosed(at: start) : nil
        case "did not find expected key":
            return address(at: mark.index)
        case "did not find expected node content":
            if let address = address(at: mark.index) { return address }
            return isAtEnd(mark) ? lastUnclosed.flatMap(unclosed) : nil
        case "found invalid Unicode character escape code":
            return surrogate(at: mark)
        default: return nil
        }
    }

    private func isAtEnd(_ mark: Mark) -> Bool { mark.index >= scalars.count }

    // MARK: A blank that is missing

    private static func blankMissing(at colon: Mark) -> SyntaxError {
        SyntaxError("a space is missing after \":\"", hint: "write \"key: value\"", at: colon)
    }

    /// The last line above that says something.
    private func lastLine(before line: Int) -> Int? {
        var line = line - 1
        while line > 0 {
            guard let first = content(ofLine: line).first(where: { !$0.isBlank }), first != "#" else {
                line -= 1
                continue
            }
            return line
        }
        return nil
    }

    private func content(ofLine line: Int) -> ArraySlice<Unicode.Scalar> {
        guard let start = lines.start(ofLine: line) else { return [] }
        return scalars[start...].prefix { $0 != "\n" && $0 != "\r" }
    }

    /// The colon right behind a line's first word, where a value follows at once: `name:web`.
    private func colonWithoutBlank(onLine line: Int) -> Mark? {
        let content = content(ofLine: line)
        let word = content.drop { $0.isBlank || $0 == "-" }
        guard let colon = word.firstIndex(where: { !$0.isOfKey }), colon > word.startIndex, scalars[colon] == ":" else {
            return nil
        }
        let value = content[(colon + 1)...]
        guard let first = value.first, !first.isBlank, !value.starts(with: "//".unicodeScalars) else { return nil }
        return lines.mark(at: colon)
    }

    // MARK: Brackets

    private func unclosed(at bracket: Mark) -> SyntaxError? {
        guard scalars.indices.contains(bracket.index) else { return nil }
        switch scalars[bracket.index] {
        case "{": return SyntaxError("the \"{\" here is not closed", hint: "add the \"}\"", at: bracket)
        case "[": return SyntaxError("the \"[\" here is not closed", hint: "add the \"]\"", at: bracket)
        default: return nil
        }
    }

    /// Whether the bracket at `start` has no other half in what follows. On one line both are seen.
    private func isUnclosed(from start: Mark, until mark: Mark) -> Bool {
        guard scalars.indices.contains(start.index), !isAtEnd(mark) else { return isAtEnd(mark) }
        guard start.line < mark.line else { return false }
        let (opening, closing): (Unicode.Scalar, Unicode.Scalar) = scalars[start.index] == "{" ? ("{", "}") : ("[", "]")
        var depth = 0
        for scalar in scalars[mark.index...] {
            if scalar == opening { depth += 1 }
            if scalar == closing { depth -= 1 }
            if depth < 0 { return false }
        }
        return true
    }

    /// The innermost bracket that the text leaves open.
    private var lastUnclosed: Mark? {
        var open: [Int] = []
        for (index, scalar) in scalars.enumerated() {
            switch scalar {
            case "{", "[": open.append(index)
            case "}", "]": _ = open.popLast()
            default: break
            }
        }
        return open.last.map(lines.mark)
    }

    /// An IPv6 address without quotes, which is a list to YAML: libyaml stops at its first colon, or at the one in
    /// front of the port.
    private func address(at colon: Int) -> SyntaxError? {
        guard colon > 0, colon < scalars.count, scalars[colon] == ":" else { return nil }
        let bracket: Int? =
            switch scalars[colon - 1] {
            case "[": colon - 1
            case "]": scalars[..<colon].lastIndex { $0 == "[" }
            default: nil
            }
        return bracket.map { bracket in
            SyntaxError(
                "an address in brackets needs quotes",
                hint: "write it like \"[::1]:8080\", with the quotes",
                at: lines.mark(at: bracket)
            )
        }
    }

    // MARK: Escapes

    /// Half a character of UTF-16, as JSON has them for what needs two.
    private func surrogate(at mark: Mark) -> SyntaxError? {
        let digits = String(String.UnicodeScalarView(scalars.dropFirst(mark.index).prefix(4)))
        guard let value = UInt32(digits, radix: 16), (0xD800...0xDFFF).contains(value) else { return nil }
        return SyntaxError(
            "an invalid escape in double quotes",
            hint: "YAML has no surrogate pairs, as JSON has: write the character itself, or \\UNNNNNNNN",
            at: mark
        )
    }
}

extension Unicode.Scalar {
    fileprivate var isBlank: Bool { self == " " || self == "\t" }

    /// Whether it may occur in a key of a configuration.
    fileprivate var isOfKey: Bool {
        switch self {
        case "a"..."z", "A"..."Z", "0"..."9", "_", "-": true
        default: false
        }
    }
}

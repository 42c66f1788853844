// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// A tunnel file's text with its variables put in, before it is read as YAML (RUN.md §2).
///
/// The rules are those of the official tool, odd ones included: there is no escape, values are not looked at again and
/// not quoted, and comments are expanded like everything else. What stands where is remembered in both texts. One pass
/// over the text does it, however its references are nested or left open.
struct TextExpansion: Sendable {
    /// The text to read.
    let text: String
    /// Variables that were not set, as places in the text before.
    let unset: [Unset]
    private let segments: [Segment]

    struct Unset: Hashable, Sendable {
        let name: String
        let range: Range<Int>
    }

    /// A part of the text, as long as the part of the file it was copied from, or all of it from one variable.
    private struct Segment {
        let start: Int
        let original: Int
        let isCopied: Bool
    }

    /// Expands a text. Once the result is longer than `limit` the rest is left out: such a text is rejected anyway.
    init(_ source: String, environment: [String: String], limit: Int) {
        let scalars = Array(source.unicodeScalars)
        let variables = VariableTable(environment)
        let lastBrace = scalars.lastIndex(of: "}") ?? -1
        var output = String.UnicodeScalarView()
        var count = 0
        var segments = [Segment(start: 0, original: 0, isCopied: true)]
        var unset: [Unset] = []
        var index = 0
        var line = Line.blank
        while index < scalars.count, count <= limit {
            line = line.followed(by: scalars[index])
            guard scalars[index] == "$", let reference = Self.reference(in: scalars, at: index, lastBrace: lastBrace)
            else {
                output.append(scalars[index])
                count += 1
                index += 1
                continue
            }
            segments.append(Segment(start: count, original: index, isCopied: false))
            if let name = reference.name {
                let value = variables[name]
                if value == nil, line != .comment {
                    unset.append(Unset(name: name, range: index..<reference.end))
                }
                output.append(contentsOf: (value ?? "").unicodeScalars)
                count += value?.unicodeScalars.count ?? 0
            }
            index = reference.end
            segments.append(Segment(start: count, original: index, isCopied: true))
        }
        text = String(output)
        self.segments = segments
        self.unset = unset
    }

    /// The references in a text whose variables are none of its author's business, but for those in comments.
    static func references(in source: String) -> [Range<Int>] {
        let scalars = Array(source.unicodeScalars)
        let lastBrace = scalars.lastIndex(of: "}") ?? -1
        var ranges: [Range<Int>] = []
        var line = Line.blank
        var index = 0
        while index < scalars.count {
            line = line.followed(by: scalars[index])
            if scalars[index] == "$", line != .comment,
                let reference = reference(in: scalars, at: index, lastBrace: lastBrace)
            {
                ranges.append(index..<reference.end)
                index = reference.end
            } else {
                index += 1
            }
        }
        return ranges
    }

    /// The place in the file of a place in the expanded text; of all that a variable held, where it is named.
    func original(_ index: Int) -> Int {
        let next = segments.partitioningIndex { $0.start > index }
        guard next > 0 else { return index }
        let segment = segments[next - 1]
        return segment.isCopied ? segment.original + (index - segment.start) : segment.original
    }

    /// Whether a place in the expanded text is inside of what a variable held.
    func isVariable(_ index: Int) -> Bool {
        let next = segments.partitioningIndex { $0.start > index }
        return next > 0 && !segments[next - 1].isCopied
    }

    /// What a `$` refers to, nil when it stands for itself; without a name when the characters just vanish.
    ///
    /// `lastBrace` is where the last `}` of the text stands: behind it none needs to be looked for.
    private static func reference(
        in scalars: [Unicode.Scalar],
        at dollar: Int,
        lastBrace: Int
    ) -> (name: String?, end: Int)? {
        let start = dollar + 1
        guard start < scalars.count else { return nil }
        if scalars[start] == "{" {
            guard start < lastBrace, let brace = scalars[start...].firstIndex(of: "}") else { return (nil, start + 1) }
            let name = String(String.UnicodeScalarView(scalars[(start + 1)..<brace]))
            return (name.isEmpty ? nil : name, brace + 1)
        }
        if "*#$@!?-0123456789".unicodeScalars.contains(scalars[start]) {
            return (String(scalars[start]), start + 1)
        }
        let end = scalars[start...].firstIndex { !isNamePart($0) } ?? scalars.count
        guard end > start else { return nil }
        return (String(String.UnicodeScalarView(scalars[start..<end])), end)
    }

    /// What the line holds so far. An unset variable in a comment changes nothing, whatever was meant.
    private enum Line {
        case blank
        case comment
        case content

        func followed(by scalar: Unicode.Scalar) -> Line {
            switch scalar {
            case "\n", "\r": .blank
            case " ", "\t": self
            case "#" where self == .blank: .comment
            default: self == .comment ? .comment : .content
            }
        }
    }

    /// Letters, digits and `_`, in ASCII.
    static func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_": true
        default: false
        }
    }
}

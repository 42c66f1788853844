// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Linux
import RstreamModel
import YAML

/// A file's text as it stands on the disk: where things are and what may be shown of them.
///
/// In a tunnel file variables are expanded before the YAML is read, so a place in the tree is not a place in the file;
/// ``TextExpansion`` keeps what is needed to go back. Only the text of the file is ever shown, never what a variable
/// held; and of a file that a link led to out of its folder, nothing: a complaint must not be a way to read a file.
struct SourceFile: Sendable {
    let path: String
    /// Permission bits.
    let mode: UInt32
    /// The user whose rights the file has; nil for all rights.
    let owner: UInt32?
    /// Whether it is no file, but the entry of a tunnel that a user opens by hand.
    let isByHand: Bool
    private let readers: FileReaders
    private let showsText: Bool
    let scalars: [Unicode.Scalar]
    private let lines: LineTable
    private let expansion: TextExpansion?
    /// Parts that must not be shown, as indices of the file's own text, in order and apart from each other.
    private var secrets: [Range<Int>] = []

    init(
        path: String,
        text: String,
        of contents: FileContents,
        owner: UInt32? = nil,
        isByHand: Bool = false,
        expansion: TextExpansion? = nil
    ) {
        self.path = path
        self.owner = owner
        self.isByHand = isByHand
        mode = contents.mode
        readers = FileReaders(contents)
        // A user may have put another user's file into a folder of their own.
        showsText = !contents.isElsewhere && (owner == nil || owner == contents.file.owner)
        self.expansion = expansion
        scalars = Array(text.unicodeScalars)
        lines = LineTable(text)
    }

    /// Hides the values of secret keys of a tree that was read from this file, of pairs that did not get into the
    /// tree, and of what was commented out.
    mutating func hideSecrets(of root: Node, and dropped: [Node.Pair]) {
        var found = Redaction.ranges(inCommentsOf: scalars)
        Redaction.collect(from: root) { span in found.append(original(span)) }
        for pair in dropped { Redaction.collect(from: pair) { span in found.append(original(span)) } }
        hide(found)
    }

    /// Hides what may be a secret in a text that could not be read.
    mutating func hideSecretsByLine() {
        hide(Redaction.ranges(inUnreadable: scalars))
    }

    private mutating func hide(_ ranges: [Range<Int>]) {
        secrets = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = secrets.last, range.lowerBound <= last.upperBound {
                secrets[secrets.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                secrets.append(range)
            }
        }
    }

    /// The place in the file of a place in the tree.
    func mark(_ mark: Mark) -> SourceMark {
        let place = lines.mark(at: expansion?.original(mark.index) ?? mark.index)
        return SourceMark(file: path, line: place.line, column: place.column)
    }

    /// Whether something in this part of the file comes from a variable.
    func isExpanded(_ span: Span) -> Bool {
        scalars[original(span).clamped(to: 0..<scalars.count)].contains("$")
    }

    /// Whether a place in the tree is inside of what a variable of a tunnel file held.
    func isVariable(_ span: Span) -> Bool { expansion?.isVariable(span.start.index) ?? false }

    /// Whether there is a `${` in front of a place, on the same line. In a tunnel file it is gone before the YAML is
    /// read.
    func hasReference(onLineOf span: Span) -> Bool {
        guard expansion == nil, let start = lines.start(ofLine: span.start.line) else { return false }
        let line = scalars[start..<max(start, min(span.end.index + 1, scalars.count))]
        return zip(line, line.dropFirst()).contains { $0 == "$" && $1 == "{" }
    }

    func diagnostic(_ severity: Diagnostic.Severity, _ message: Wording, hint: Wording?, at span: Span) -> Diagnostic {
        diagnostic(severity, message, hint: hint, atOriginal: original(span))
    }

    /// A complaint about a part of the file's own text.
    func diagnostic(
        _ severity: Diagnostic.Severity,
        _ message: Wording,
        hint: Wording?,
        atOriginal range: Range<Int>
    ) -> Diagnostic {
        let place = lines.mark(at: range.lowerBound)
        let shown = show(line: place.line, underlining: range)
        let diagnostic = Diagnostic(
            severity: severity,
            file: path,
            line: place.line,
            column: place.column,
            message: message,
            hint: hint,
            sourceLine: shown.text,
            underline: shown.underline,
            readers: readers
        )
        return showsText ? diagnostic : diagnostic.withoutText
    }

    /// Where a line starts, counted from 1; nil when there is none.
    func start(ofLine line: Int) -> Int? { lines.start(ofLine: line) }

    /// What to say of the first look-alike in a part of the file's own text; nothing of a secret is told.
    func firstLookAlike(in places: some Sequence<Int>) -> Wording? {
        places.lazy.filter { scalars.indices.contains($0) && !isSecret($0) }.compactMap { LookAlike(scalars[$0]) }
            .first?.hint
    }

    private func isSecret(_ index: Int) -> Bool {
        let next = secrets.partitioningIndex { $0.upperBound > index }
        return next < secrets.count && secrets[next].contains(index)
    }

    /// The place in the file's own text of a place in the tree.
    func original(_ span: Span) -> Range<Int> {
        let start = expansion?.original(span.start.index) ?? span.start.index
        let end = expansion?.original(span.end.index) ?? span.end.index
        return start..<max(start, end)
    }

    /// How much of a line is taken on each side of where the underlined part starts; lines may be megabytes long.
    private static let reach = 400

    private func show(line: Int, underlining range: Range<Int>) -> (text: String, underline: Range<Int>) {
        guard let lineStart = lines.start(ofLine: line) else { return ("", 0..<1) }
        let start = max(lineStart, range.lowerBound - Self.reach)
        let limit = min(scalars.count, range.lowerBound + Self.reach)
        var text = String.UnicodeScalarView()
        if start > lineStart { text.append("…") }
        var count = start > lineStart ? 1 : 0
        var underlineStart: Int?
        var underlineEnd = 0
        var index = start
        var secret = secrets.partitioningIndex { $0.upperBound > start }
        while index < limit, scalars[index] != "\n", scalars[index] != "\r" {
            if underlineStart == nil, index >= range.lowerBound { underlineStart = count }
            if secret < secrets.count, secrets[secret].upperBound <= index { secret += 1 }
            if secret < secrets.count, secrets[secret].contains(index) {
                text.append(contentsOf: "***".unicodeScalars)
                count += 3
                while index < min(secrets[secret].upperBound, limit), scalars[index] != "\n", scalars[index] != "\r" {
                    index += 1
                }
            } else {
                text.append(scalars[index])
                count += 1
                index += 1
            }
            if index <= range.upperBound || underlineEnd < (underlineStart ?? 0) { underlineEnd = count }
        }
        let first = underlineStart ?? count
        return (String(text), first..<max(first + 1, underlineEnd))
    }
}

extension Array {
    /// The first index whose element fits, in an array that has all those that fit behind those that do not.
    func partitioningIndex(_ fits: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = low + (high - low) / 2
            if fits(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

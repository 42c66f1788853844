// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

extension Diagnostic: CustomStringConvertible {
    /// The longest part of a line that is shown; longer ones are cut on both sides of the underlined part.
    private static let shownCharacters = 160

    /// The form of the contract: place and message, then the line, then a caret with the hint.
    ///
    /// The file's author chose its content, so control characters are escaped: none reaches a terminal.
    package var description: String {
        guard line > 0 else {
            let tail = hint.map { " (\($0))" } ?? ""
            return "\(file): \(severity.rawValue): \(message)\(tail)".printable
        }
        let head = "\(file):\(line):\(column): \(severity.rawValue): \(message)".printable
        guard let sourceLine else { return head + (hint.map { " (\($0))" } ?? "").printable }
        let shown = excerpt(of: sourceLine)
        let number = "  \(line)"
        let gutter = String(repeating: " ", count: number.count)
        // A tab in front of the caret stays a tab, so both lines are indented alike.
        let indent = shown.text.unicodeScalars.prefix(shown.underline.lowerBound).map { $0 == "\t" ? "\t" : " " }
            .joined()
        let carets = String(repeating: "^", count: max(1, shown.underline.count))
        let tail = (hint.map { " \($0)" } ?? "").printable
        return "\(head)\n\(number) | \(shown.text.visible)\n\(gutter) | \(indent)\(carets)\(tail)"
    }

    private func excerpt(of line: String) -> (text: String, underline: Range<Int>) {
        let scalars = Array(line.unicodeScalars)
        let start = min(underline.lowerBound, scalars.count)
        let end = max(start, min(underline.upperBound, scalars.count))
        guard scalars.count > Self.shownCharacters else { return (line, start..<end) }
        let first = max(0, min(start - Self.shownCharacters / 4, scalars.count - Self.shownCharacters))
        let last = min(scalars.count, first + Self.shownCharacters)
        var text = String.UnicodeScalarView(scalars[first..<last])
        var shift = -first
        if first > 0 {
            text.insert("…", at: text.startIndex)
            shift += 1
        }
        if last < scalars.count { text.append("…") }
        return (String(text), (start + shift)..<(min(end, last) + shift))
    }
}

extension String {
    /// The line with a sign for everything that is not seen or moves a cursor, so that one character stays one, and a
    /// caret below it stands at its place.
    fileprivate var visible: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0 == "\t" || !$0.isHidden ? $0 : "\u{FFFD}" }))
    }
}

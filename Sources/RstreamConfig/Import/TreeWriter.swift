// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel

/// Writes trees as YAML in blocks, with comments. Whatever a tree holds, each comment is one line, and each text is read
/// as the same text, also where variables are expanded.
struct TreeWriter {
    /// Whether a `$` means a variable, and stays as it is. Elsewhere it is written so that it means none.
    let keepsVariables: Bool
    private(set) var text = ""
    /// How many lines there are.
    private(set) var lineCount = 0

    private static let longestComment = 600

    init(keepsVariables: Bool = false) {
        self.keepsVariables = keepsVariables
    }

    mutating func line(_ line: String = "", indent: Int = 0) {
        if !line.isEmpty { text += String(repeating: " ", count: indent) + line }
        text += "\n"
        lineCount += 1
    }

    /// Variables are expanded in comments, too, and their values may have more lines than one.
    mutating func comment(_ comment: String, indent: Int = 0) {
        var safe = "# "
        for scalar in comment.cut(toBytes: Self.longestComment).printable.unicodeScalars {
            safe +=
                scalar == "$" || scalar.isForbidden
                ? #"\u{\#(String(scalar.value, radix: 16, uppercase: true))}"# : String(scalar)
        }
        line(safe, indent: indent)
    }

    /// The pairs of a table; of an item of a list, the first one stands behind the dash.
    mutating func pairs(of table: Tree.Table, indent: Int, isItem: Bool = false) {
        for (index, pair) in table.pairs.enumerated() {
            let isFirst = isItem && index == 0
            self.pair(
                (isFirst ? "- " : "") + quoted(pair.key, isWord: false),
                pair.value,
                head: isFirst ? indent - 2 : indent,
                indent: indent
            )
        }
    }

    /// A key, which stands at `head`, with its value, whose parts are indented more than `indent`.
    mutating func pair(_ key: String, _ value: Tree, head: Int, indent: Int) {
        switch value.content {
        case .text(let text): line("\(key): \(quoted(text, isWord: false))", indent: head)
        case .word(let word): line("\(key): \(quoted(word, isWord: true))", indent: head)
        case .list(let items):
            line(items.isEmpty ? "\(key): []" : "\(key):", indent: head)
            for item in items { self.item(item, indent: indent + 2) }
        case .table(let table):
            line(table.isEmpty ? "\(key): {}" : "\(key):", indent: head)
            pairs(of: table, indent: indent + 2)
        }
    }

    private mutating func item(_ item: Tree, indent: Int) {
        switch item.content {
        case .text(let text): line("- \(quoted(text, isWord: false))", indent: indent)
        case .word(let word): line("- \(quoted(word, isWord: true))", indent: indent)
        case .list(let items):
            line(items.isEmpty ? "- []" : "-", indent: indent)
            for item in items { self.item(item, indent: indent + 2) }
        case .table(let table):
            if table.isEmpty { line("- {}", indent: indent) }
            pairs(of: table, indent: indent + 2, isItem: true)
        }
    }

    // MARK: Scalars

    /// Words that mean something else than their text.
    private static let special = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]

    func quoted(_ text: String, isWord: Bool) -> String {
        if Self.isPlain(text), isWord || !Self.special.contains(where: text.asciiLowercased.sameBytes) { return text }
        // It had no quotes, and its value may be more than a text.
        let isVariable = keepsVariables && isWord && text.contains(byte: "$")
        if isVariable, !text.unicodeScalars.contains(where: { $0.isHidden || $0.isForbidden }) { return text }
        var quoted = "\""
        for scalar in text.unicodeScalars { quoted += escaped(scalar) }
        return quoted + "\""
    }

    /// Whether a text needs no quotes: letters, digits and a few signs that mean nothing to YAML where they stand.
    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.last != UInt8(ascii: ":") else { return false }
        return (isAlphanumeric(first) || first == UInt8(ascii: "/"))
            && text.utf8.allSatisfy { isAlphanumeric($0) || signs.contains($0) }
    }

    private static let signs = Array("-_./:".utf8)

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte & 0xDF)
    }

    private func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\"": return "\\\""
        case "\\": return "\\\\"
        case "$" where !keepsVariables: return Self.escape(scalar)
        default: return scalar.isHidden || scalar.isForbidden ? Self.escape(scalar) : String(scalar)
        }
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16)
        let (letter, count) = scalar.value < 0x100 ? ("x", 2) : scalar.value < 0x1_0000 ? ("u", 4) : ("U", 8)
        return "\\\(letter)" + String(repeating: "0", count: count - digits.utf8.count) + digits
    }
}

extension Unicode.Scalar {
    /// Whether YAML takes it only as an escape: the last two of each plane, which are no characters.
    fileprivate var isForbidden: Bool { value & 0xFFFE == 0xFFFE }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// A parsed YAML text, with the place of every part of it.
///
/// The text becomes a tree of ``Node`` values: anchors, aliases and merge keys are already resolved, and what the
/// grammar allows but a configuration must not hold (a repeated key, a key that is a list, a tag of one's own) is
/// collected in ``problems`` so that a reader can report everything at once. What the keys mean is left to the reader.
/// Any bytes at all may be given: whatever could grow without end has a limit in ``Limits``.
package struct Document: Hashable, Sendable {
    /// The outermost node; nil when there is nothing but comments.
    package let root: Node?
    /// What is wrong without making the rest unreadable, in the order of the text.
    package let problems: [Problem]

    /// Something that a configuration must not hold.
    package struct Problem: Hashable, Sendable {
        /// What is wrong, in plain words.
        package let message: String
        /// Where it is.
        package let span: Span
        /// The other place that it is in conflict with.
        package let other: Span?
        /// What is not in the tree because of it.
        package let dropped: Node.Pair?
    }

    /// Parses a text.
    package init(parsing text: String, limits: Limits = Limits()) throws(SyntaxError) {
        var composer = Composer(text: text, limits: limits)
        root = try composer.compose()
        problems = composer.problems
    }

    /// Parses bytes that are meant to be UTF-8, with or without a byte order mark.
    package init(parsing bytes: [UInt8], limits: Limits = Limits()) throws(SyntaxError) {
        try self.init(parsing: decodeText(bytes, limits: limits), limits: limits)
    }
}

/// How much a text may ask for.
package struct Limits: Hashable, Sendable {
    /// Bytes of a text.
    package var bytes: Int
    /// Nodes of the tree after aliases were resolved, so a few lines cannot stand for billions. Their texts may have
    /// twice ``bytes`` then.
    package var nodes: Int
    /// Collections inside each other, also through aliases.
    package var depth: Int
    /// Bytes of a key.
    package var keyBytes: Int

    /// Enough for thousands of tunnels unless given.
    package init(bytes: Int = 4 * 1024 * 1024, nodes: Int = 250_000, depth: Int = 64, keyBytes: Int = 1_024) {
        self.bytes = bytes
        self.nodes = nodes
        self.depth = depth
        self.keyBytes = keyBytes
    }
}

/// Why a text is not YAML, or more of it than is taken.
package struct SyntaxError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, in plain words. Never repeats a part of the text longer than one character.
    package let message: String
    /// What to do about it, where that is known.
    package let hint: String?
    /// Where it is.
    package let mark: Mark

    /// `line:column: message`.
    package var description: String { "\(mark.line):\(mark.column): \(message)" }

    init(_ message: String, hint: String? = nil, at mark: Mark) {
        self.message = message
        self.hint = hint
        self.mark = mark
    }
}

/// Reads bytes as UTF-8, without the byte order mark that may stand in front.
package func decodeText(_ bytes: [UInt8], limits: Limits = Limits()) throws(SyntaxError) -> String {
    guard bytes.count <= limits.bytes else {
        throw SyntaxError("longer than \(limits.bytes) bytes", at: .start)
    }
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let content = bytes.starts(with: mark) ? Array(bytes.dropFirst(mark.count)) : bytes
    do throws(UTF8.ValidationError) {
        return String(copying: try UTF8Span(validating: content.span))
    } catch {
        let before = String(decoding: content.prefix(error.byteOffsets.lowerBound), as: UTF8.self)
        let mark = LineTable(before).mark(at: before.unicodeScalars.count)
        throw SyntaxError("not UTF-8 text", hint: "save the file as UTF-8", at: mark)
    }
}

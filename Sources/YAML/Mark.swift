// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// A place in a text.
package struct Mark: Hashable, Comparable, Sendable {
    /// Number of Unicode scalars before it.
    package let index: Int
    /// Counted from 1, as editors do: a line ends with LF, CR LF or CR.
    package let line: Int
    /// Counted from 1, in Unicode scalars.
    package let column: Int

    /// Before the first character.
    package static let start = Self(index: 0, line: 1, column: 1)

    /// A place that the caller knows to be right.
    package init(index: Int, line: Int, column: Int) {
        self.index = index
        self.line = line
        self.column = column
    }

    /// The order of the text.
    package static func < (first: Self, second: Self) -> Bool { first.index < second.index }
}

/// A part of a text.
package struct Span: Hashable, Sendable {
    /// Its first character.
    package let start: Mark
    /// Behind its last character.
    package let end: Mark

    /// A part that the caller knows to be right.
    package init(start: Mark, end: Mark) {
        self.start = start
        self.end = end
    }

    /// Its first character, even if it is empty.
    package var firstCharacter: Span {
        Span(start: start, end: Mark(index: start.index + 1, line: start.line, column: start.column + 1))
    }
}

/// Turns a count of Unicode scalars into line and column.
package struct LineTable: Hashable, Sendable {
    /// Index of the first scalar of each line; never empty.
    private let starts: [Int]

    /// Finds the lines of a text.
    package init(_ text: String) {
        var starts = [0]
        var index = 0
        var previous: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            index += 1
            if scalar == "\n", previous == "\r" {
                starts[starts.count - 1] = index
            } else if scalar == "\n" || scalar == "\r" {
                starts.append(index)
            }
            previous = scalar
        }
        self.starts = starts
    }

    /// The place of the scalar with this index. An index past the end counts on in the last line.
    package func mark(at index: Int) -> Mark {
        let index = max(0, index)
        var low = 0
        var high = starts.count
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if starts[middle] <= index { low = middle } else { high = middle }
        }
        return Mark(index: index, line: low + 1, column: index - starts[low] + 1)
    }

    /// Index of the first scalar of a line, nil when there is no such line.
    package func start(ofLine line: Int) -> Int? {
        starts.indices.contains(line - 1) ? starts[line - 1] : nil
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import YAML

/// A character that a word processor or a web page puts where another one was meant. A person cannot see the
/// difference, or hardly, and a key, a number or a word with one in it is none.
struct LookAlike {
    private let scalar: Unicode.Scalar
    private let name: String
    private let instead: String

    /// Nil for a character that cannot be mistaken.
    init?(_ scalar: Unicode.Scalar) {
        guard !scalar.isASCII else { return nil }
        self.scalar = scalar
        switch scalar {
        case "\u{A0}", "\u{2007}", "\u{202F}": (name, instead) = ("a no-break space", "write an ordinary one")
        case _ where scalar.properties.generalCategory == .spaceSeparator:
            (name, instead) = ("a special space", "write an ordinary one")
        case "\u{201C}"..."\u{201F}": (name, instead) = ("a typographic quote", "write \"")
        case "\u{2018}"..."\u{201B}": (name, instead) = ("a typographic quote", "write '")
        case "\u{2010}"..."\u{2015}", "\u{2212}": (name, instead) = ("a typographic dash", "write -")
        case "\u{FF1A}": (name, instead) = ("a wide colon", "write :")
        case _ where scalar.isHidden: (name, instead) = ("which is invisible", "remove it")
        default: return nil
        }
    }

    /// The hint where the character is the likely cause of an error.
    var hint: Wording {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        return Wording("it contains U+\(digits), \(name): \(instead)", redacted: "check how it is written")
    }
}

extension SourceFile {
    /// What to say of the first character of this part of the file that is not what it looks like; nil where there is
    /// none, and where a secret stands.
    func lookAlike(at span: Span) -> Wording? { firstLookAlike(in: original(span)) }

    /// The same for the lines that a complaint of libyaml may be about: the one at a place, and the last one before it
    /// that says something.
    func lookAlike(aroundLineOf span: Span) -> Wording? {
        guard let start = start(ofLine: mark(span.start).line) else { return nil }
        var before = start
        while before > 0, scalars[before - 1].properties.isWhitespace, scalars[before - 1].isASCII { before -= 1 }
        while before > 0, scalars[before - 1] != "\n" { before -= 1 }
        let end = scalars[start...].firstIndex { $0 == "\n" } ?? scalars.count
        var isComment = false
        let content = (before..<end).filter { index in
            isComment = scalars[index] != "\n" && (isComment || scalars[index] == "#")
            return !isComment
        }
        return firstLookAlike(in: content)
    }
}

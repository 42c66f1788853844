// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Linux
internal import RstreamModel

/// One line of a terminal as pieces of text, each with its tone. It is painted last, so that it can be measured and cut
/// without escape sequences.
struct Line: Hashable, Sendable {
    var pieces: [Piece]

    init(_ pieces: [Piece] = []) { self.pieces = pieces }

    init(_ text: String, _ tone: Tone = .plain) { pieces = [Piece(text, tone)] }

    /// How many columns of a terminal it takes.
    var width: Int { pieces.reduce(0) { $0 + $1.width } }

    /// The text without colours.
    var plain: String { pieces.map(\.text).joined() }

    /// The line as a terminal shows it.
    func painted(_ paint: Paint) -> String { pieces.map { paint.apply($0.tone.style, to: $0.text) }.joined() }

    /// As much of it as fits, with `…` where it was cut.
    func cut(to columns: Int) -> Line {
        guard width > columns else { return self }
        guard columns > 0 else { return Line() }
        var (cut, left) = (Line(), columns - 1)
        for piece in pieces {
            if piece.width <= left {
                cut.pieces.append(piece)
                left -= piece.width
            } else {
                cut.pieces.append(piece.start(left))
                break
            }
        }
        return cut
    }

    static func + (first: Line, second: Line) -> Line { Line(first.pieces + second.pieces) }
}

/// A piece of a line.
struct Piece: Hashable, Sendable {
    let text: String
    let tone: Tone

    /// Bytes of a text before escaping. What a person reads is shorter.
    private static let longest = 4_096

    /// The text may come from a visitor, an engine or a file: characters that a terminal would act on are escaped, and
    /// an endless text is cut.
    init(_ text: String, _ tone: Tone = .plain) {
        self.text = text.cut(toBytes: Self.longest).printable
        self.tone = tone
    }

    private init(cut text: String, _ tone: Tone) {
        self.text = text
        self.tone = tone
    }

    /// The start of it that fits, with `…` where it was cut.
    func cut(to columns: Int) -> Piece {
        guard width > columns else { return self }
        return columns > 0 ? start(columns - 1) : Piece("", tone)
    }

    /// So many columns of it, and `…`.
    fileprivate func start(_ columns: Int) -> Piece { Piece(cut: text.leading(columns) + "…", tone) }

    var width: Int { text.terminalColumns }
}

/// The meaning of a piece of text, which decides its colour.
enum Tone: Hashable, Sendable, CaseIterable {
    case plain
    /// Titles of columns.
    case title
    /// Of minor importance.
    case faint
    /// As wanted.
    case good
    /// Not yet or no longer as wanted.
    case waiting
    /// Needs attention.
    case bad
}

extension Tone {
    fileprivate var style: Paint.Style? {
        switch self {
        case .plain: nil
        case .title: .bold
        case .faint: .faint
        case .good: .green
        case .waiting: .yellow
        case .bad: .red
        }
    }
}

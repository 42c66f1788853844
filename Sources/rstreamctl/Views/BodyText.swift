// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// A body as lines of text. What is in it is a visitor's or a service's: its pieces escape what a terminal would act on.
struct BodyText: Hashable, Sendable {
    /// Bytes of a piece: a longer one would be cut.
    private static let longestPiece = 1_024

    /// The pieces of each line.
    let lines: [[Piece]]

    /// Nil for bytes that are no text: not UTF-8, or with control characters other than tabs and ends of lines. The last
    /// character of a body that is cut may be incomplete, and is left out.
    init?(_ bytes: [UInt8], isCut: Bool) {
        var whole = bytes[...]
        if isCut, let start = whole.suffix(4).lastIndex(where: { $0 & 0xC0 == 0xC0 }),
            whole.endIndex - start < (~whole[start]).leadingZeroBitCount
        {
            whole = whole[..<start]
        }
        guard let text = String(validating: whole, as: UTF8.self),
            text.unicodeScalars.allSatisfy({ $0.value >= 0x20 || "\t\n\r".unicodeScalars.contains($0) })
        else { return nil }
        var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        self.lines = lines.map { line in
            Self.pieces(Substring(line.last == UInt8(ascii: "\r") ? line.dropLast() : line))
        }
    }

    private static func pieces(_ line: Substring) -> [Piece] {
        var (pieces, rest) = ([Piece](), line)
        while !rest.isEmpty {
            var piece = rest.prefix(longestPiece)
            while piece.utf8.count > longestPiece, piece.count > 1 { piece = piece.prefix(piece.count / 2) }
            pieces.append(Piece(piece.split(byte: "\t", omittingEmpty: false).joined(separator: "    ")))
            rest = rest[piece.endIndex...]
        }
        return pieces
    }
}

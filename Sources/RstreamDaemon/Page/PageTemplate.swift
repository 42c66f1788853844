// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// A document with places, written `{{name}}`, for what changes.
///
/// It is taken apart once, before anything is put into it: a text that looks like a place is a text.
struct PageTemplate: Sendable {
    private enum Piece: Sendable {
        case markup(String)
        case place(String)
    }

    private let pieces: [Piece]

    init(_ markup: some Sequence<UInt8>) {
        var (pieces, open) = ([Piece](), [UInt8]())
        var isPlace = false
        var last: UInt8?
        for byte in markup {
            let isPair = last == byte && byte == UInt8(ascii: isPlace ? "}" : "{")
            guard isPair else {
                open.append(byte)
                last = byte
                continue
            }
            open.removeLast()
            let text = String(decoding: open, as: UTF8.self)
            pieces.append(isPlace ? .place(text) : .markup(text))
            (open, last) = ([], nil)
            isPlace.toggle()
        }
        self.pieces = pieces + [.markup(String(decoding: open, as: UTF8.self))]
    }

    /// The names of its places.
    var places: Set<String> {
        Set(
            pieces.compactMap { piece -> String? in
                guard case .place(let name) = piece else { return nil }
                return name
            }
        )
    }

    /// The document with something at each place; a place that nothing is given for stays empty.
    func filled(_ values: [String: HTML]) -> String {
        pieces.reduce(into: "") { text, piece in
            switch piece {
            case .markup(let markup): text += markup
            case .place(let name): text += values[name]?.markup ?? ""
            }
        }
    }
}

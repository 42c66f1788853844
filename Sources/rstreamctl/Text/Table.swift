// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// Rows under titles, each column as wide as its longest cell, with notes under the row that they belong to.
struct Table: Hashable, Sendable {
    enum Side: Hashable, Sendable {
        case left
        /// For numbers.
        case right
    }

    struct Column: Hashable, Sendable {
        let title: String
        let side: Side

        init(_ title: String, _ side: Side = .left) {
            self.title = title
            self.side = side
        }
    }

    struct Row: Hashable, Sendable {
        var cells: [Piece]
        /// Notes about the row, indented below it.
        var notes: [Line]

        init(_ cells: [Piece], notes: [Line] = []) {
            self.cells = cells
            self.notes = notes
        }
    }

    /// Columns of a cell: the length of the longest host name. One cell makes its whole column as wide.
    private static let widestCell = 253
    private static let gap = 2
    private static let indent = Line("    ")

    let columns: [Column]
    let rows: [Row]

    /// Cells are in the order of the columns; missing ones are empty.
    init(_ columns: [Column], _ rows: [Row]) {
        self.columns = columns
        self.rows = rows.map { row in
            Row(row.cells.map { $0.cut(to: Self.widestCell) }, notes: row.notes)
        }
    }

    var lines: [Line] { lines(within: .max) }

    /// The lines for a terminal of `room` columns: the last columns that do not fit are written below their row, each
    /// cell with its title.
    func lines(within room: Int) -> [Line] {
        let widths = columns.indices.map { index in
            rows.reduce(columns[index].title.terminalColumns) { widest, row in
                index < row.cells.count ? max(widest, row.cells[index].width) : widest
            }
        }
        var (fitting, width) = (0, -Self.gap)
        for column in widths {
            width += Self.gap + column
            guard width <= room || fitting == 0 else { break }
            fitting += 1
        }
        let head = line(columns.prefix(fitting).map { Piece($0.title, .title) }, widths)
        return [head]
            + rows.flatMap { row in
                [line(Array(row.cells.prefix(fitting)), widths)]
                    + (overflow(row, from: fitting, within: room) + row.notes).map { Self.indent + $0 }
            }
    }

    /// The cells of a row from a column on, as many on a line as there is room for.
    private func overflow(_ row: Row, from first: Int, within room: Int) -> [Line] {
        var lines: [Line] = []
        for (column, cell) in zip(columns, row.cells).dropFirst(first) where cell.width > 0 {
            let entry = Line([Piece("\(column.title.lowercased()) ", .faint), cell])
            if let last = lines.last, Self.indent.width + last.width + Self.gap + entry.width <= room {
                lines[lines.count - 1] = last + Line(String(repeating: " ", count: Self.gap)) + entry
            } else {
                lines.append(entry)
            }
        }
        return lines
    }

    private func line(_ cells: [Piece], _ widths: [Int]) -> Line {
        var line = Line()
        // Spaces are written only in front of a cell, so that no line ends with any.
        var pending = 0
        for (index, cell) in cells.enumerated() {
            let padding = widths[index] - cell.width
            if columns[index].side == .right { pending += padding }
            if cell.width > 0 {
                if pending > 0 { line.pieces.append(Piece(String(repeating: " ", count: pending))) }
                line.pieces.append(cell)
                pending = 0
            }
            pending += (columns[index].side == .left ? padding : 0) + Self.gap
        }
        return line
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel

/// The tables of a TOML text while it is read, and what may still be added to each: a table is defined once, by its
/// header or by dotted keys, and what was written with brackets on one line is complete.
struct TOMLTables {
    /// The table that all others are in.
    static let root = 0

    private enum Kind {
        /// Only named on the way to another one.
        case implicit
        case header
        case dotted
    }

    private enum Entry {
        case value(Tree)
        /// An index of `tables`.
        case table(Int)
        /// An index of `lists`.
        case list(Int)
    }

    private struct Table {
        var kind: Kind
        let place: Int
        var entries: [(key: TOMLKey, entry: Entry)] = []
        var indices: [ByteKey: Int] = [:]
    }

    private var tables: [Table]
    /// The elements of each `[[name]]`, as indices of `tables`.
    private var lists: [[Int]] = []

    init(at place: Int) {
        tables = [Table(kind: .header, place: place)]
    }

    /// `[path]`: the table that the following lines belong to.
    mutating func open(_ path: [TOMLKey], at place: Int) throws(TOMLFault) -> Int {
        guard let last = path.last else { return Self.root }
        let parent = try descend(path.dropLast(), at: place)
        switch entry(last, in: parent) {
        case nil: return make(.header, last, in: parent, at: place)
        case .table(let index)? where tables[index].kind == .implicit:
            tables[index].kind = .header
            return index
        case .table?, .list?: throw TOMLFault(message: "the table is defined a second time", place: last.place)
        case .value?: throw isValue(last)
        }
    }

    /// `[[path]]`: one more element, that the following lines belong to.
    mutating func append(_ path: [TOMLKey], at place: Int) throws(TOMLFault) -> Int {
        guard let last = path.last else { return Self.root }
        let parent = try descend(path.dropLast(), at: place)
        let element = tables.count
        switch entry(last, in: parent) {
        case nil:
            lists.append([element])
            put(.list(lists.count - 1), last, in: parent)
        case .list(let index)?: lists[index].append(element)
        case .table?: throw TOMLFault(message: "the name is that of a table already", place: last.place)
        case .value?: throw isValue(last)
        }
        tables.append(Table(kind: .header, place: place))
        return element
    }

    /// `path = value` in a table.
    mutating func add(_ value: Tree, as path: [TOMLKey], to table: Int) throws(TOMLFault) {
        guard let last = path.last else { return }
        var table = table
        for key in path.dropLast() {
            switch entry(key, in: table) {
            case nil: table = make(.dotted, key, in: table, at: key.place)
            case .table(let index)? where tables[index].kind == .dotted: table = index
            case .table?, .list?:
                throw TOMLFault(
                    message: "the table has a header of its own",
                    hint: "put the key below that header",
                    place: key.place
                )
            case .value?: throw isValue(key)
            }
        }
        guard entry(last, in: table) == nil else { throw TOMLFault(message: "the key is repeated", place: last.place) }
        put(.value(value), last, in: table)
    }

    /// The tables on the way to the one of a header; of a list its last element.
    private mutating func descend(_ path: ArraySlice<TOMLKey>, at place: Int) throws(TOMLFault) -> Int {
        var table = Self.root
        for key in path {
            switch entry(key, in: table) {
            case nil: table = make(.implicit, key, in: table, at: place)
            case .table(let index)?: table = index
            case .list(let index)?: table = lists[index].last ?? table
            case .value?: throw isValue(key)
            }
        }
        return table
    }

    private func isValue(_ key: TOMLKey) -> TOMLFault {
        TOMLFault(message: "the key has a value already, which is no table", place: key.place)
    }

    private func entry(_ key: TOMLKey, in table: Int) -> Entry? {
        tables[table].indices[ByteKey(key.text)].map { tables[table].entries[$0].entry }
    }

    private mutating func make(_ kind: Kind, _ key: TOMLKey, in table: Int, at place: Int) -> Int {
        let index = tables.count
        put(.table(index), key, in: table)
        tables.append(Table(kind: kind, place: place))
        return index
    }

    private mutating func put(_ entry: Entry, _ key: TOMLKey, in table: Int) {
        tables[table].indices[ByteKey(key.text)] = tables[table].entries.count
        tables[table].entries.append((key, entry))
    }

    /// Everything, as values.
    var table: Tree.Table { table(Self.root) }

    private func table(_ index: Int) -> Tree.Table {
        Tree.Table(
            tables[index].entries.map { key, entry in
                Tree.Pair(key: key.text, place: key.place, value: tree(entry))
            }
        )
    }

    private func tree(_ entry: Entry) -> Tree {
        switch entry {
        case .value(let tree): tree
        case .table(let index): Tree(.table(table(index)), at: tables[index].place)
        case .list(let list):
            Tree(
                .list(lists[list].map { Tree(.table(table($0)), at: tables[$0].place) }),
                at: lists[list].first.map { tables[$0].place } ?? 0
            )
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel

/// Why an entry of an imported file does not become one of the tunnel file.
struct LeftOut: Error {
    let reason: String
}

/// What becomes of an imported file: entries of a tunnel file, each with the comments that stand above it.
struct ImportedFile {
    /// An entry of a list, or of `contexts`.
    struct Entry {
        /// The key, for a context.
        var name = ""
        /// Nil when it is left out; the comments say why.
        var body: Tree.Table?
        var remarks: Remarks
    }

    let program: ImportedProgram
    /// Comments at the top.
    var remarks: Remarks
    var contexts: [Entry] = []
    var tunnels: [Entry] = []
    var listeners: [Entry] = []
    /// Whether a `$` means a variable, as in files of `rstream run`.
    var keepsVariables = false
    private var names: [Kind: ImportedNames] = [:]

    enum Kind: Hashable {
        case context
        case tunnel
        case listener
    }

    init(of program: ImportedProgram) {
        self.program = program
        remarks = Remarks(of: program)
    }

    /// Entries that are not left out.
    var count: Int { (contexts + tunnels + listeners).count { $0.body != nil } }

    /// A name that no other entry of the kind has, the wanted one if possible; `remarks` are told of another.
    mutating func name(
        _ kind: Kind,
        _ wanted: String,
        else fallback: String,
        _ remarks: inout Remarks
    ) -> String {
        let name = names[kind, default: ImportedNames()].take(wanted, else: fallback)
        if !wanted.isEmpty, !name.sameBytes(as: wanted) {
            remarks.add("the name \(wanted.shortened.quotedJSON)", nil, "is taken, or cannot be one here")
        }
        return name
    }

    /// Adds what the entry `index` of the list `noun` becomes, with comments on the keys that `convert` does not take, or
    /// a comment that it is left out.
    mutating func add(
        _ entry: Tree,
        _ noun: String,
        _ index: Int,
        named name: String? = nil,
        to list: WritableKeyPath<ImportedFile, [Entry]>,
        _ convert: (inout ImportedFile, inout Tree.Table, inout Remarks) throws(LeftOut) -> [Tree.Table]
    ) {
        var remarks = Remarks(of: program)
        do throws(LeftOut) {
            guard var table = entry.table else { throw LeftOut(reason: "it has no keys") }
            let bodies = try convert(&self, &table, &remarks)
            remarks.add(leftIn: table)
            for body in bodies {
                self[keyPath: list].append(Entry(body: body, remarks: remarks))
                // Said once for all that come from the same entry.
                remarks = Remarks(of: program)
            }
        } catch {
            let label = Self.label(noun, index, name ?? entry.table?["name"]?.scalar)
            var remarks = Remarks(of: program)
            remarks.add(label, nil, "left out: \(error.reason)")
            self[keyPath: list].append(Entry(remarks: remarks))
        }
    }

    /// How an entry of a list is named in comments.
    static func label(_ list: String, _ index: Int, _ name: String?) -> String {
        "\(list)[\(index)]" + (name.map { " \($0.shortened.quotedJSON)" } ?? "")
    }
}

/// Names that differ from each other.
struct ImportedNames {
    /// Room for a number behind a name that is taken.
    private static let longest = TunnelSpec.longestName - 8

    /// As texts that look the same, too.
    private var taken: Set<String> = []
    /// The number that was tried last behind a name.
    private var last: [String: Int] = [:]

    mutating func take(_ wanted: String, else fallback: String) -> String {
        let cleaned = String(
            String.UnicodeScalarView(wanted.unicodeScalars.map { $0.isHidden ? "-" : $0 })
        ).trimmed
        let base = (cleaned.isEmpty ? fallback : cleaned).cut(toBytes: Self.longest)
        if taken.insert(base).inserted { return base }
        while true {
            let number = last[base, default: 1] + 1
            last[base] = number
            if taken.insert("\(base)-\(number)").inserted { return "\(base)-\(number)" }
        }
    }
}

/// A tunnel while it is put together.
struct ImportedTunnel {
    var forward: String
    var isEnabled = true
    var upstream = Tree.Table()
    /// What the engine is asked for.
    var spec = Tree.Table()

    init(forward: String) {
        self.forward = forward
    }

    func table(name: String) -> Tree.Table {
        var table = Tree.Table()
        table.set("name", to: .text(name))
        table.set("forward", to: .text(forward))
        if !isEnabled { table.set("enabled", to: .word(false)) }
        if !upstream.isEmpty { table.set("upstream", to: Tree(.table(upstream))) }
        table.set("tunnel", to: Tree(.table(spec)))
        return table
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel
import YAML

/// The name of an entry, and its place.
struct EntryName {
    /// What carries a name of its own.
    enum Kind: String {
        case context
        case tunnel
        case listener
    }

    let kind: Kind
    let text: String
    let span: Span
    /// Where the entry itself starts, which is elsewhere when a merge key brought the name.
    let entry: Span
    let file: SourceFile

    /// `tunnel "web"`, in front of complaints.
    var label: Wording { Self.label(kind, text) }

    static func label(_ kind: Kind, _ text: String) -> Wording { "\(shown: kind.rawValue) \"\(text.shortened)\"" }
}

extension Section {
    /// The required name of an entry.
    func name(of entry: Wording, _ report: inout Report) -> Located<String>? {
        guard let name = required("name", of: entry, &report) else { return nil }
        guard name.value.utf8.count <= TunnelSpec.longestName else {
            report.error("the name is longer than \(shown: TunnelSpec.longestName) bytes", at: name.span, in: file)
            return nil
        }
        return name
    }
}

/// The names of one kind of entry, which differ over all files. Two that look the same and have other bytes do not
/// differ.
struct EntryNames {
    private var first: [String: SourceMark] = [:]

    init() {}

    /// With the names of a configuration that is loaded already.
    init(_ contexts: [ContextDefinition]) {
        first = Dictionary(contexts.map { ($0.name, $0.mark) }) { first, _ in first }
    }

    /// Takes a name; false with a complaint when it is taken.
    @discardableResult
    mutating func take(_ name: EntryName, _ report: inout Report) -> Bool {
        let mark = name.file.mark(name.span.start)
        guard let other = first[name.text] else {
            first[name.text] = mark
            return true
        }
        report.error(
            "duplicate \(shown: name.kind.rawValue) name \"\(name.text.shortened)\"",
            hint: "first defined at \(other)",
            at: mark.description == other.description ? name.entry : name.span,
            in: name.file
        )
        return false
    }

    func contains(_ name: String) -> Bool { first[name] != nil }

    /// Those that a name which is none of them is compared with, in their order.
    var candidates: [String] {
        first.keys.prefix(NearestWord.mostCandidates).map { ByteKey($0) }.sorted().map(\.text)
    }
}

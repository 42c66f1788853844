import RstreamModel
import YAML

/// What an entry of a file is called, and where that stands.
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
    var label: String { Self.label(kind, text) }

    static func label(_ kind: Kind, _ text: String) -> String { "\(kind.rawValue) \"\(text.shortened)\"" }
}

/// The names of one kind of entry, which differ over all files.
struct EntryNames {
    private var first: [String: SourceMark] = [:]

    /// Takes a name; false with a complaint when it is taken.
    @discardableResult
    mutating func take(_ name: EntryName, _ report: inout Report) -> Bool {
        let mark = name.file.mark(name.span.start)
        guard let other = first[name.text] else {
            first[name.text] = mark
            return true
        }
        report.error(
            "duplicate \(name.kind.rawValue) name \"\(name.text.shortened)\"",
            hint: "first defined at \(other)",
            at: mark.description == other.description ? name.entry : name.span,
            in: name.file
        )
        return false
    }

    func contains(_ name: String) -> Bool { first[name] != nil }

    /// What to say about a name that is none of these.
    func hint(for name: String) -> String? {
        first.isEmpty ? nil : NearestWord.hint(for: name, among: first.keys.sorted())
    }
}

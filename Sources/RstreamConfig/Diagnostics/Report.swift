import YAML

/// Collects every complaint of a load.
struct Report {
    /// More than a person reads; keeps a file of a million mistakes from becoming a million lines.
    private static let limit = 1_000

    private(set) var diagnostics: [Diagnostic] = []
    /// How many errors there are, also those that are not kept.
    private(set) var errorCount = 0
    /// Whether a file that must be read may not be.
    var isNotPermitted = false
    /// Places that were already complained about in a way that makes any other complaint about them noise.
    private var settled: Set<Place> = []
    /// What was said already. What an anchor holds is read again for each of its aliases, and complained about once.
    private var said: Set<Statement> = []

    private struct Place: Hashable {
        let file: String
        let index: Int
    }

    private struct Statement: Hashable {
        let place: Place
        let message: String
    }

    mutating func error(_ message: String, hint: String? = nil, at span: Span, in file: SourceFile) {
        guard !settled.contains(Place(file: file.path, index: span.start.index)) else { return }
        guard diagnostics.count <= Self.limit, isNew(message, at: span, in: file) else {
            errorCount += 1
            return
        }
        add(file.diagnostic(.error, message, hint: hint, at: span))
    }

    mutating func warning(_ message: String, hint: String? = nil, at span: Span, in file: SourceFile) {
        guard diagnostics.count <= Self.limit, isNew(message, at: span, in: file) else { return }
        add(file.diagnostic(.warning, message, hint: hint, at: span))
    }

    private mutating func isNew(_ message: String, at span: Span, in file: SourceFile) -> Bool {
        said.insert(Statement(place: Place(file: file.path, index: span.start.index), message: message)).inserted
    }

    /// Complains about a whole file.
    mutating func error(_ message: String, hint: String? = nil, file: String) {
        add(Diagnostic(file: file, message: message, hint: hint))
    }

    /// Warns of a part of a file's own text.
    mutating func warning(_ message: String, hint: String?, atOriginal range: Range<Int>, in file: SourceFile) {
        guard diagnostics.count <= Self.limit else { return }
        add(file.diagnostic(.warning, message, hint: hint, atOriginal: range))
    }

    /// Adds a complaint that was made elsewhere.
    mutating func add(_ diagnostic: Diagnostic) {
        if diagnostic.severity == .error { errorCount += 1 }
        switch diagnostics.count {
        case ..<Self.limit: diagnostics.append(diagnostic)
        case Self.limit:
            diagnostics.append(Diagnostic(file: diagnostic.file, message: "too many errors to show the rest"))
        default: break
        }
    }

    /// Complains about a place once and for all.
    mutating func settle(_ message: String, hint: String? = nil, at span: Span, in file: SourceFile) {
        error(message, hint: hint, at: span, in: file)
        settled.insert(Place(file: file.path, index: span.start.index))
    }

    /// The complaints in the order of files as they were read, then of lines.
    func sorted(files: [String]) -> [Diagnostic] {
        var order: [String: Int] = [:]
        for (index, file) in files.enumerated() where order[file] == nil { order[file] = index }
        return diagnostics.enumerated().sorted { first, second in
            let left = (order[first.element.file] ?? .max, first.element.line, first.element.column, first.offset)
            let right = (order[second.element.file] ?? .max, second.element.line, second.element.column, second.offset)
            return left < right
        }.map(\.element)
    }
}

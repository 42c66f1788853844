import RstreamModel
import YAML

/// Collects every complaint of a load. Words are only made for complaints that are kept, so that a million mistakes
/// cost no more than finding them.
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
        let file: ByteKey
        let index: Int
    }

    private struct Statement: Hashable {
        let place: Place
        let message: ByteKey
    }

    mutating func error(
        _ message: @autoclosure () -> Wording,
        hint: @autoclosure () -> Wording? = nil,
        at span: Span,
        in file: SourceFile
    ) {
        guard !isSettled(span, in: file) else { return }
        guard diagnostics.count <= Self.limit, case let message = message(), isNew(message, at: span, in: file) else {
            errorCount += 1
            return
        }
        add(file.diagnostic(.error, message, hint: hint(), at: span))
    }

    mutating func warning(
        _ message: @autoclosure () -> Wording,
        hint: @autoclosure () -> Wording? = nil,
        at span: Span,
        in file: SourceFile
    ) {
        guard diagnostics.count <= Self.limit, case let message = message(), isNew(message, at: span, in: file) else {
            return
        }
        add(file.diagnostic(.warning, message, hint: hint(), at: span))
    }

    /// Complains or warns, as it matters.
    mutating func complain(
        _ severity: Diagnostic.Severity,
        _ message: @autoclosure () -> Wording,
        hint: @autoclosure () -> Wording?,
        at span: Span,
        in file: SourceFile
    ) {
        switch severity {
        case .error: error(message(), hint: hint(), at: span, in: file)
        case .warning: warning(message(), hint: hint(), at: span, in: file)
        }
    }

    private func isSettled(_ span: Span, in file: SourceFile) -> Bool {
        !settled.isEmpty && settled.contains(Place(file: ByteKey(file.path), index: span.start.index))
    }

    private mutating func isNew(_ message: Wording, at span: Span, in file: SourceFile) -> Bool {
        let place = Place(file: ByteKey(file.path), index: span.start.index)
        return said.insert(Statement(place: place, message: ByteKey(message.text))).inserted
    }

    /// Complains about a whole file, or a folder, once.
    mutating func error(_ message: String, hint: String? = nil, file: String) {
        complain(.error, message, hint: hint, file: file)
    }

    /// Complains or warns about a whole file, or a folder, once. Files of one folder have its complaints in common.
    mutating func complain(_ severity: Diagnostic.Severity, _ message: String, hint: String?, file: String) {
        let place = Place(file: ByteKey(file), index: -1)
        guard said.count > 4 * Self.limit || said.insert(Statement(place: place, message: ByteKey(message))).inserted
        else { return }
        add(Diagnostic(severity: severity, file: file, message: message, hint: hint))
    }

    /// Complains about a part of a file's own text.
    mutating func complain(
        _ severity: Diagnostic.Severity,
        _ message: @autoclosure () -> Wording,
        hint: @autoclosure () -> Wording?,
        atOriginal range: Range<Int>,
        in file: SourceFile
    ) {
        guard diagnostics.count <= Self.limit else {
            if severity == .error { errorCount += 1 }
            return
        }
        add(file.diagnostic(severity, message(), hint: hint(), atOriginal: range))
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
    mutating func settle(
        _ message: @autoclosure () -> Wording,
        hint: @autoclosure () -> Wording? = nil,
        at span: Span,
        in file: SourceFile
    ) {
        error(message(), hint: hint(), at: span, in: file)
        if diagnostics.count <= Self.limit {
            settled.insert(Place(file: ByteKey(file.path), index: span.start.index))
        }
    }

    /// The complaints in the order of files as they were read, then of lines.
    func sorted(files: [String]) -> [Diagnostic] {
        var order: [ByteKey: Int] = [:]
        for (index, file) in files.enumerated() where order[ByteKey(file)] == nil { order[ByteKey(file)] = index }
        let keyed = diagnostics.enumerated().map {
            (place: order[ByteKey($1.file)] ?? .max, offset: $0, diagnostic: $1)
        }
        return keyed.sorted { first, second in
            let left = (first.place, first.diagnostic.line, first.diagnostic.column, first.offset)
            let right = (second.place, second.diagnostic.line, second.diagnostic.column, second.offset)
            return left < right
        }.map(\.diagnostic)
    }
}

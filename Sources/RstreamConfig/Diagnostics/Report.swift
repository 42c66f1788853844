// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import YAML

/// Collects every complaint of a load. Words are only made for complaints that are kept, so that a million mistakes
/// cost no more than finding them.
struct Report {
    /// More than a person reads: a file of a million mistakes must not become a million lines.
    private static let limit = 1_000

    private(set) var diagnostics: [Diagnostic] = []
    /// How many errors there are, also those that are not kept.
    private(set) var errorCount = 0
    /// Whether a file that must be read may not be.
    var isNotPermitted = false
    /// Places with an error that makes every other error about them noise.
    private var settled: Set<Place> = []
    /// What was reported already: an anchor's value is read again for each of its aliases, and reported once.
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

    /// Reports an error or a warning.
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

    /// Reports an error about a whole file, or a folder, once.
    mutating func error(_ message: String, hint: String? = nil, file: String) {
        complain(.error, message, hint: hint, file: file)
    }

    /// Reports an error or a warning about a whole file, or a folder, once: files of one folder share its diagnostics.
    mutating func complain(_ severity: Diagnostic.Severity, _ message: String, hint: String?, file: String) {
        let place = Place(file: ByteKey(file), index: -1)
        guard said.count > 4 * Self.limit || said.insert(Statement(place: place, message: ByteKey(message))).inserted
        else { return }
        add(Diagnostic(severity: severity, file: file, message: message, hint: hint))
    }

    /// Reports an error or a warning about a part of a file's own text.
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

    /// Adds a diagnostic that was made elsewhere.
    mutating func add(_ diagnostic: Diagnostic) {
        if diagnostic.severity == .error { errorCount += 1 }
        switch diagnostics.count {
        case ..<Self.limit: diagnostics.append(diagnostic)
        case Self.limit:
            diagnostics.append(Diagnostic(file: diagnostic.file, message: "too many errors to show the rest"))
        default: break
        }
    }

    /// Reports an error about a place, and ignores all further errors about it.
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

    /// The diagnostics in the order in which files were read, then of lines.
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

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel
import YAML

/// A file to import as it was read: TOML or YAML, of which JSON is a part.
struct ImportedSource {
    let file: SourceFile
    let root: Tree.Table

    /// Nil with a complaint when it cannot be read.
    init?(_ path: String, _ files: any FileAccess, _ report: inout Report) {
        let limits = Limits()
        let contents: FileContents
        do throws(FileAccessError) {
            contents = try files.read(path, limit: limits.bytes)
        } catch {
            report.isNotPermitted = error == .notPermitted
            report.error(error.words, file: path)
            return nil
        }
        let text: String
        do throws(SyntaxError) {
            text = try decodeText(contents.bytes, limits: limits)
        } catch {
            let (line, column) = (error.mark.line, error.mark.column)
            report.add(Diagnostic(file: path, line: line, column: column, message: error.message, hint: error.hint))
            return nil
        }
        var file = SourceFile(path: path, text: text, of: contents)
        // Other programs call their secrets by other names, so what is hidden is judged line by line.
        file.hideSecretsByLine()
        self.file = file
        let tree: Tree?
        switch Syntax(of: text) {
        case .ini(let place):
            report.complain(
                .error,
                "this is the old form of frp's files, INI, which is not read",
                hint: "write it as TOML: serverAddr for server_addr, and [[proxies]] with a name for each section",
                atOriginal: place..<place,
                in: file
            )
            return nil
        case .toml: tree = Self.toml(text, file, limits, &report)
        case .yaml: tree = Self.yaml(text, file, limits, &report)
        }
        guard let tree else { return nil }
        guard let root = tree.table else {
            report.complain(.error, "a file of keys and values is expected", hint: nil, atOriginal: 0..<0, in: file)
            return nil
        }
        self.root = root
    }

    private static func toml(_ text: String, _ file: SourceFile, _ limits: Limits, _ report: inout Report) -> Tree? {
        do throws(TOMLError) {
            return Tree(.table(try TOMLReader.read(text, limits: limits)))
        } catch {
            let hint =
                text.firstRange(ofBytes: "{{") == nil
                ? error.hint : "frp puts the values of {{ }} in first: write them, and import the result"
            report.complain(
                .error,
                Wording(error.message, redacted: "not valid TOML"),
                hint: hint.map { Wording($0, redacted: $0) },
                atOriginal: error.mark.index..<error.mark.index,
                in: file
            )
            return nil
        }
    }

    private static func yaml(_ text: String, _ file: SourceFile, _ limits: Limits, _ report: inout Report) -> Tree? {
        do throws(SyntaxError) {
            let document = try Document(parsing: text, limits: limits)
            for problem in document.problems {
                report.error(
                    Wording(problem.message.shortened, redacted: "not what a configuration may hold"),
                    at: problem.span,
                    in: file
                )
            }
            guard document.problems.isEmpty else { return nil }
            return document.root.flatMap(Tree.init) ?? Tree(.table(Tree.Table()))
        } catch {
            report.error(
                Wording(error.message, redacted: "not valid YAML"),
                hint: error.hint.map { Wording($0, redacted: $0) },
                at: Span(start: error.mark, end: error.mark),
                in: file
            )
            return nil
        }
    }

    /// The kind of the file: what is asked for, or what its keys tell. Nil with a complaint when they do not.
    func kind(of program: ImportedProgram?, _ report: inout Report) -> ImportedKind? {
        if let program { return ImportedKind.kind(of: program, for: root) }
        let candidates = ImportedKind.candidates(for: root)
        guard let first = candidates.first else {
            report.complain(
                .error,
                "the program that this file is for is not known by its keys",
                hint: "looked for \(shown: ImportedKind.knownBy); --from says which it is",
                atOriginal: 0..<0,
                in: file
            )
            return nil
        }
        guard let other = candidates.first(where: { $0.kind.program != first.kind.program }) else {
            // Of a program with two kinds, the later one is the more specific.
            return candidates.last?.kind
        }
        report.complain(
            .error,
            """
            this may be a file of \(shown: first.kind.program) ("\(first.sign.key)") or of \
            \(shown: other.kind.program) ("\(other.sign.key)")
            """,
            hint: "--from says which it is",
            atOriginal: other.sign.place..<other.sign.place + other.sign.key.unicodeScalars.count,
            in: file
        )
        return nil
    }
}

/// How a file is written, told by its first line that is no comment.
private enum Syntax {
    case yaml
    case toml
    /// The place is that of the section that tells it.
    case ini(place: Int)

    init(of text: String) {
        var place = 0
        var isTOML: Bool?
        for line in text.split(byte: "\n", omittingEmpty: false) {
            let start = line.trimmed
            // The section that every file of that form begins with, and no other has.
            if start.sameBytes(as: "[common]") {
                self = .ini(place: place)
                return
            }
            if isTOML == nil, !start.isEmpty, !start.startsWithBytes(of: "#") { isTOML = Self.isTOML(start) }
            place += line.unicodeScalars.count + 1
        }
        self = isTOML == true ? .toml : .yaml
    }

    /// Whether a line is a header, or has its first `=` in front of any `:`.
    private static func isTOML(_ line: String) -> Bool {
        if line.startsWithBytes(of: "[") { return true }
        if line.startsWithBytes(of: "{") { return false }
        guard let equals = line.firstIndex(ofByte: "=") else { return false }
        return line.firstIndex(ofByte: ":").map { equals < $0 } ?? true
    }
}

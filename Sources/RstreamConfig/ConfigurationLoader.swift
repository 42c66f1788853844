// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Linux
import RstreamModel
import YAML

/// Reads the daemon's file and the tunnel files it includes, and checks them as a whole.
///
/// All or nothing: either everything is valid and the values come back with warnings, or every error of every file
/// comes back at once. Files that other users than root and the daemon's could have changed are not read, see
/// ``FileRule``.
package struct ConfigurationLoader: Sendable {
    /// How much is read in all.
    package struct Bounds: Hashable, Sendable {
        /// More tunnel files than any daemon has.
        package var files = 100_000
        /// Bytes of all files together.
        package var bytes = 64 * 1_024 * 1_024

        package init() {}
    }

    /// More entries than any `include` has.
    static let mostIncludes = 64
    static let defaultInclude = "tunnels.d/*.yaml"

    let files: any FileAccess
    private let environment: [String: String]
    private let rule: FileRule
    let bounds: Bounds
    private let limits = Limits()

    /// A loader that reads files through `files`, trusts them by `rule`, and expands variables from `environment`.
    package init(
        files: any FileAccess = FileSystem(),
        environment: [String: String],
        rule: FileRule = .running,
        bounds: Bounds = Bounds()
    ) {
        self.bounds = bounds
        self.files = files
        self.rule = rule
        var environment = environment
        // Only systemd sets it, and only for the unit: a check before the start does not have it, and that is no
        // mistake.
        if rule.isForCheck, environment[Self.credentials, default: ""].isEmpty {
            environment[Self.credentials] = "/run/credentials/rstreamd.service"
        }
        self.environment = environment
    }

    private static let credentials = "CREDENTIALS_DIRECTORY"

    /// Loads the daemon's file at `path`. Relative paths in a file start at the file's own directory.
    package func load(_ path: String) throws(ConfigurationError) -> LoadedConfiguration {
        var report = Report()
        var draft = DaemonDraft()
        var read = ReadFiles(limit: bounds.bytes)
        read.note(path, in: files)
        if let (file, root) = readDaemonFile(path, &read, &report) {
            draft = DaemonFileReader(file: file, environment: environment, accounts: rule.accounts).read(root, &report)
            var rule = rule
            rule.take(tunnelOwners: draft.tunnelOwners)
            for included in includedPaths(draft.include, of: file, rule, &report) {
                read.note(included.path, in: files)
                guard let found = readTunnelFile(included, of: file, rule, &read, &report) else { continue }
                draft.file.contexts += found.contexts
                draft.file.tunnels += found.tunnels
                draft.file.listeners += found.listeners
            }
            let clients = draft.needsClients ? readClients(draft.configuration.clientConfig, &read, &report) : nil
            var resolver = Resolver(
                contexts: draft.file.contexts,
                fallback: draft.fallback,
                clients: clients,
                daemonFile: file,
                &report
            )
            draft.configuration.contexts = resolver.contexts
            draft.configuration.tunnels = resolver.resolve(
                draft.file.tunnels,
                disposition: draft.configuration.reload,
                &report
            )
            draft.configuration.includes = (draft.include?.map(\.value) ?? [Self.defaultInclude])
                .map { Path.resolve($0, in: Path.directory(of: path)) }.filter { Path.isPattern($0) }
            draft.configuration.listeners = resolver.resolve(draft.file.listeners, taken: draft.taken, &report)
            draft.configuration.fallback =
                resolver.fallbackDefinition ?? unusedFallback(draft, clients, daemonFile: file)
        }
        draft.configuration.files = read.paths
        draft.configuration.stamps = read.stamps
        let diagnostics = report.sorted(files: read.paths)
        guard report.errorCount == 0 else {
            throw ConfigurationError(kind: report.isNotPermitted ? .notPermitted : .invalid, diagnostics: diagnostics)
        }
        return LoadedConfiguration(configuration: draft.configuration, warnings: diagnostics)
    }

    private func readDaemonFile(
        _ path: String,
        _ read: inout ReadFiles,
        _ report: inout Report
    ) -> (SourceFile, Node)? {
        guard let text = readText(path, rule, &read, &report) else { return nil }
        var file = SourceFile(path: path, text: text.text, of: text.contents)
        guard let root = parse(text.text, &file, &report) else { return nil }
        var expansion = ScalarExpansion(environment: environment, limit: limits.bytes)
        return (file, expansion.expand(root, in: file, &report))
    }

    private func readTunnelFile(
        _ included: Included,
        of daemonFile: SourceFile,
        _ rule: FileRule,
        _ read: inout ReadFiles,
        _ report: inout Report
    ) -> FileDraft? {
        let path = included.path
        let asked = included.span.map { ($0, daemonFile) }
        guard let text = readText(path, named: asked, rule, holdsTunnels: true, &read, &report) else { return nil }
        var file: SourceFile
        let root: Node?
        if let owner = text.owner {
            file = SourceFile(path: path, text: text.text, of: text.contents, owner: owner)
            refuseVariables(in: text.text, of: file, &report)
            root = parse(text.text, &file, &report)
        } else {
            let expansion = TextExpansion(text.text, environment: environment, limit: limits.bytes)
            file = SourceFile(path: path, text: text.text, of: text.contents, expansion: expansion)
            root = parse(expansion.text, &file, &report)
            // Also when the YAML is wrong: a variable that is missing may be the reason.
            for unset in expansion.unset { warn(about: unset, in: file, &report) }
        }
        guard let root else { return nil }
        guard !root.isNull else {
            report.complain(.warning, "contains only comments, and is skipped", hint: nil, file: path)
            return nil
        }
        let reader = FileReader(file: file, environment: environment)
        let section = Section(
            root,
            named: "the file",
            at: "",
            without: DaemonFileReader.ownKeys,
            misplaced: DaemonFileReader.misplacedInTunnelFile,
            hint: FileReader.hint(for: root),
            in: file,
            &report
        )
        guard let section, reader.checkVersion(section, &report) else { return nil }
        return reader.read(section, isIncluded: true, &report)
    }

    /// Reads the client configuration, which need not exist; nil when it cannot be used.
    private func readClients(
        _ configured: String?,
        _ read: inout ReadFiles,
        _ report: inout Report
    ) -> ClientContexts? {
        let named = environment["RSTREAM_CONFIG"]?.trimmed ?? ""
        let path = configured ?? (named.isEmpty ? ClientContexts.defaultPath : named)
        // Also one that is not there: when it comes, something else may be wanted.
        read.note(path, in: files)
        var isMissing = false
        guard let text = readText(path, rule, isMissing: &isMissing, &read, &report) else {
            // Of all files only this one may be missing.
            return isMissing ? ClientContexts(missing: path, environment: environment) : nil
        }
        var file = SourceFile(path: path, text: text.text, of: text.contents)
        guard parse(text.text, isOurs: false, &file, &report) != nil else { return nil }
        return ClientContexts(text.text, file: file, environment: environment, &report)
    }

    /// The context of the client configuration where no entry asks for it: a tunnel that is opened by hand may. What is
    /// wrong with it is no mistake of a configuration that does not use it.
    private func unusedFallback(
        _ draft: DaemonDraft,
        _ clients: ClientContexts?,
        daemonFile file: SourceFile
    ) -> ContextDefinition? {
        guard draft.fallback == nil else { return nil }
        var (unheard, read) = (Report(), ReadFiles(limit: bounds.bytes))
        let start = Span(start: .start, end: .start)
        let entry = EntryName(kind: .tunnel, text: "", span: start, entry: start, file: file)
        let known = clients ?? readClients(draft.configuration.clientConfig, &read, &unheard)
        return known?.fallback(for: entry, &unheard)
    }

    private func warn(about unset: TextExpansion.Unset, in file: SourceFile, _ report: inout Report) {
        report.complain(
            .warning,
            "environment variable \"\(unset.name.shortened)\" is not set",
            hint: unset.name.firstRange(ofBytes: ":-") != nil
                ? "tunnel files have no defaults; it expands to nothing" : "it expands to nothing",
            atOriginal: unset.range,
            in: file
        )
    }

    /// What a variable holds is the daemon's business, and not that of a user who may have tunnels only.
    private func refuseVariables(in text: String, of file: SourceFile, _ report: inout Report) {
        for range in TextExpansion.references(in: text) {
            report.complain(
                .error,
                "variables are not allowed in files of users in limits.tunnelOwners",
                hint: "write the value itself; a single $ is kept as it is",
                atOriginal: range,
                in: file
            )
        }
    }

    /// The tree of a file; a file without anything but comments is one null. One of another program is none of ours.
    private func parse(
        _ text: String,
        isOurs: Bool = true,
        _ file: inout SourceFile,
        _ report: inout Report
    ) -> Node? {
        do throws(SyntaxError) {
            let document = try Document(parsing: text, limits: limits)
            let start = Span(start: .start, end: .start)
            let root = document.root ?? Node(Node.Scalar(text: ""), span: start)
            file.hideSecrets(of: root, and: document.problems.compactMap(\.dropped))
            if isOurs, let foreign = ForeignFile(root, of: text) {
                report.error(about: foreign, in: file)
                return nil
            }
            for problem in document.problems {
                report.error(
                    Wording(problem.message.shortened, redacted: "not what a configuration may hold"),
                    hint: problem.other.map { "first given in line \(shown: file.mark($0.start).line)" },
                    at: problem.span,
                    in: file
                )
            }
            return root
        } catch {
            file.hideSecretsByLine()
            if isOurs, let foreign = ForeignFile(text: text) {
                report.error(about: foreign, in: file)
                return nil
            }
            let span = Span(start: error.mark, end: error.mark)
            var hint = error.hint.map { Wording($0, redacted: $0) }
            if let lookAlike = file.lookAlike(aroundLineOf: span) {
                hint = lookAlike
            } else if file.isVariable(span) {
                hint = "the variable's value is read as YAML; put quotes around it"
            } else if hint == nil, file.hasReference(onLineOf: span) {
                hint = "put quotes around \"${...}\" inside of { } and [ ]"
            }
            report.error(Wording(error.message, redacted: "not valid YAML"), hint: hint, at: span, in: file)
            return nil
        }
    }
}

// MARK: Files

extension ConfigurationLoader {
    /// Files in the order of reading. Each is noted before it is read, so that what changes meanwhile shows.
    private struct ReadFiles {
        private(set) var paths: [String] = []
        private(set) var stamps = FileStamps()
        /// How many more bytes are read.
        var remaining: Int

        init(limit: Int) {
            remaining = limit
        }

        mutating func note(_ path: String, in files: any FileAccess) {
            paths.append(path)
            stamps.note(path, in: files)
        }
    }

    /// A trusted file in UTF-8.
    private struct ReadText {
        let text: String
        let contents: FileContents
        /// The user whose rights it has; nil for all rights.
        let owner: UInt32?
    }

    /// Whose rights a file has.
    struct Rights {
        /// Nil for all rights.
        let user: UInt32?
    }

    /// Reads a file that may be missing, which `isMissing` tells then.
    private func readText(
        _ path: String,
        _ rule: FileRule,
        isMissing: inout Bool,
        _ read: inout ReadFiles,
        _ report: inout Report
    ) -> ReadText? {
        do throws(FileAccessError) {
            return judge(try contents(of: path, &read), at: path, rule, holdsTunnels: false, &report)
        } catch {
            isMissing = error == .missing
            if !isMissing { complain(error, about: path, &report) }
            return nil
        }
    }

    /// Reads a file. `named` says where it was asked for by name, if that is not its own business.
    private func readText(
        _ path: String,
        named: (span: Span, file: SourceFile)? = nil,
        _ rule: FileRule,
        holdsTunnels: Bool = false,
        _ read: inout ReadFiles,
        _ report: inout Report
    ) -> ReadText? {
        do throws(FileAccessError) {
            return judge(try contents(of: path, &read), at: path, rule, holdsTunnels: holdsTunnels, &report)
        } catch {
            if let named, error == .missing {
                report.error("there is no file \(path)", at: named.span, in: named.file)
            } else {
                complain(error, about: path, &report)
            }
            return nil
        }
    }

    private func contents(of path: String, _ read: inout ReadFiles) throws(FileAccessError) -> FileContents {
        let tooMuch = FileAccessError.failed(
            "all files together are longer than \(bounds.bytes) bytes"
        )
        guard read.remaining > 0 else { throw tooMuch }
        let limit = min(limits.bytes, read.remaining)
        do throws(FileAccessError) {
            let contents = try files.read(path, limit: limit)
            read.remaining -= contents.bytes.count
            return contents
        } catch {
            guard case .tooLong = error, limit < limits.bytes else { throw error }
            read.remaining = 0
            throw tooMuch
        }
    }

    /// The text of a trusted file. Any other file is not read, so nothing of it can be shown.
    private func judge(
        _ contents: FileContents,
        at path: String,
        _ rule: FileRule,
        holdsTunnels: Bool,
        _ report: inout Report
    ) -> ReadText? {
        let steps = contents.way + [contents.file]
        guard let rights = judge(steps, at: path, rule, holdsTunnels: holdsTunnels, &report) else { return nil }
        do throws(SyntaxError) {
            return ReadText(
                text: try decodeText(contents.bytes, limits: limits),
                contents: contents,
                owner: rights.user
            )
        } catch {
            // Without a text there is no line to show.
            report.add(
                Diagnostic(
                    file: path,
                    line: error.mark.line,
                    column: error.mark.column,
                    message: error.message,
                    hint: error.hint
                )
            )
            return nil
        }
    }

    /// Judges the way to a file or a folder; nil when it is refused.
    func judge(
        _ steps: [PathStep],
        at path: String,
        _ rule: FileRule,
        holdsTunnels: Bool,
        _ report: inout Report
    ) -> Rights? {
        let (verdict, complaints) = rule.judge(steps, holdsTunnels: holdsTunnels)
        for complaint in complaints {
            report.complain(
                complaint.severity,
                complaint.message,
                hint: complaint.hint,
                file: complaint.path.isEmpty ? path : complaint.path
            )
        }
        switch verdict {
        case .trusted: return Rights(user: nil)
        case .limited(let user): return Rights(user: user)
        case .refused: return nil
        }
    }

    func complain(_ error: FileAccessError, about path: String, _ report: inout Report) {
        switch error {
        case .notPermitted:
            report.isNotPermitted = true
            report.error(
                error.words,
                hint: IntendedReader.process.remedy(forConfiguration: path),
                file: path
            )
        case .failed: report.error("cannot be read: \(error.words)", file: path)
        case .missing, .tooLong, .tooMany: report.error(error.words, file: path)
        }
    }
}

/// A configuration that can be used.
package struct LoadedConfiguration: Hashable, Sendable {
    /// The values.
    package let configuration: DaemonConfiguration
    /// What is worth saying all the same.
    package let warnings: [Diagnostic]

    /// A configuration with its warnings.
    package init(configuration: DaemonConfiguration, warnings: [Diagnostic] = []) {
        self.configuration = configuration
        self.warnings = warnings
    }
}

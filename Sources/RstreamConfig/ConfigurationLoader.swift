import RstreamModel
import YAML

/// Reads the daemon's file and the tunnel files it includes, and checks them as a whole.
///
/// All or nothing: either everything is right and the values come back with what is merely worth a warning, or every
/// complaint of every file comes back at once and nothing else.
package struct ConfigurationLoader: Sendable {
    /// More tunnel files than anybody has.
    private static let includedFiles = 1_024
    private static let defaultInclude = "tunnels.d/*.yaml"

    private let files: any FileAccess
    private let environment: [String: String]
    private let limits = Limits()

    /// A loader that sees files through `files` and expands variables from `environment`.
    package init(files: any FileAccess = FileSystem(), environment: [String: String]) {
        self.files = files
        self.environment = environment
    }

    /// Loads the daemon's file at `path`. Relative paths in a file start at the file's own directory.
    package func load(_ path: String) throws(ConfigurationError) -> LoadedConfiguration {
        var report = Report()
        var draft = DaemonDraft()
        var read = ReadFiles()
        read.note(path, in: files)
        if let (file, root) = readDaemonFile(path, &report) {
            draft = DaemonFileReader(file: file, environment: environment).read(root, &report)
            for included in includedPaths(draft.include, of: file, &report) {
                read.note(included.path, in: files)
                guard let found = readTunnelFile(included, of: file, &report) else { continue }
                draft.file.contexts += found.contexts
                draft.file.tunnels += found.tunnels
                draft.file.listeners += found.listeners
            }
            let clients = draft.needsClients ? readClients(draft.configuration.clientConfig, &read, &report) : nil
            let resolver = Resolver(
                contexts: draft.file.contexts,
                fallback: draft.fallback,
                clients: clients,
                daemonFile: file,
                &report
            )
            draft.configuration.contexts = resolver.contexts
            draft.configuration.tunnels = resolver.resolve(
                draft.file.tunnels,
                fate: draft.configuration.reload,
                &report
            )
            draft.configuration.includes = (draft.include?.map(\.value) ?? [Self.defaultInclude])
                .map { Path.resolve($0, in: Path.directory(of: path)) }.filter { Path.isPattern($0) }
            draft.configuration.listeners = resolver.resolve(draft.file.listeners, taken: draft.taken, &report)
        }
        draft.configuration.files = read.paths
        draft.configuration.stamps = read.stamps
        let diagnostics = report.sorted(files: read.paths)
        guard report.errorCount == 0 else {
            throw ConfigurationError(kind: report.isNotPermitted ? .notPermitted : .invalid, diagnostics: diagnostics)
        }
        return LoadedConfiguration(configuration: draft.configuration, warnings: diagnostics)
    }

    private func readDaemonFile(_ path: String, _ report: inout Report) -> (SourceFile, Node)? {
        guard let (text, mode) = readText(path, &report) else { return nil }
        var file = SourceFile(path: path, text: text, mode: mode)
        guard let root = parse(text, &file, &report) else { return nil }
        var expansion = ScalarExpansion(environment: environment, limit: limits.bytes)
        return (file, expansion.expand(root, in: file, &report))
    }

    private func readTunnelFile(
        _ included: Included,
        of daemonFile: SourceFile,
        _ report: inout Report
    ) -> FileDraft? {
        let path = included.path
        guard let (text, mode) = readText(path, named: included.span.map { ($0, daemonFile) }, &report) else {
            return nil
        }
        let expansion = TextExpansion(text, environment: environment, limit: limits.bytes)
        var file = SourceFile(path: path, text: text, mode: mode, expansion: expansion)
        let root = parse(expansion.text, &file, &report)
        // Also when the YAML is wrong: a variable that is missing may be the reason.
        for unset in expansion.unset { warn(about: unset, in: file, &report) }
        guard let root else { return nil }
        let reader = FileReader(file: file, environment: environment)
        let section = Section(
            root,
            named: "the file",
            keys: FileReader.keys,
            misplaced: DaemonFileReader.misplacedInTunnelFile,
            in: file,
            &report
        )
        guard let section, reader.checkVersion(section, &report) else { return nil }
        return reader.read(section, tunnelsRequired: true, &report)
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
        // Of all files only this one may be missing, so that is found out before others complain.
        do throws(FileAccessError) {
            _ = try files.read(path, limit: limits.bytes)
        } catch {
            if error == .missing { return ClientContexts(missing: path, environment: environment) }
        }
        guard let (text, mode) = readText(path, &report) else { return nil }
        var file = SourceFile(path: path, text: text, mode: mode)
        guard parse(text, &file, &report) != nil else { return nil }
        return ClientContexts(text, file: file, environment: environment, &report)
    }

    private func warn(about unset: TextExpansion.Unset, in file: SourceFile, _ report: inout Report) {
        let isShellDefault = unset.name.contains(":-")
        report.warning(
            "environment variable \"\(unset.name.shortened)\" is not set",
            hint: isShellDefault ? "tunnel files know no defaults; it becomes nothing" : "it becomes nothing",
            atOriginal: unset.range,
            in: file
        )
    }

    /// The tree of a file; a file without anything but comments is one null.
    private func parse(_ text: String, _ file: inout SourceFile, _ report: inout Report) -> Node? {
        do throws(SyntaxError) {
            let document = try Document(parsing: text, limits: limits)
            let start = Span(start: .start, end: .start)
            let root = document.root ?? Node(Node.Scalar(text: ""), span: start)
            file.hideSecrets(of: root, and: document.problems.compactMap(\.dropped))
            for problem in document.problems {
                let other = problem.other.map { file.mark($0.start) }
                report.error(
                    problem.message.shortened,
                    hint: other.map { "first given in line \($0.line)" },
                    at: problem.span,
                    in: file
                )
            }
            return root
        } catch {
            file.hideSecretsByLine()
            let span = Span(start: error.mark, end: error.mark)
            var hint = error.hint
            if file.isVariable(span) {
                hint = "what the variable holds is read as YAML; put quotes around it"
            } else if hint == nil, file.hasReference(onLineOf: span) {
                hint = "put quotes around \"${...}\" inside of { } and [ ]"
            }
            report.error(error.message, hint: hint, at: span, in: file)
            return nil
        }
    }

    /// Reads a file that is UTF-8. `named` says where it was asked for by name, so that it must be there.
    private func readText(
        _ path: String,
        named: (span: Span, file: SourceFile)? = nil,
        _ report: inout Report
    ) -> (text: String, mode: UInt32)? {
        do throws(FileAccessError) {
            let contents = try files.read(path, limit: limits.bytes)
            do throws(SyntaxError) {
                return (try decodeText(contents.bytes, limits: limits), contents.mode)
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
            }
        } catch {
            if let named, error == .missing {
                report.error("there is no file \(path)", at: named.span, in: named.file)
            } else {
                complain(error, about: path, &report)
            }
        }
        return nil
    }

    private func complain(_ error: FileAccessError, about path: String, _ report: inout Report) {
        switch error {
        case .missing: report.error("there is no such file", file: path)
        case .notPermitted:
            report.isNotPermitted = true
            report.error(
                "not permitted to read this",
                hint: "let the daemon's user or group read it, like chgrp rstream and chmod 640",
                file: path
            )
        case .tooLong(let limit): report.error("longer than \(limit) bytes", file: path)
        case .failed(let reason): report.error("cannot be read: \(reason)", file: path)
        }
    }
}

extension ConfigurationLoader {
    /// Files in the order of reading. Each is noted before it is read, so that what changes meanwhile shows.
    private struct ReadFiles {
        private(set) var paths: [String] = []
        private(set) var stamps = FileStamps()

        mutating func note(_ path: String, in files: any FileAccess) {
            paths.append(path)
            stamps.note(path, in: files)
        }
    }

    /// A file to read, and where it is named unless a pattern found it.
    private struct Included {
        let path: String
        let span: Span?
    }

    /// The paths that `include` names, each once, in the order of the list and then of names.
    private func includedPaths(
        _ include: [Located<String>]?,
        of file: SourceFile,
        _ report: inout Report
    ) -> [Included] {
        let start = Span(start: .start, end: .start)
        var paths: [Included] = []
        var seen: Set<String> = [file.path]
        for pattern in include ?? [Located(value: Self.defaultInclude, span: start)] {
            let path = Path.resolve(pattern.value, in: Path.directory(of: file.path))
            guard !Path.isPattern(Path.directory(of: path)) else {
                report.error(
                    "\"*\" and \"?\" are only for the last part of a path",
                    hint: "like \(Self.defaultInclude)",
                    at: pattern.span,
                    in: file
                )
                continue
            }
            let isPattern = Path.isPattern(path)
            for path in isPattern ? matches(path, &report) : [path] where seen.insert(path).inserted {
                guard paths.count < Self.includedFiles else {
                    report.error("more than \(Self.includedFiles) files", at: pattern.span, in: file)
                    return paths
                }
                paths.append(Included(path: path, span: isPattern ? nil : pattern.span))
            }
        }
        return paths
    }

    private func matches(_ pattern: String, _ report: inout Report) -> [String] {
        let directory = Path.directory(of: pattern)
        do throws(FileAccessError) {
            let names = try files.names(in: directory.isEmpty ? "." : directory)
            return names.filter { Path.matches($0, pattern: Path.name(of: pattern)) }.sorted()
                .map { Path.resolve($0, in: directory) }
        } catch {
            // Nobody has to have tunnel files.
            if error != .missing { complain(error, about: directory, &report) }
            return []
        }
    }
}

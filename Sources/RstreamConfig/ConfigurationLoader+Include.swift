// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import YAML

// Which files `include` stands for.
extension ConfigurationLoader {
    /// A file to read, and where it is named unless a pattern found it.
    struct Included {
        let path: String
        let span: Span?
    }

    /// The paths that `include` names, each once, in the order of the list and then of names.
    func includedPaths(
        _ include: [Located<String>]?,
        of file: SourceFile,
        _ rule: FileRule,
        _ report: inout Report
    ) -> [Included] {
        let start = Span(start: .start, end: .start)
        let patterns = include ?? [Located(value: Self.defaultInclude, span: start)]
        var paths: [Included] = []
        var seen: Set<ByteKey> = [ByteKey(file.path)]
        var folders: [ByteKey: [String]] = [:]
        var patternCount = 0
        for pattern in patterns {
            let path = Path.resolve(pattern.value, in: Path.directory(of: file.path))
            guard path.utf8.count <= Path.longest, Path.name(of: path).utf8.count <= Path.longestName else {
                report.error("the path is too long", at: pattern.span, in: file)
                continue
            }
            guard !Path.isPattern(Path.directory(of: path)) else {
                report.error(
                    "\"*\" and \"?\" are only for the last part of a path",
                    hint: "like \(shown: Self.defaultInclude)",
                    at: pattern.span,
                    in: file
                )
                continue
            }
            let isPattern = Path.isPattern(path)
            patternCount += isPattern ? 1 : 0
            guard patternCount <= Self.mostIncludes else {
                report.error("more than \(shown: Self.mostIncludes) patterns", at: pattern.span, in: file)
                return paths
            }
            let found = isPattern ? matches(path, rule, &folders, &report) : [path]
            if found.isEmpty, !pattern.value.sameBytes(as: Self.defaultInclude) {
                report.warning("no file matches \"\(pattern.value.shortened)\"", at: pattern.span, in: file)
            }
            for path in found
            where seen.insert(ByteKey(path)).inserted {
                guard paths.count < bounds.files else {
                    report.error(
                        "one file too many: \(bounds.files) are included already, and no more may be",
                        file: path
                    )
                    return paths
                }
                paths.append(Included(path: path, span: isPattern ? nil : pattern.span))
            }
        }
        for (directory, names) in folders.sorted(by: { $0.key < $1.key })
        where !directory.text.sameBytes(as: Path.directory(of: file.path)) {
            warn(aboutOthers: names, in: directory.text, than: seen, &report)
        }
        return paths
    }

    /// The files that fit a pattern. `folders` keeps the names of folders that were looked at.
    private func matches(
        _ pattern: String,
        _ rule: FileRule,
        _ folders: inout [ByteKey: [String]],
        _ report: inout Report
    ) -> [String] {
        let directory = Path.directory(of: pattern)
        let folder = directory.isEmpty ? "." : directory
        if folders[ByteKey(directory)] == nil {
            do throws(FileAccessError) {
                let isBelieved =
                    judge(try files.way(to: folder), at: folder, rule, holdsTunnels: true, &report) != nil
                folders[ByteKey(directory)] = isBelieved ? try files.names(in: folder) : []
            } catch {
                // Tunnel files are optional.
                if error != .missing { complain(error, about: directory, &report) }
                folders[ByteKey(directory)] = []
            }
        }
        let wanted = NamePattern(Path.name(of: pattern))
        let names = (folders[ByteKey(directory)] ?? []).filter(wanted.matches)
        return names.sorted { ByteKey($0) < ByteKey($1) }.compactMap { name in
            let path = Path.resolve(name, in: directory)
            // Such a name leads to no file, unless it is meant like that.
            guard Self.isRepaired(name), files.stamp(of: path) == nil else { return path }
            report.complain(.warning, "has a name that is not UTF-8, and is skipped", hint: "rename it", file: path)
            return nil
        }
    }

    /// More names than a person reads.
    private static let mostOthers = 8

    /// Warns about files next to tunnel files that no pattern takes: most likely they were meant to be.
    private func warn(
        aboutOthers names: [String],
        in directory: String,
        than taken: Set<ByteKey>,
        _ report: inout Report
    ) {
        let others = names.filter { name in
            !Self.isPutAside(name) && !Self.isRepaired(name)
                && !taken.contains(ByteKey(Path.resolve(name, in: directory)))
        }
        for name in others.sorted(by: { ByteKey($0) < ByteKey($1) }).prefix(Self.mostOthers) {
            report.complain(
                .warning,
                "no pattern of \"include\" matches, so it is skipped",
                hint: Self.remedy(for: name),
                file: Path.resolve(name, in: directory)
            )
        }
    }

    private static func remedy(for name: String) -> String {
        if name.endsWithBytes(of: ".yaml") { return "add it to \"include\", or remove it" }
        if name.endsWithBytes(of: ".yml") { return "rename it to \(name.dropLast(4)).yaml" }
        return "rename it, so that it ends with .yaml, or remove it"
    }

    /// Whether something stands in a name for bytes that are no character.
    private static func isRepaired(_ name: String) -> Bool { name.unicodeScalars.contains { $0 == "\u{FFFD}" } }

    /// What editors, packages and people put behind the name of a file that is not to be read.
    private static let asides = [
        "~", ".example", ".sample", ".disabled", ".off", ".bak", ".old", ".orig", ".save", ".swp", ".tmp", ".dist",
        ".dpkg-old", ".dpkg-new", ".dpkg-dist", ".dpkg-tmp", ".ucf-old", ".ucf-dist", ".rpmsave", ".rpmnew", ".rpmorig",
    ]

    private static func isPutAside(_ name: String) -> Bool {
        let name = name.asciiLowercased
        return name.startsWithBytes(of: ".") || name.startsWithBytes(of: "readme")
            || asides.contains(where: name.endsWithBytes)
    }
}

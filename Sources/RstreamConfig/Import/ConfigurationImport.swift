// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamDaemonModel
internal import RstreamModel
internal import YAML

/// Turns a configuration file of another program into a tunnel file, as text: `rstreamd import`.
///
/// Only the file is read, and nothing is written. What comes out is a tunnel file without a mistake: an entry that the
/// daemon would refuse is left out, with a comment that says why. No secret comes out.
package struct ConfigurationImport: Sendable {
    /// The tunnel file; nil when the file cannot be read.
    package let output: String?
    /// What to say beside it, for standard error: mistakes with their places, or how much came out.
    package let messages: String
    /// 0; 1 when nothing could be converted; 77 or 78 for an error (contract §2).
    package let exitStatus: Int32

    /// More entries than a file of any program has.
    private static let mostEntries = 10_000

    /// Converts the file at `path`, of `program` if that is given, and else of the program that its keys tell.
    package init(_ path: String, from program: ImportedProgram? = nil, files: any FileAccess = FileSystem()) {
        var report = Report()
        guard let source = ImportedSource(path, files, &report),
            let kind = source.kind(of: program, &report)
        else {
            self.init(refusedFor: report, path)
            return
        }
        var file = kind.file(source.root)
        guard file.contexts.count + file.tunnels.count + file.listeners.count <= Self.mostEntries else {
            report.error("more than \(Self.mostEntries) entries", file: path)
            self.init(refusedFor: report, path)
            return
        }
        // What is left out is known only then.
        let text = file.checkedText(from: path)
        self.init(output: text, messages: Self.summary(of: file, path), exitStatus: file.count == 0 ? 1 : 0)
    }

    private init(output: String?, messages: String, exitStatus: Int32) {
        (self.output, self.messages, self.exitStatus) = (output, messages, exitStatus)
    }

    private init(refusedFor report: Report, _ path: String) {
        let error = ConfigurationError(
            kind: report.isNotPermitted ? .notPermitted : .invalid,
            diagnostics: report.sorted(files: [path])
        )
        self.init(output: nil, messages: error.description, exitStatus: error.exitStatus)
    }

    private static func summary(of file: ImportedFile, _ path: String) -> String {
        guard file.count > 0 else { return "\(path): nothing could be converted; the comments say why".printable }
        let parts = [("context", file.contexts), ("tunnel", file.tunnels), ("listener", file.listeners)].compactMap {
            noun,
            entries -> String? in
            let count = entries.count { $0.body != nil }
            return count == 0 ? nil : "\(count) \(noun)\(count == 1 ? "" : "s")"
        }
        let left = (file.contexts + file.tunnels + file.listeners).count - file.count
        let tail = left == 0 ? "" : ", \(left) left out"
        return
            "\(path) (\(file.program)): \(parts.joined(separator: ", "))\(tail); comments say what has no counterpart"
            .printable
    }
}

extension ImportedFile {
    /// The text, without the entries that are mistakes to the daemon.
    fileprivate mutating func checkedText(from path: String) -> String {
        while true {
            let text = TunnelFileText(self, from: path)
            var isChanged = false
            for (place, mistake) in text.mistakes() where isCertain(place) {
                leaveOut(place, mistake)
                isChanged = true
            }
            // Each round leaves out at least one, so this ends.
            if !isChanged { return text.text }
        }
    }

    /// Whether a mistake in an entry is one wherever the file is used: variables and contexts of other files are not
    /// known here.
    private func isCertain(_ place: TunnelFileText.Place) -> Bool {
        guard let body = self[keyPath: place.list][place.index].body else { return false }
        return body["external"] == nil && !(keepsVariables && body.hasVariable)
    }

    private mutating func leaveOut(_ place: TunnelFileText.Place, _ mistake: String) {
        let entry = self[keyPath: place.list][place.index]
        let noun = place.list == \ImportedFile.contexts ? "context" : place.list == \.tunnels ? "tunnel" : "listener"
        let name = place.list == \.contexts ? entry.name : entry.body?["name"]?.scalar ?? ""
        var remarks = Remarks(of: program)
        let label = "\(noun) \(name.shortened.quotedJSON)"
        let start = "\(label): "
        let reason = mistake.startsWithBytes(of: start) ? mistake.utf8.dropFirst(start.utf8.count) : mistake.utf8[...]
        remarks.add(label, nil, "left out: \(Substring(reason))")
        self[keyPath: place.list][place.index] = Entry(name: entry.name, remarks: remarks)
    }
}

extension Tree.Table {
    /// Whether a variable may stand in it.
    fileprivate var hasVariable: Bool { pairs.contains { $0.key.contains(byte: "$") || $0.value.hasVariable } }
}

extension Tree {
    fileprivate var hasVariable: Bool {
        switch content {
        case .text(let text), .word(let text): text.contains(byte: "$")
        case .list(let items): items.contains(where: \.hasVariable)
        case .table(let table): table.hasVariable
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Linux
import RstreamModel
import YAML

/// A tunnel that a user opens by hand: an entry of a tunnel file without a file.
///
/// The entry is written as the tunnel file that it could be, and that is read like any other: by the same rules, with
/// the same diagnostics, whose places are those in ``text``.
package struct TunnelByHand: Sendable {
    /// What diagnostics and marks have in place of a file.
    package static let place = "by hand"

    /// The tunnel file that has this entry and no other.
    package let text: String
    /// The tunnel's name.
    package var name: String { draft.name.text }
    private let draft: TunnelDraft
    /// The warnings about the entry itself.
    private let warnings: [Diagnostic]

    /// Reads an entry with the rights of `user`, or with all rights for nil. A user has those of an owner of tunnel
    /// files: Unix sockets of their own only. Variables mean nothing in it.
    package init(_ entry: Tree.Table, user: UInt32?) throws(ConfigurationError) {
        try self.init(text: TunnelFile([entry]).text, user: user)
    }

    /// Reads the ``text`` of one again.
    package init(text: String, user: UInt32?) throws(ConfigurationError) {
        self.text = text
        let step = PathStep(.file, path: "", owner: user ?? 0, group: 0, mode: 0o600)
        let contents = FileContents(bytes: Array(text.utf8), file: step)
        var file = SourceFile(path: Self.place, text: text, of: contents, owner: user, isByHand: true)
        var report = Report()
        var draft: TunnelDraft?
        do throws(SyntaxError) {
            let document = try Document(parsing: text)
            if let root = document.root { file.hideSecrets(of: root, and: document.problems.compactMap(\.dropped)) }
            for problem in document.problems {
                report.error(Wording(problem.message, redacted: problem.message), at: problem.span, in: file)
            }
            if let node = document.root.flatMap(Self.entry) {
                let contexts = ContextReader(file: file, environment: [:])
                draft = TunnelReader(file: file, contexts: contexts, isIncluded: false).read(node, index: 0, &report)
            }
        } catch {
            file.hideSecretsByLine()
            let span = Span(start: error.mark, end: error.mark)
            report.error(Wording(error.message, redacted: error.message), at: span, in: file)
        }
        try Self.check(report)
        guard let draft else {
            report.error("this is no entry of a tunnel file", file: Self.place)
            throw Self.failure(report)
        }
        self.draft = draft
        warnings = report.sorted(files: [Self.place])
    }

    /// The definition of the tunnel beside those of `configuration`, whose contexts it may name.
    package func definition(
        in configuration: DaemonConfiguration,
        of owner: TunnelDefinition.ByHand
    ) throws(ConfigurationError) -> TunnelDefinition {
        try resolved(in: configuration, of: owner).definition
    }

    /// The same, with the warnings about it.
    package func resolved(
        in configuration: DaemonConfiguration,
        of owner: TunnelDefinition.ByHand
    ) throws(ConfigurationError) -> (definition: TunnelDefinition, warnings: [Diagnostic]) {
        var report = Report()
        if let other = configuration.tunnels.first(where: { $0.name == name }) {
            report.error(
                "duplicate tunnel name \"\(name.shortened)\"",
                hint: other.byHand == nil ? "first defined at \(other.mark)" : "that one is open by hand, too",
                at: draft.name.span,
                in: draft.name.file
            )
        }
        if case .fallback = draft.context, configuration.fallback == nil {
            report.error(
                "\(draft.name.label): fallback context is not configured",
                hint: configuration.contexts.isEmpty
                    ? "add a context with your engine to \"contexts\" in rstreamd.yaml, name it in \"context\", and reload"
                    : "name a context, or set \"context\" in rstreamd.yaml for all",
                at: draft.name.span,
                in: draft.name.file
            )
        }
        var resolver = Resolver(configuration)
        var tunnel = resolver.resolve([draft], disposition: configuration.reload, &report).first
        try Self.check(report)
        tunnel?.byHand = owner
        guard let tunnel else {
            report.error("the context of the tunnel cannot be used", file: Self.place)
            throw Self.failure(report)
        }
        return (tunnel, warnings + report.sorted(files: [Self.place]))
    }

    private static func check(_ report: Report) throws(ConfigurationError) {
        if report.errorCount > 0 { throw failure(report) }
    }

    private static func failure(_ report: Report) -> ConfigurationError {
        ConfigurationError(kind: .invalid, diagnostics: report.sorted(files: [place]))
    }

    /// The only entry of the file.
    private static func entry(of root: Node) -> Node? {
        guard case .mapping(let pairs) = root.content,
            case .sequence(let items)? = pairs.last?.value.content,
            items.count == 1
        else { return nil }
        return items.first
    }
}

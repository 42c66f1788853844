import RstreamModel
import YAML

/// Puts the files together: names are unique over all of them, and every tunnel gets the context it names.
struct Resolver {
    /// Contexts that can be used, by name.
    private var definitions: [String: ContextDefinition] = [:]
    /// Names that are taken, also by contexts that were complained about.
    private var names: [String: SourceMark] = [:]
    private let fallback: Located<String>?

    init(
        contexts: [FileDraft.Context],
        fallback: Located<String>?,
        daemonFile: SourceFile,
        _ report: inout Report
    ) {
        for context in contexts {
            if let first = names[context.name] {
                report.error(
                    "duplicate context name \"\(context.name.shortened)\"",
                    hint: "first defined at \(first)",
                    at: context.nameSpan,
                    in: context.file
                )
            } else {
                names[context.name] = context.file.mark(context.nameSpan.start)
                definitions[context.name] = context.definition
            }
        }
        self.fallback = fallback
        if let fallback, names[fallback.value] == nil {
            report.error(
                "context \"\(fallback.value.shortened)\" not found",
                hint: Self.hint(for: fallback.value, among: names),
                at: fallback.span,
                in: daemonFile
            )
        }
    }

    /// Every context that can be used, sorted by name.
    var contexts: [ContextDefinition] { definitions.sorted { $0.key < $1.key }.map(\.value) }

    /// The tunnels with their contexts. A tunnel that lacks something was complained about and is left out.
    func resolve(_ drafts: [TunnelDraft], _ report: inout Report) -> [TunnelDefinition] {
        var first: [String: SourceMark] = [:]
        return drafts.compactMap { draft in
            if let other = first[draft.name] {
                report.error(
                    "duplicate tunnel name \"\(draft.name.shortened)\"",
                    hint: "first defined at \(other)",
                    at: draft.nameSpan,
                    in: draft.file
                )
            } else {
                first[draft.name] = draft.file.mark(draft.nameSpan.start)
            }
            let context = context(of: draft, &report)
            guard let context, let upstream = draft.upstream, let spec = draft.spec else { return nil }
            return TunnelDefinition(
                name: draft.name,
                upstream: upstream,
                connectTimeout: draft.connectTimeout,
                isEnabled: draft.isEnabled,
                spec: spec,
                context: context,
                mark: draft.mark
            )
        }
    }

    private func context(of draft: TunnelDraft, _ report: inout Report) -> ContextDefinition? {
        switch draft.context {
        case .broken: return nil
        case .inline(let context): return context
        case .named(let name, let span):
            if names[name] == nil {
                report.error(
                    "tunnel \"\(draft.name.shortened)\": context \"\(name.shortened)\" not found",
                    hint: Self.hint(for: name, among: names),
                    at: span,
                    in: draft.file
                )
            }
            return definitions[name]
        case .fallback:
            guard let fallback else {
                report.error(
                    "tunnel \"\(draft.name.shortened)\": fallback context is not configured",
                    hint: "set \"context\" on the tunnel, or in rstreamd.yaml for all",
                    at: draft.nameSpan,
                    in: draft.file
                )
                return nil
            }
            return definitions[fallback.value]
        }
    }

    private static func hint(for name: String, among names: [String: SourceMark]) -> String {
        names.isEmpty ? "no contexts are defined" : NearestWord.hint(for: name, among: names.keys.sorted())
    }
}

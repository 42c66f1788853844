// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel
import YAML

/// Puts the files together: names are unique over all of them, and every tunnel and listener gets the context it names.
struct Resolver {
    /// Contexts that can be used, by name.
    private var definitions: [String: ContextDefinition] = [:]
    /// Names that are taken, also by contexts that were complained about.
    private var names = EntryNames()
    /// Those that a name which is none of them is compared with.
    private let candidates: [String]
    private let fallback: Located<String>?
    private let clients: ClientContexts?
    /// What the client configuration gives to entries that name no context; found out once, as it is the same for all.
    private var clientFallback: ContextDefinition?

    /// `clients` is needed where a context is external, or where an entry names none and there is no `fallback`.
    init(
        contexts: [FileDraft.Context],
        fallback: Located<String>?,
        clients: ClientContexts?,
        daemonFile: SourceFile,
        _ report: inout Report
    ) {
        self.fallback = fallback
        self.clients = clients
        for context in contexts where names.take(context.name, &report) {
            switch context.content {
            case .defined(let definition): definitions[context.name.text] = definition
            case .external(let reference):
                definitions[context.name.text] = clients?.context(reference, of: context.name, &report)
            case .broken: break
            }
        }
        candidates = names.candidates
        if let fallback, !names.contains(fallback.value) {
            report.error(
                "context \"\(fallback.value.shortened)\" not found",
                hint: hint(for: fallback.value),
                at: fallback.span,
                in: daemonFile
            )
        }
    }

    /// Resolves entries against the contexts of a configuration that is loaded already.
    init(_ configuration: DaemonConfiguration) {
        definitions = Dictionary(configuration.contexts.map { ($0.name, $0) }) { first, _ in first }
        names = EntryNames(configuration.contexts)
        candidates = names.candidates
        clientFallback = configuration.fallback
        (fallback, clients) = (nil, nil)
    }

    /// The context of entries that name none, as far as it is known.
    var fallbackDefinition: ContextDefinition? { fallback.map { definitions[$0.value] } ?? clientFallback }

    /// Every context that can be used, sorted by name.
    var contexts: [ContextDefinition] { definitions.sorted { ByteKey($0.key) < ByteKey($1.key) }.map(\.value) }

    /// The tunnels with their contexts. A tunnel that lacks something was complained about and is left out.
    /// `disposition` is that of the streams of tunnels that say nothing about it.
    mutating func resolve(
        _ drafts: [TunnelDraft],
        disposition: StreamDisposition,
        _ report: inout Report
    ) -> [TunnelDefinition] {
        var names = EntryNames()
        return drafts.compactMap { draft in
            names.take(draft.name, &report)
            let context = context(draft.context, of: draft.name, &report)
            guard let context, let targets = draft.targets, let spec = draft.spec else { return nil }
            return TunnelDefinition(
                name: draft.name.text,
                targets: targets,
                options: draft.options,
                streamLimit: draft.streamLimit,
                disposition: draft.disposition ?? disposition,
                isInspected: draft.isInspected,
                isEnabled: draft.isEnabled,
                spec: spec,
                context: context,
                mark: draft.mark
            )
        }
    }

    /// The listeners with their contexts. `taken` says where the daemon listens already.
    mutating func resolve(
        _ drafts: [ListenerDraft],
        taken: TakenAddresses,
        _ report: inout Report
    ) -> [ListenerDefinition] {
        var names = EntryNames()
        var taken = taken
        return drafts.compactMap { draft in
            names.take(draft.name, &report)
            if let listen = draft.listen {
                let owner: Wording = "first given at \(draft.name.file.mark(listen.span.start))"
                if let first = taken.take(listen.value, for: owner) {
                    report.error(
                        "\(draft.name.label): \(listen.value.description.shortened) is taken",
                        hint: first,
                        at: listen.span,
                        in: draft.name.file
                    )
                }
            }
            let context = context(draft.context, of: draft.name, &report)
            guard let context, let listen = draft.listen, let target = draft.target else { return nil }
            return ListenerDefinition(
                name: draft.name.text,
                listen: listen.value,
                target: target,
                options: draft.options,
                context: context,
                mark: draft.mark
            )
        }
    }

    private mutating func context(
        _ reference: ContextReference,
        of entry: EntryName,
        _ report: inout Report
    ) -> ContextDefinition? {
        switch reference {
        case .broken: return nil
        case .inline(let context): return context
        case .named(let name, let span):
            if !names.contains(name) {
                report.error(
                    "\(entry.label): context \"\(name.shortened)\" not found",
                    hint: hint(for: name),
                    at: span,
                    in: entry.file
                )
            }
            return definitions[name]
        case .fallback:
            guard let fallback else { return clientFallback(for: entry, &report) }
            return definitions[fallback.value]
        }
    }

    private mutating func clientFallback(for entry: EntryName, _ report: inout Report) -> ContextDefinition? {
        if var definition = clientFallback {
            definition.mark = entry.file.mark(entry.span.start)
            return definition
        }
        // Where there is none, every entry that wants it is complained about.
        guard let definition = clients?.fallback(for: entry, &report) else { return nil }
        clientFallback = definition
        return definition
    }

    private func hint(for name: String) -> Wording {
        candidates.isEmpty ? "no contexts are defined" : NearestWord.hint(for: name, among: candidates)
    }
}

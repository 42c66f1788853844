// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel
import YAML

/// Reads entries of `tunnels` (RUN.md §2, contract §3.3).
struct TunnelReader {
    let file: SourceFile
    let contexts: ContextReader
    /// Whether the official tool may read the file as well: what it takes is no error there, however useless it is.
    let isIncluded: Bool

    private static let misplaced: [String: String] = {
        var places: [String: String] = [:]
        for mapping in ["tunnel", "upstream"] {
            for key in ConfigurationKey.words(at: "tunnels.\(mapping)") where places[key] == nil {
                places[key] = mapping
            }
        }
        for key in ["weight", "backup"] { places[key] = "upstreams" }
        return places
    }()

    /// What other programs' files, and those of the official operator, have in the place of ours.
    private static let meant: [String: Wording] = {
        var hints: [String: Wording] = [
            "port": "the local one is \"forward\"; that of a published tcp tunnel is \"port\" in \"tunnel\"",
            "hostname": "it is \"host\" in \"tunnel\"",
            "tcpPort": "it is \"port\" in \"tunnel\", with protocol: tcp",
        ]
        for key in ["addr", "address", "target", "url", "service", "localPort", "local_port"] {
            hints[key] = "where streams go is \"forward\""
        }
        return hints
    }()

    /// Reads the entry with this index.
    func read(_ node: Node, index: Int, _ report: inout Report) -> TunnelDraft? {
        let place: Wording = "tunnels[\(shown: index)]"
        guard
            let section = Section(
                node,
                named: place,
                at: "tunnels",
                misplaced: Self.misplaced,
                meant: Self.meant,
                in: file,
                &report
            )
        else { return nil }
        let name = section.name(of: place, &report)
        let tunnel = name.map { EntryName.label(.tunnel, $0.value) } ?? place
        let upstreams = UpstreamReader(file: file, isIncluded: isIncluded, place: place, tunnel: tunnel)
        let targets = upstreams.targets(section, &report)
        let options = upstreams.options(section, &report)
        let isEnabled = section.boolean("enabled", &report) ?? true
        let limits = section.section("limits", &report)
        let streamLimit = limits?.integer("streams", &report) ?? 0
        let reload = section.section("reload", &report)
        let disposition: StreamDisposition? = reload?.choice("changed", named: "reload.changed", &report)
        let isInspected = section.boolean("inspect", &report) ?? false
        let context = contexts.reference(section, &report)
        var spec: TunnelSpec?
        if let node = section.node("tunnel") {
            var reader = SpecReader(file: file, tunnel: tunnel)
            spec = reader.read(node, name: name?.value ?? "", &report)
        } else {
            report.error(
                "\(place).tunnel is required",
                hint: "it may be {}",
                at: section.keySpan(section.has("tunnel") ? "tunnel" : "name"),
                in: file
            )
        }
        if isInspected, let spec { checkInspection(of: spec, tunnel, section, &report) }
        guard let name else { return nil }
        return TunnelDraft(
            name: EntryName(kind: .tunnel, text: name.value, span: name.span, entry: section.span, file: file),
            targets: targets,
            options: options,
            streamLimit: streamLimit,
            disposition: disposition,
            isInspected: isInspected,
            isEnabled: isEnabled,
            spec: spec,
            context: context,
            mark: file.mark(section.span.start)
        )
    }

    /// Requests can be seen only where they pass as HTTP/1.1, and not encrypted.
    private func checkInspection(of spec: TunnelSpec, _ tunnel: Wording, _ section: Section, _ report: inout Report) {
        let problem: Wording
        var hint: Wording?
        if spec.protocol != .http {
            problem = "inspect requires protocol \"http\""
        } else if let version = spec.http.version, version != .http11 {
            problem = "inspect requires http.version \"http/1.1\""
        } else if spec.upstreamTLS == true {
            problem = "inspect sees nothing with upstreamTLS, which encrypts at the engine"
            hint = "let the daemon speak TLS to the service: \"tls\" in \"upstream\""
        } else {
            return
        }
        report.error("\(tunnel): \(problem)", hint: hint, at: section.keySpan("inspect"), in: file)
    }
}

/// A tunnel as its own entry says it; the contexts of other files are not known yet.
struct TunnelDraft {
    let name: EntryName
    /// Where its streams go; nil where that is wrong.
    let targets: [UpstreamTarget]?
    let options: UpstreamOptions
    let streamLimit: Int
    /// Nil for the daemon's own.
    let disposition: StreamDisposition?
    let isInspected: Bool
    let isEnabled: Bool
    let spec: TunnelSpec?
    let context: ContextReference
    let mark: SourceMark
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Linux
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
            for key in ConfigurationKey.words(at: "tunnels.\(mapping)") { places[key] = mapping }
        }
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
        let upstream = upstream(section, place, tunnel, &report)
        let options = options(section, upstream, &report)
        let isEnabled = section.boolean("enabled", &report) ?? true
        let limits = section.section("limits", &report)
        let streamLimit = limits?.integer("streams", &report) ?? 0
        let reload = section.section("reload", &report)
        let disposition: StreamDisposition? = reload?.choice("changed", named: "reload.changed", &report)
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
        guard let name else { return nil }
        return TunnelDraft(
            name: EntryName(kind: .tunnel, text: name.value, span: name.span, entry: section.span, file: file),
            upstream: upstream,
            options: options,
            streamLimit: streamLimit,
            disposition: disposition,
            isEnabled: isEnabled,
            spec: spec,
            context: context,
            mark: file.mark(section.span.start)
        )
    }

    private func upstream(
        _ section: Section,
        _ place: Wording,
        _ tunnel: Wording,
        _ report: inout Report
    ) -> UpstreamAddress? {
        let hint: Wording = "expected a port, host:port, [ipv6]:port, unix:/path or unix:@name"
        guard let text = section.required("forward", of: place, hint: hint, &report) else { return nil }
        do throws(UpstreamAddress.Malformed) {
            let upstream = try UpstreamAddress(text.value)
            if let flaw = ForwardProblem(text.value, upstream) {
                report.complain(
                    isIncluded ? .warning : .error,
                    "\(tunnel): \(flaw.message)",
                    hint: file.lookAlike(at: text.span) ?? flaw.hint,
                    at: text.span,
                    in: file
                )
            }
            return upstream
        } catch {
            report.error(
                "\(tunnel): invalid forward target \"\(text.value.shortened)\"",
                hint: file.lookAlike(at: text.span) ?? Self.bracketed(text.value) ?? hint,
                at: text.span,
                in: file
            )
            return nil
        }
    }

    /// What was meant by an IPv6 address and a port that nothing keeps apart.
    private static func bracketed(_ text: String) -> Wording? {
        guard let colon = text.lastIndex(ofByte: ":"), case .v6? = IPAddress(text[..<colon]) else { return nil }
        return Wording(
            "did you mean \"[\(text[..<colon])]\(String(text[colon...]).shortened)\"?",
            redacted: "expected [ipv6]:port"
        )
    }

    /// What the name of a port stands for now; streams do not look it up.
    private static func servicePort(_ address: UpstreamAddress) -> Int? {
        guard case .tcp(_, let service) = address, !service.isDigits else { return nil }
        return Services.port(of: service)
    }

    /// The words of `proxyProtocol`.
    enum ProxyProtocol: String, CaseIterable {
        case none
        case v1
        case v2
    }

    private func options(_ section: Section, _ address: UpstreamAddress?, _ report: inout Report) -> UpstreamOptions {
        var options = UpstreamOptions()
        options.socketOwner = file.owner
        options.servicePort = address.flatMap(Self.servicePort)
        guard let upstream = section.section("upstream", &report) else { return options }
        if let timeout = upstream.duration("connectTimeout", &report) {
            options.connectTimeout = timeout
        }
        if let timeout = upstream.duration("holdTimeout", &report) { options.holdTimeout = timeout }
        if let version: ProxyProtocol = upstream.choice("proxyProtocol", &report) {
            options.proxyProtocol = ProxyProtocolVersion(rawValue: version.rawValue)
        }
        if let timeout = upstream.duration("idleTimeout", &report), timeout > .zero {
            options.idleTimeout = timeout
        }
        return options
    }
}

/// A tunnel as its own entry says it; the contexts of other files are not known yet.
struct TunnelDraft {
    let name: EntryName
    let upstream: UpstreamAddress?
    let options: UpstreamOptions
    let streamLimit: Int
    /// Nil for the daemon's own.
    let disposition: StreamDisposition?
    let isEnabled: Bool
    let spec: TunnelSpec?
    let context: ContextReference
    let mark: SourceMark
}

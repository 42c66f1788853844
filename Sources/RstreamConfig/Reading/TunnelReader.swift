import RstreamModel
import YAML

/// Reads entries of `tunnels` (RUN.md §2, contract §3.3).
struct TunnelReader {
    let file: SourceFile
    let contexts: ContextReader

    private static let keys = ["name", "forward", "context", "enabled", "upstream", "limits", "reload", "tunnel"]
    private static let misplaced: [String: String] = {
        var places = Dictionary(SpecReader.keys.map { ($0, "tunnel") }, uniquingKeysWith: { first, _ in first })
        for key in ["connectTimeout", "holdTimeout", "proxyProtocol", "idleTimeout"] { places[key] = "upstream" }
        return places
    }()

    /// Reads the entry with this index.
    func read(_ node: Node, index: Int, _ report: inout Report) -> TunnelDraft? {
        let place = "tunnels[\(index)]"
        guard let section = Section(node, named: place, keys: Self.keys, misplaced: Self.misplaced, in: file, &report)
        else { return nil }
        let name = name(section, place, &report)
        let tunnel = name.map { "tunnel \"\($0.value.shortened)\"" } ?? place
        let upstream = upstream(section, place, tunnel, &report)
        let connectTimeout = connectTimeout(section, &report)
        let isEnabled = section.boolean("enabled", &report) ?? true
        if let limits = section.section("limits", keys: ["streams"], &report),
            let streams = limits.integer("streams", in: 0...Int(Int32.max), &report), streams != 0
        {
            limits.refuse("streams", hint: "limits.streams in rstreamd.yaml is for all tunnels", &report)
        }
        section.refuse("reload", &report)
        let context = context(section, &report)
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
            name: name.value,
            file: file,
            nameSpan: name.span,
            upstream: upstream,
            connectTimeout: connectTimeout,
            isEnabled: isEnabled,
            spec: spec,
            context: context,
            mark: file.mark(section.span.start)
        )
    }

    private func name(_ section: Section, _ place: String, _ report: inout Report) -> Located<String>? {
        guard section.node("name") != nil else {
            report.error("\(place).name is required", at: section.keySpan("name"), in: file)
            return nil
        }
        guard let text = section.text("name", &report) else { return nil }
        guard !text.value.isEmpty else {
            report.error("\(place).name is required", at: text.span, in: file)
            return nil
        }
        return text
    }

    private func upstream(
        _ section: Section,
        _ place: String,
        _ tunnel: String,
        _ report: inout Report
    ) -> UpstreamAddress? {
        let hint = "expected a port, host:port, [ipv6]:port, unix:/path or unix:@name"
        guard section.node("forward") != nil else {
            let key = section.has("forward") ? "forward" : "name"
            report.error("\(place).forward is required", hint: hint, at: section.keySpan(key), in: file)
            return nil
        }
        guard let text = section.text("forward", &report) else { return nil }
        do throws(UpstreamAddress.Malformed) {
            return try UpstreamAddress(text.value)
        } catch {
            switch error {
            case .blank: report.error("\(place).forward is required", hint: hint, at: text.span, in: file)
            case .invalid(let found):
                report.error(
                    "\(tunnel): invalid forward target \"\(found.shortened)\"",
                    hint: hint,
                    at: text.span,
                    in: file
                )
            }
            return nil
        }
    }

    private enum ProxyProtocol: String, CaseIterable {
        case none
        case v1
        case v2
    }

    private func connectTimeout(_ section: Section, _ report: inout Report) -> Duration {
        let keys = ["connectTimeout", "holdTimeout", "proxyProtocol", "idleTimeout"]
        let usual = TunnelDefinition.defaultConnectTimeout
        guard let upstream = section.section("upstream", keys: keys, &report) else { return usual }
        for key in ["holdTimeout", "idleTimeout"] {
            if let duration = upstream.duration(key, mayBeZero: true, &report), duration != .zero {
                upstream.refuse(key, hint: "remove the key, or set it to 0s", &report)
            }
        }
        if let version: ProxyProtocol = upstream.choice("proxyProtocol", &report), version != .none {
            upstream.refuse("proxyProtocol", hint: "remove the key, or set it to none", &report)
        }
        return upstream.duration("connectTimeout", mayBeZero: false, &report) ?? usual
    }

    private func context(_ section: Section, _ report: inout Report) -> TunnelDraft.Context {
        guard let node = section.node("context") else { return .fallback }
        switch node.content {
        case .scalar:
            guard let text = section.text("context", &report) else { return .broken }
            // As absent: a blank text counts as not set.
            return text.value.isEmpty ? .fallback : .named(text.value, text.span)
        case .mapping: return contexts.inline(node, &report).map { .inline($0) } ?? .broken
        case .sequence:
            report.error("context must be a string or object", at: node.headSpan, in: file)
            return .broken
        }
    }
}

/// A tunnel as its own entry says it; the contexts of other files are not known yet.
struct TunnelDraft {
    /// What stands under `context`.
    enum Context {
        case fallback
        case named(String, Span)
        case inline(ContextDefinition)
        /// Something that was complained about.
        case broken
    }

    let name: String
    let file: SourceFile
    let nameSpan: Span
    let upstream: UpstreamAddress?
    let connectTimeout: Duration
    let isEnabled: Bool
    let spec: TunnelSpec?
    let context: Context
    let mark: SourceMark
}

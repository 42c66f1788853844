// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import ClientConfiguration
import RstreamDaemonModel
import RstreamModel
import YAML

/// Reads `transport`: how connections to an engine are made. The rules are ``TransportFields``'s; this is strict about
/// keys and kinds of values, and says where a mistake stands.
struct TransportReader {
    let file: SourceFile
    let environment: [String: String]

    private static let proxyKeys = ConfigurationKey.words(at: "contexts.transport.proxy")
    private static let tlsKeys = ConfigurationKey.words(at: "contexts.transport.tls")
    private static let misplacedInProxy = Dictionary(uniqueKeysWithValues: tlsKeys.map { ($0, "tls") })
    private static let misplaced: [String: String] = {
        var places = misplacedInProxy
        for key in ["override", "dnssec"] { places[key] = "dns" }
        for key in ["interface", "address"] { places[key] = "bind" }
        for key in proxyKeys where key != "tls" { places[key] = "proxy" }
        let prewarmKeys = ConfigurationKey.words(at: "contexts.transport.prewarm")
        for key in prewarmKeys where key != "mode" { places[key] = "prewarm" }
        return places
    }()

    func read(_ context: Section, _ report: inout Report) -> TransportOptions {
        guard
            let section = context.section("transport", misplaced: Self.misplaced, &report)
        else { return TransportOptions() }
        let written = written(section, &report)
        var mistakes: [SettingMistake] = []
        var options = written.fields.options(environment: environment, mistakes: &mistakes)
        options.prewarm = prewarm(section, &report)
        for mistake in mistakes where !written.isNoise(mistake) { complain(mistake, written, section, &report) }
        warnOfUnused(written, &report)
        warnOfUnchecked(options, written, &report)
        warnOfExceptions(options, written, &report)
        return options
    }

    /// Reads `prewarm`, which is the daemon's own; nil when it asks for what the daemon does anyway.
    private func prewarm(_ transport: Section, _ report: inout Report) -> TransportOptions.Prewarm? {
        guard let section = transport.section("prewarm", &report) else { return nil }
        let usual = TransportOptions.Prewarm()
        let prewarm = TransportOptions.Prewarm(
            mode: section.choice("mode", named: "prewarm.mode", &report) ?? usual.mode,
            maximum: section.integer("maximum", &report) ?? usual.maximum,
            maxAge: section.duration("maxAge", &report) ?? usual.maxAge
        )
        return prewarm == usual ? nil : prewarm
    }

    /// Warns of invalid entries: a proxy that is used in spite of such an entry would give no hint of the mistake.
    private func warnOfExceptions(_ options: TransportOptions, _ written: Written, _ report: inout Report) {
        guard case .environment(let environment)? = options.proxy?.route,
            let pair = written.pairs["proxy.fromEnvironment"]
        else { return }
        for entry in environment.unreadableExceptions.prefix(8) {
            report.warning(
                "NO_PROXY has the invalid entry \(entry.shortened)",
                hint: "expected host, .domain, *.domain, an address, address/length or *",
                at: pair.value.span,
                in: file
            )
        }
    }

    /// What is for a laboratory, and easily forgotten there.
    private func warnOfUnchecked(_ options: TransportOptions, _ written: Written, _ report: inout Report) {
        func warn(_ peer: String, _ key: String, isUnchecked: Bool) {
            guard isUnchecked, let pair = written.pairs["\(key).insecureSkipVerify"] else { return }
            let hint: Wording = "remove it, and name the \(shown: peer)'s authority in \(shown: key).caFile"
            report.warning("the \(shown: peer)'s certificate is not checked", hint: hint, at: pair.value.span, in: file)
        }
        warn("engine", "tls", isUnchecked: options.tls.insecureSkipVerify)
        warn("proxy", "proxy.tls", isUnchecked: options.proxy?.tls.insecureSkipVerify == true)
    }

    private func complain(
        _ mistake: SettingMistake,
        _ written: Written,
        _ section: Section,
        _ report: inout Report
    ) {
        let pair = written.pairs[mistake.key]
        let keySpan = pair?.keySpan ?? section.span
        report.error(
            Wording(
                mistake.code.isUnsupported ? "\(mistake.what) (\(mistake.code))" : mistake.what,
                redacted: "a setting of transport is wrong"
            ),
            hint: Self.hint(for: mistake),
            at: mistake.subject == .key ? keySpan : pair?.value.span ?? keySpan,
            in: file
        )
    }

    private static func hint(for mistake: SettingMistake) -> Wording? {
        switch mistake.subject {
        case .key, .value: mistake.fix.map { Wording($0, redacted: $0) }
        case .word(let word, let words): NearestWord.hint(for: word, among: words)
        }
    }

    /// What a person wrote and nothing makes use of; most likely something else is missing.
    private func warnOfUnused(_ written: Written, _ report: inout Report) {
        func warn(_ key: String, _ what: Wording, hint: Wording? = nil) {
            guard let pair = written.pairs[key], !pair.value.isNull else { return }
            report.warning("\"\(pair.key)\" has no effect \(what)", hint: hint, at: pair.keySpan, in: file)
        }
        let fields = written.fields
        if !written.spoilt.contains("bind") {
            switch fields.bind.mode?.shortened.asciiLowercased ?? "" {
            case "interface":
                if fields.bind.address?.isEmpty == false { warn("bind.address", "without \"mode: address\"") }
            case "", "address":
                if fields.bind.interface?.isEmpty == false { warn("bind.interface", "without \"mode: interface\"") }
            default: break
            }
        }
        if fields.dns.serverName?.isEmpty == false, fields.dns.tls != true {
            warn("dns.serverName", "without \"tls: true\"")
        }
        guard !written.spoilt.contains("proxy") else { return }
        if fields.proxy.http?.isEmpty == false || fields.proxy.socks5?.isEmpty == false {
            if fields.proxy.fromEnvironment == true {
                warn("proxy.fromEnvironment", "beside a proxy", hint: "remove one of them")
            }
        } else if fields.proxy.fromEnvironment != true {
            for key in ["username", "password", "headers"] { warn("proxy.\(key)", "without a proxy") }
        }
    }
}

/// The fields of a section with their places.
private struct Written {
    var fields = TransportFields()
    /// What was written, by dotted names.
    var pairs: [String: Node.Pair] = [:]
    /// The parts in which something could not be read, so that its absence means nothing.
    var spoilt: Set<String> = []

    /// Whether a complaint is only about what goes together, where something of it was complained about already.
    func isNoise(_ mistake: SettingMistake) -> Bool {
        let isAlone = mistake.code.isUnsupported || mistake.key.startsWithBytes(of: "proxy.headers.")
        guard mistake.subject == .key, !isAlone else { return false }
        return spoilt.contains { mistake.key.startsWithBytes(of: "\($0).") }
    }

    mutating func add(_ section: Section, under prefix: String) {
        for (key, pair) in section.pairs { pairs[prefix + key] = pair }
    }
}

extension TransportReader {
    private func written(_ section: Section, _ report: inout Report) -> Written {
        var written = Written()
        written.add(section, under: "")
        written.fields.mode = section.text("mode", &report)?.value
        written.fields.useQUIC = section.boolean("useQuic", &report)
        written.fields.ipFamily = section.text("ipFamily", &report)?.value
        written.fields.multipath = section.boolean("mptcp", &report)
        written.fields.redirects = section.text("redirects", &report)?.value
        part("bind", of: section, &written, &report) { keys, fields, report in
            fields.bind.mode = keys.text("mode", &report)?.value
            fields.bind.interface = keys.text("interface", &report)?.value
            fields.bind.address = keys.text("address", &report)?.value
        }
        part("dns", of: section, &written, &report) { keys, fields, report in
            fields.dns.override = keys.text("override", &report)?.value
            fields.dns.tls = keys.boolean("tls", &report)
            fields.dns.serverName = keys.text("serverName", &report)?.value
            fields.dns.dnssec = keys.boolean("dnssec", &report)
        }
        part("tls", of: section, &written, &report) { keys, fields, report in
            fields.tls = tls(keys, &report)
        }
        var headers: [Node.Pair] = []
        var proxyTLS: Section?
        part(
            "proxy",
            of: section,
            misplaced: Self.misplacedInProxy,
            &written,
            &report
        ) { keys, fields, report in
            fields.proxy.http = keys.text("http", &report)?.value
            fields.proxy.socks5 = keys.text("socks5", &report)?.value
            fields.proxy.username = keys.text("username", &report)?.value
            fields.proxy.password = keys.secret("password", &report)
            fields.proxy.fromEnvironment = keys.boolean("fromEnvironment", &report)
            headers = self.headers(keys, &fields, &report)
            proxyTLS = keys.section("tls", &report)
            if let proxyTLS { fields.proxy.tls = tls(proxyTLS, &report) }
        }
        for pair in headers { written.pairs["proxy.headers.\(pair.key)"] = pair }
        if let proxyTLS { written.add(proxyTLS, under: "proxy.tls.") }
        return written
    }

    /// Reads a mapping inside of `transport`, and notes whether all of it could be read.
    private func part(
        _ name: String,
        of section: Section,
        misplaced: [String: String] = [:],
        _ written: inout Written,
        _ report: inout Report,
        read: (Section, inout TransportFields, inout Report) -> Void
    ) {
        let complaints = report.errorCount
        if let part = section.section(name, misplaced: misplaced, &report) {
            written.add(part, under: "\(name).")
            read(part, &written.fields, &report)
        }
        if report.errorCount > complaints { written.spoilt.insert(name) }
    }

    private func tls(_ section: Section, _ report: inout Report) -> TransportFields.TLS {
        var tls = TransportFields.TLS()
        if let path = section.text("caFile", &report)?.value, !path.isEmpty {
            tls.caFile = Path.resolve(path, in: Path.directory(of: file.path))
        }
        tls.serverName = section.text("serverName", &report)?.value
        tls.insecureSkipVerify = section.boolean("insecureSkipVerify", &report)
        return tls
    }

    /// More headers than a proxy is told.
    static let mostHeaders = 64

    private func headers(
        _ section: Section,
        _ fields: inout TransportFields,
        _ report: inout Report
    ) -> [Node.Pair] {
        guard let node = section.node("headers") else { return [] }
        guard case .mapping(let pairs) = node.content else {
            report.error("\"headers\" must be a mapping of keys", at: node.headSpan, in: file)
            return []
        }
        guard pairs.count <= Self.mostHeaders else {
            report.error(
                "\"headers\" has more than \(shown: Self.mostHeaders) keys",
                at: pairs[Self.mostHeaders].keySpan,
                in: file
            )
            return []
        }
        for pair in pairs {
            if let text = Section.text(pair.value, named: "header \"\(pair.key.shortened)\"", in: file, &report) {
                fields.proxy.headers[pair.key] = text.value
            }
        }
        return pairs
    }
}

extension RstreamError.Code {
    /// Whether something is right and not offered here, which people look up by its official name.
    var isUnsupported: Bool { self == .unsupportedConfig || self == .unsupportedTransport }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import YAML

/// Reads what the engine is asked for: the `tunnel` of an entry (RUN.md §2).
struct SpecReader {
    let file: SourceFile
    /// `tunnel "web"`, in front of complaints.
    let tunnel: Wording
    /// Where each property that was given stands.
    private var places: [TunnelSpec.Field: Span] = [:]

    private static let misplaced = [
        "version": "http", "auth": "http", "gate": "http", "tokenAuth": "http", "minVersion": "tls", "alpns": "tls",
        "ciphers": "tls", "mtls": "tls", "mode": "tls",
    ]

    /// What the official operator's files have, and what belongs beside `tunnel`.
    private static let meant: [String: Wording] = {
        var hints: [String: Wording] = [
            "hostname": "did you mean \"host\"? only a published tunnel has one",
            "tcpPort": "did you mean \"port\"? it is for protocol: tcp",
        ]
        for key in ["name", "forward", "context", "enabled", "upstream", "limits", "reload", "inspect"] {
            hints[key] = "\"\(shown: key)\" belongs beside \"tunnel\", not into it"
        }
        return hints
    }()

    init(file: SourceFile, tunnel: Wording) {
        self.file = file
        self.tunnel = tunnel
    }

    /// The specification, or nil where it is not one; then the report says why.
    mutating func read(_ node: Node, name: String, _ report: inout Report) -> TunnelSpec? {
        guard
            let section = Section(
                node,
                named: "\"tunnel\"",
                at: "tunnels.tunnel",
                misplaced: Self.misplaced,
                meant: Self.meant,
                in: file,
                &report
            )
        else { return nil }
        let complaints = report.errorCount
        var spec = TunnelSpec(name: name)
        spec.publish = boolean("publish", .publish, section, &report)
        spec.protocol = choice("protocol", .protocol, section, &report)
        spec.type = choice("type", .type, section, &report)
        spec.upstreamTLS = boolean("upstreamTLS", .upstreamTLS, section, &report)
        if let http = section.section("http", &report) { readHTTP(http, into: &spec, &report) }
        let isKindKnown = report.errorCount == complaints
        spec.hostname = hostname(section, &report)
        spec.port = section.integer("port", &report)
        places[.port] = section.keySpan("port")
        spec.allowCrossRegionRouting = section.boolean("allowCrossRegionRouting", &report)
        spec.datagramGuaranteedDelivery = boolean(
            "datagramGuaranteedDelivery",
            .datagramGuaranteedDelivery,
            section,
            &report
        )
        spec.trustedIPs = trustedIPs(section, &report)
        spec.geoip = countries(section, &report)
        spec.labels = labels(section, &report)
        if let tls = section.section("tls", &report) { readTLS(tls, into: &spec, &report) }
        // Where it is not even clear what kind of tunnel is wanted, rules about that would only guess.
        guard isKindKnown else { return nil }
        // A property that is wrong by itself is not there, and breaks no other rule.
        let isRight = check(spec, section, &report)
        return isRight && report.errorCount == complaints ? spec : nil
    }

    private func check(_ spec: TunnelSpec, _ section: Section, _ report: inout Report) -> Bool {
        var problems = spec.problems
        var hint: Wording?
        if problems.isEmpty, let unsupported = spec.unsupported {
            problems = [unsupported]
            hint =
                "this version opens http, tls, tcp and webtty tunnels (\(shown: RstreamError.Code.unsupportedTunnel))"
        }
        for problem in problems {
            report.error(
                // It says what the rule is, and at most what a word of an enumeration or a number was.
                "\(tunnel): \(Wording(problem.description, redacted: "a rule of tunnels is broken"))",
                hint: hint,
                at: places[problem.field] ?? section.span,
                in: file
            )
        }
        return problems.isEmpty
    }

    private mutating func readHTTP(_ http: Section, into spec: inout TunnelSpec, _ report: inout Report) {
        spec.http.version = choice("version", .httpVersion, http, &report)
        // The older place of the same setting; the engine is told under both names (RUN.md §2).
        spec.httpUseTLS = boolean("upstreamTLS", .httpUseTLS, http, &report)
        if spec.upstreamTLS == nil, let alias = spec.httpUseTLS {
            spec.upstreamTLS = alias
            places[.upstreamTLS] = places[.httpUseTLS]
        }
        if let auth = http.section("auth", &report) {
            spec.http.tokenAuth = boolean("token", .tokenAuth, auth, &report)
            spec.http.rstreamAuth = boolean("rstream", .rstreamAuth, auth, &report)
        }
        if let alias = http.boolean("tokenAuth", &report) {
            if let stated = spec.http.tokenAuth, stated != alias {
                report.error(
                    "\(tunnel): http.tokenAuth and http.auth.token disagree",
                    hint: "keep auth.token",
                    at: http.keySpan("tokenAuth"),
                    in: file
                )
            }
            spec.http.tokenAuth = alias
            places[.tokenAuth] = http.keySpan("tokenAuth")
        }
        if let gate = http.section("gate", &report) {
            spec.http.challenge = boolean("challenge", .challengeMode, gate, &report)
        }
    }

    private mutating func readTLS(_ tls: Section, into spec: inout TunnelSpec, _ report: inout Report) {
        spec.tls.mode = choice("mode", .tlsMode, tls, &report)
        spec.tls.minVersion = choice("minVersion", .tlsMinVersion, tls, &report)
        spec.tls.alpns = tls.texts("alpns", &report)?.map(\.value) ?? []
        places[.tlsALPNs] = tls.keySpan("alpns")
        spec.tls.ciphers = tls.texts("ciphers", &report)?.map(\.value) ?? []
        places[.tlsCiphers] = tls.keySpan("ciphers")
        spec.tls.mtls = boolean("mtls", .mtlsAuth, tls, &report)
    }

    private mutating func boolean(
        _ key: String,
        _ field: TunnelSpec.Field,
        _ section: Section,
        _ report: inout Report
    ) -> Bool? {
        let value = section.boolean(key, &report)
        if value != nil { places[field] = section.keySpan(key) }
        return value
    }

    private mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String,
        _ field: TunnelSpec.Field,
        _ section: Section,
        _ report: inout Report
    ) -> Choice? where Choice.RawValue == String {
        let value: Choice? = section.choice(key, &report)
        if value != nil { places[field] = section.keySpan(key) }
        return value
    }

    private mutating func hostname(_ section: Section, _ report: inout Report) -> String? {
        guard let text = section.text("host", &report) else { return nil }
        places[.hostname] = section.keySpan("host")
        guard !text.value.isEmpty else {
            report.error(
                "\(tunnel): the hostname is blank",
                hint: "remove the key to let the engine choose",
                at: text.span,
                in: file
            )
            return nil
        }
        guard Hostname.isValid(text.value) else {
            report.error(
                "\(tunnel): \"\(text.value.shortened)\" is not a host name",
                hint: file.lookAlike(at: text.span) ?? "expected labels of letters, digits and hyphens",
                at: text.span,
                in: file
            )
            return nil
        }
        return text.value
    }

    private mutating func trustedIPs(_ section: Section, _ report: inout Report) -> [String] {
        places[.trustedIPs] = section.keySpan("trustedIPs")
        let texts = section.texts("trustedIPs", &report) ?? []
        for text in texts where IPPrefix(text.value) == nil {
            let whole: Wording =
                switch IPAddress(text.value) {
                case .v4: "did you mean \"\(text.value)/32\"?"
                case .v6: "did you mean \"\(text.value)/128\"?"
                case nil: "expected an address and a length, like 192.0.2.0/24"
                }
            report.error(
                "\(tunnel): \"\(text.value.shortened)\" is not an address range",
                hint: whole,
                at: text.span,
                in: file
            )
        }
        return texts.map(\.value)
    }

    private mutating func countries(_ section: Section, _ report: inout Report) -> [String] {
        places[.geoip] = section.keySpan("geoip")
        return (section.texts("geoip", &report) ?? []).map { text in
            let code = text.value.asciiUppercased
            if code.utf8.count != 2 || !Country.codes.contains(code) {
                report.error(
                    "\(tunnel): \"\(text.value.shortened)\" is not a country code",
                    hint: "expected two letters of ISO 3166-1, like FR",
                    at: text.span,
                    in: file
                )
            }
            return code
        }
    }

    /// The labels of the file and those that tell the official tools who manages the tunnel (RUN.md §2.3).
    private func labels(_ section: Section, _ report: inout Report) -> [String: String] {
        var labels: [String: String] = [:]
        if let node = section.node("labels") {
            if case .mapping(let pairs) = node.content {
                if pairs.count > TunnelSpec.mostLabels {
                    report.error(
                        "\(tunnel): more than \(shown: TunnelSpec.mostLabels) labels",
                        at: pairs[TunnelSpec.mostLabels].keySpan,
                        in: file
                    )
                }
                for pair in pairs.prefix(TunnelSpec.mostLabels) {
                    guard pair.key.utf8.count <= TunnelSpec.longestLabelKey else {
                        report.error(
                            "\(tunnel): a label's key of more than \(shown: TunnelSpec.longestLabelKey) bytes",
                            at: pair.keySpan,
                            in: file
                        )
                        continue
                    }
                    guard labels[pair.key] == nil else {
                        report.error(
                            "\(tunnel): the label \"\(pair.key.shortened)\" differs from another only in its encoding",
                            at: pair.keySpan,
                            in: file
                        )
                        continue
                    }
                    labels[pair.key] = label(pair, &report)
                }
            } else {
                report.error(
                    "\"labels\" must be a mapping of keys",
                    hint: "write \"key: value\" lines",
                    at: node.headSpan,
                    in: file
                )
            }
        }
        labels["rstream.managed-by"] = "run"
        // A file of rstreamd-docker says where its tunnels come from.
        let isOfDocker = labels["rstream.source"]?.sameBytes(as: "docker") == true
        labels["rstream.source"] = isOfDocker ? "docker" : "apply"
        return labels
    }

    /// A label's text is the user's own: it may have lines, and nothing is trimmed.
    private func label(_ pair: Node.Pair, _ report: inout Report) -> String? {
        guard case .scalar(let scalar) = pair.value.content else {
            report.error("label \"\(pair.key.shortened)\" must be text", at: pair.value.headSpan, in: file)
            return nil
        }
        guard scalar.text.utf8.count <= TunnelSpec.longestLabelValue else {
            report.error(
                "label \"\(pair.key.shortened)\" has a value of more than \(shown: TunnelSpec.longestLabelValue) bytes",
                at: pair.value.headSpan,
                in: file
            )
            return nil
        }
        return scalar.isNull ? "" : scalar.text
    }
}

/// The countries of ISO 3166-1 by their two letters.
enum Country {
    /// All that are assigned, and `XK`, which every database of addresses uses for Kosovo.
    static let codes: Set<String> = Set(
        """
        AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
        CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO
        FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE
        JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO
        MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW
        PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM
        TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
        """
        .split { $0 == " " || $0 == "\n" }.map(String.init)
    )
}

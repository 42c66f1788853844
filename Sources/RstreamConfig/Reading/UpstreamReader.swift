// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Linux
import RstreamDaemonModel
import RstreamModel
import YAML

/// Reads where the streams of a tunnel go and how: `forward` or `upstreams`, and `upstream` (contract §3.3).
struct UpstreamReader {
    let file: SourceFile
    /// Whether the official tool may read the file as well.
    let isIncluded: Bool
    /// The entry of the tunnel, like `tunnels[0]`.
    let place: Wording
    /// `tunnel "web"`, in front of complaints.
    let tunnel: Wording

    private static let forms: Wording = "expected a port, host:port, [ipv6]:port, unix:/path or unix:@name"

    // MARK: Where

    /// The services of the tunnel, of which there is one at least; nil where something is wrong with them.
    func targets(_ section: Section, _ report: inout Report) -> [UpstreamTarget]? {
        guard section.node("upstreams") != nil else {
            return address(section, of: place, &report).map { [target($0.value)] }
        }
        if section.node("forward") != nil {
            report.error(
                "\(tunnel): forward and upstreams exclude each other",
                hint: "keep one of them",
                at: section.keySpan("upstreams"),
                in: file
            )
        }
        let complaints = report.errorCount
        let hint: Wording = "write \"- { forward: 127.0.0.1:8080 }\" lines"
        guard let items = section.items("upstreams", hint: hint, &report) else { return nil }
        guard (1...UpstreamTarget.most).contains(items.count) else {
            report.error(
                items.isEmpty
                    ? "\(tunnel): \"upstreams\" is empty"
                    : "\(tunnel): \"upstreams\" has more than \(shown: UpstreamTarget.most) entries",
                hint: items.isEmpty ? hint : nil,
                at: section.keySpan("upstreams"),
                in: file
            )
            return nil
        }
        var places: [UpstreamAddress: Span] = [:]
        let targets = items.enumerated().compactMap { index, node in
            entry(node, index: index, &places, &report)
        }
        guard report.errorCount == complaints else { return nil }
        if targets.allSatisfy(\.isBackup) {
            report.error(
                "\(tunnel): every upstream is a backup",
                hint: "at least one gets streams all the time",
                at: section.keySpan("upstreams"),
                in: file
            )
            return nil
        }
        return targets
    }

    /// An entry of `upstreams`. `places` are those of the addresses before it.
    private func entry(
        _ node: Node,
        index: Int,
        _ places: inout [UpstreamAddress: Span],
        _ report: inout Report
    ) -> UpstreamTarget? {
        let entry: Wording = "\(place).upstreams[\(shown: index)]"
        guard
            let section = Section(
                node,
                named: entry,
                at: "tunnels.upstreams",
                hint: "write \"- { forward: 127.0.0.1:8080 }\" lines",
                in: file,
                &report
            )
        else { return nil }
        let address = address(section, of: entry, &report)
        let weight = section.integer("weight", &report)
        let isBackup = section.boolean("backup", &report)
        guard let address else { return nil }
        if let first = places[address.value] {
            report.error(
                "\(tunnel): upstream \"\(address.value.description.shortened)\" is given twice",
                hint: "first given at \(file.mark(first.start)); \"weight\" is for more streams",
                at: address.span,
                in: file
            )
        }
        places[address.value] = places[address.value] ?? address.span
        return target(address.value, weight: weight ?? 1, isBackup: isBackup ?? false)
    }

    private func target(_ address: UpstreamAddress, weight: Int = 1, isBackup: Bool = false) -> UpstreamTarget {
        UpstreamTarget(address, weight: weight, isBackup: isBackup, servicePort: Self.servicePort(address))
    }

    /// What the name of a port stands for now; streams do not look it up.
    private static func servicePort(_ address: UpstreamAddress) -> Int? {
        guard case .tcp(_, let service) = address, !service.isDigits else { return nil }
        return Services.port(of: service)
    }

    /// The `forward` of an entry, be it of `tunnels` or of `upstreams`.
    private func address(
        _ section: Section,
        of entry: Wording,
        _ report: inout Report
    ) -> Located<UpstreamAddress>? {
        guard let text = section.required("forward", of: entry, hint: Self.forms, &report) else { return nil }
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
            return Located(value: upstream, span: text.span)
        } catch {
            report.error(
                "\(tunnel): invalid forward target \"\(text.value.shortened)\"",
                hint: file.lookAlike(at: text.span) ?? Self.bracketed(text.value) ?? Self.forms,
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

    // MARK: How

    /// The words of `proxyProtocol`.
    enum ProxyProtocol: String, CaseIterable {
        case none
        case v1
        case v2
    }

    /// The `upstream` of an entry.
    func options(_ section: Section, _ report: inout Report) -> UpstreamOptions {
        var options = UpstreamOptions()
        options.socketOwner = file.owner
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
        options.balance = upstream.choice("balance", &report) ?? options.balance
        options.health = health(upstream, &report)
        options.tls = tls(upstream, &report)
        return options
    }

    private func tls(_ upstream: Section, _ report: inout Report) -> UpstreamTLSOptions? {
        guard let section = upstream.section("tls", &report) else { return nil }
        let tls = TransportOptions.TLS(
            caFile: section.path("caFile", &report),
            serverName: section.filledText("serverName", &report)?.value,
            insecureSkipVerify: section.boolean("insecureSkipVerify", &report) ?? false
        )
        if tls.insecureSkipVerify {
            report.warning(
                "\(tunnel): the upstream's certificate is not checked",
                hint: "remove it, and name the service's authority in upstream.tls.caFile",
                at: section.valueSpan("insecureSkipVerify"),
                in: file
            )
        }
        let credential = clientCertificate(section, &report)
        // The daemon may read what the owner of the file may not, and would use it for that user.
        let named = ["caFile", "certificateFile", "keyFile", "keyUri", "keyPinFile"].filter {
            section.node($0) != nil
        }
        if file.owner != nil, let first = named.first {
            report.error(
                "\(tunnel): a file of this user may not name other files",
                hint: "let root own the tunnel file",
                at: section.keySpan(first),
                in: file
            )
        }
        return UpstreamTLSOptions(tls, credential: credential ?? .none)
    }

    /// The daemon's own certificate; nil for none, or where something is wrong with it.
    private func clientCertificate(_ section: Section, _ report: inout Report) -> ConfiguredCredential? {
        let key = ["keyFile", "keyUri", "keyPinFile"].first { section.node($0) != nil }
        let hasCertificate = section.node("certificateFile") != nil
        guard hasCertificate || key != nil else { return nil }
        guard hasCertificate, let key, !key.sameBytes(as: "keyPinFile") else {
            let missing = hasCertificate ? (key == nil ? "keyFile" : "keyUri") : "certificateFile"
            report.error(
                "\(tunnel): certificateFile and \(shown: key ?? "keyFile") belong together",
                hint: "add \"\(shown: missing)\"",
                at: section.keySpan(key ?? "certificateFile"),
                in: file
            )
            return nil
        }
        return section.clientCertificate(&report)
    }

    private func health(_ upstream: Section, _ report: inout Report) -> UpstreamHealthOptions? {
        guard let section = upstream.section("health", example: "10s", &report) else { return nil }
        var health = UpstreamHealthOptions()
        health.interval = section.duration("interval", &report) ?? health.interval
        health.timeout = section.duration("timeout", &report) ?? health.timeout
        health.rise = section.integer("rise", &report) ?? health.rise
        health.fall = section.integer("fall", &report) ?? health.fall
        health.onUnhealthy = section.choice("onUnhealthy", &report) ?? health.onUnhealthy
        let isTCP = section.boolean("tcp", &report) ?? false
        if let http = section.section("http", example: "/", &report) {
            health.check = .http(check(http, &report))
            if isTCP {
                report.error(
                    "\(tunnel): health.tcp and health.http exclude each other",
                    hint: "keep one of them",
                    at: section.keySpan("tcp"),
                    in: file
                )
            }
        }
        return health
    }

    private func check(_ section: Section, _ report: inout Report) -> UpstreamHealthOptions.HTTPCheck {
        var check = UpstreamHealthOptions.HTTPCheck()
        if let path = section.filledText("path", &report) {
            if path.value.startsWithBytes(of: "/"), path.value.isVisibleASCII {
                check.path = path.value
            } else {
                report.error(
                    "\"path\" is not the path of a URL",
                    hint: "it starts with \"/\" and has no blanks",
                    at: path.span,
                    in: file
                )
            }
        }
        if let host = section.filledText("host", &report) {
            if host.value.isVisibleASCII {
                check.host = host.value
            } else {
                report.error("\"host\" is not a host", hint: "expected a name without blanks", at: host.span, in: file)
            }
        }
        if let status = section.filledText("status", &report) {
            if let statuses = Self.statuses(status.value) {
                check.statuses = statuses
            } else {
                report.error(
                    "\"status\" is not a status of HTTP",
                    hint: "expected a number from 100 to 599, or a range like 200-399",
                    at: status.span,
                    in: file
                )
            }
        }
        return check
    }

    /// Reads `200` or `200-399`.
    private static func statuses(_ text: String) -> ClosedRange<Int>? {
        let parts = text.split(byte: "-", omittingEmpty: false).map { $0.trimmed }
        guard (1...2).contains(parts.count), parts.allSatisfy({ $0.utf8.count == 3 && $0.isDigits }),
            let first = parts.first.flatMap({ Int($0) }), let last = parts.last.flatMap({ Int($0) }), first <= last,
            UpstreamHealthOptions.statusRange.contains(first), UpstreamHealthOptions.statusRange.contains(last)
        else { return nil }
        return first...last
    }
}

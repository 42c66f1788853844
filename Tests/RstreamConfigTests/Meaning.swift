// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamConfig
import RstreamDaemonModel
import RstreamModel

extension DaemonConfiguration {
    /// What a configuration says, as text to compare: of the daemon's own settings those that are not the default.
    var meaning: String {
        var lines = zip(settings, DaemonConfiguration().settings).filter { $0.value != $1.value }
            .map { setting, _ in "\(setting.name) \(setting.value)" }
        for context in contexts where context.name != "fallback" { lines += context.meaning }
        for tunnel in tunnels { lines += tunnel.meaning }
        for listener in listeners {
            lines.append("listener \(listener.name)")
            lines.append("  listen \(listener.listen)")
            lines.append("  dial \(listener.target)")
            lines.append("  context \(listener.context.name)")
            lines += listener.options.meaning
        }
        return lines.map { $0 + "\n" }.joined()
    }

    private var settings: [(name: String, value: String)] {
        [
            ("clientConfig", clientConfig ?? ""), ("watch", "\(watch)"), ("reload.changed", "\(reload)"),
            ("admin.socket", admin.socket), ("admin.group", admin.group), ("admin.mode", String(admin.mode, radix: 8)),
            ("admin.readGroup", admin.readGroup ?? ""),
            ("metrics.listen", metrics?.description ?? ""), ("page.listen", page.listen?.description ?? ""),
            ("page.hosts", page.hosts.joined(separator: " ")), ("log.level", "\(log.level)"),
            ("log.format", "\(log.format)"), ("log.streams", "\(log.streams)"), ("drain.timeout", "\(drain.timeout)"),
            ("upgrade.drain", "\(upgrade.drain)"),
            ("reconnect.minimum", "\(reconnect.minimum)"), ("reconnect.maximum", "\(reconnect.maximum)"),
            ("reconnect.rejected", "\(reconnect.rejected)"), ("canary.interval", canary.interval.map { "\($0)" } ?? ""),
            ("limits.streams", "\(limits.streams)"),
            ("limits.pendingStreams", "\(limits.pendingStreams)"),
            ("limits.openingStreams", "\(limits.openingStreams)"),
            ("limits.unixUpstreams", limits.unixUpstreams.joined(separator: " ")),
            ("debug.coreDumps", "\(debug.coreDumps)"),
        ]
    }
}

extension ContextDefinition {
    fileprivate var meaning: [String] {
        let place =
            switch engine {
            case .address(let address): "\(address)"
            case .project(let project):
                "of project \(project.endpoint)\(project.region.map { " in \($0)" } ?? "") at \(project.apiURL)"
            }
        return ["context \(name)", "  engine \(place)", "  credential \(credential)"] + transport.meaning
    }
}

extension TransportOptions {
    fileprivate var meaning: [String] {
        var lines: [String] = []
        switch bind {
        case .address(let address): lines.append("  bind address \(address)")
        case .interface(let name): lines.append("  bind interface \(name)")
        case nil: break
        }
        if let ipFamily { lines.append("  ipFamily \(ipFamily)") }
        if multipath { lines.append("  mptcp") }
        if let dns { lines.append("  dns \(dns.server)\(dns.tlsServerName.map { " over TLS to \($0)" } ?? "")") }
        if redirects != .public { lines.append("  redirects \(redirects)") }
        if let prewarm {
            lines.append("  prewarm \(prewarm.mode), \(prewarm.maximum) at most, for \(prewarm.maxAge)")
        }
        lines += tls.meaning(of: "tls")
        return lines + (proxy?.meaning ?? [])
    }
}

extension TransportOptions.TLS {
    fileprivate func meaning(of key: String) -> [String] {
        guard self != Self() else { return [] }
        let words = [caFile.map { "caFile \($0)" }, serverName.map { "serverName \($0)" }].compactMap(\.self)
        return ["  \(key) \((words + (insecureSkipVerify ? ["insecureSkipVerify"] : [])).joined(separator: " "))"]
    }
}

extension Proxy {
    fileprivate var meaning: [String] {
        var lines: [String] = []
        switch route {
        case .http(let address): lines.append("  proxy http \(address)")
        case .https(let address): lines.append("  proxy https \(address)")
        case .socks5(let address): lines.append("  proxy socks5 \(address)")
        case .environment(let environment):
            let proxy = environment.proxy.map { "\($0.scheme) \($0.address)" }
            lines.append("  proxy of the environment: \(proxy ?? "none")")
        }
        if let credentials {
            lines.append("  proxy user \(credentials.username), password \(credentials.password.reveal().count) long")
        }
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
            lines.append("  proxy header \(name): \(value)")
        }
        return lines + tls.meaning(of: "proxy tls")
    }
}

extension ListenerOptions {
    fileprivate var meaning: [String] {
        let usual = ListenerOptions()
        var lines: [String] = []
        if dialTimeout != usual.dialTimeout { lines.append("  dialTimeout \(dialTimeout)") }
        if streamLimit > 0 { lines.append("  streams \(streamLimit)") }
        if rights.mode != usual.rights.mode { lines.append("  mode \(String(rights.mode, radix: 8))") }
        if let group = rights.group { lines.append("  group \(group)") }
        return lines
    }
}

extension TunnelDefinition {
    fileprivate var meaning: [String] {
        let usual = UpstreamOptions()
        var lines = ["tunnel \(name)"] + targets.map(\.meaning) + ["  context \(context.name)"]
        if !isEnabled { lines.append("  disabled") }
        if options.connectTimeout != usual.connectTimeout { lines.append("  connectTimeout \(options.connectTimeout)") }
        if options.holdTimeout != usual.holdTimeout { lines.append("  holdTimeout \(options.holdTimeout)") }
        if let version = options.proxyProtocol { lines.append("  proxyProtocol \(version)") }
        if let timeout = options.idleTimeout { lines.append("  idleTimeout \(timeout)") }
        if options.balance != usual.balance { lines.append("  balance \(options.balance)") }
        lines += options.health?.meaning ?? []
        if let tls = options.tls {
            let key = tls.keyFile ?? tls.hardwareKey.map { $0.uri + ($0.pinFile.map { " and \($0)" } ?? "") }
            lines.append("  upstream tls\(tls.certificateFile.map { " as \($0) with \(key ?? "")" } ?? "")")
            lines += tls.tls.meaning(of: "of the upstream")
        }
        if streamLimit > 0 { lines.append("  streams \(streamLimit)") }
        if disposition != .drain { lines.append("  changed \(disposition)") }
        if isInspected { lines.append("  inspected") }
        return lines + spec.properties.meaning
    }
}

extension UpstreamTarget {
    fileprivate var meaning: String {
        "  forward \(address)" + (weight == 1 ? "" : ", weight \(weight)") + (isBackup ? ", backup" : "")
    }
}

extension UpstreamHealthOptions {
    fileprivate var meaning: [String] {
        let check =
            switch check {
            case .tcp: "tcp"
            case .http(let check): "http \(check.path) of \(check.host), \(check.statuses)"
            }
        return [
            "  health every \(interval) within \(timeout), rise \(rise), fall \(fall), \(onUnhealthy)",
            "  check \(check)",
        ]
    }
}

extension TunnelProperties {
    /// What is sent to the engine, in the order of the wire's numbers.
    fileprivate var meaning: [String] {
        Mirror(reflecting: self).children.compactMap { child in
            // What is compared by its bytes stands in a wrapper.
            let wrapped = Mirror(reflecting: child.value).children.first { $0.label == "wrappedValue" }
            guard let label = child.label, let value = Self.text(wrapped?.value ?? child.value) else { return nil }
            let name = wrapped == nil ? label : String(label.dropFirst())
            return name == "name" ? nil : "  \(name) \(value)"
        }
    }

    private static func text(_ value: Any) -> String? {
        if let labels = value as? [String: String] {
            let pairs = labels.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.debugDescription)" }
            return pairs.isEmpty ? nil : pairs.joined(separator: ", ")
        }
        if let list = value as? [String] { return list.isEmpty ? nil : list.joined(separator: ", ") }
        let mirror = Mirror(reflecting: value)
        guard mirror.displayStyle == .optional else { return "\(value)" }
        return mirror.children.first.map { "\($0.value)" }
    }
}

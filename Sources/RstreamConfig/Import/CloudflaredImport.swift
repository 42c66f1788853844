// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel

/// Configurations of cloudflared: each rule of `ingress` that is for one host and all of its paths becomes a tunnel. A
/// file without rules may have one service, `url`.
struct CloudflaredImport {
    /// The file's own `originRequest`, which holds for rules that do not say otherwise.
    private let defaults: Tree.Table

    static func file(_ root: Tree.Table) -> ImportedFile {
        var (root, file) = (root, ImportedFile(of: .cloudflared))
        var rules = root.take("ingress")?.items ?? []
        if rules.isEmpty, let url = root.take("url") {
            var rule = Tree.Table()
            rule.set("hostname", to: root.take("hostname"))
            rule.set("service", to: url)
            rules = [Tree(.table(rule))]
        }
        let defaults = root.take("originRequest")?.table ?? Tree.Table()
        remark(on: root, &file.remarks)
        let conversion = CloudflaredImport(defaults: defaults)
        var hosts: Set<ByteKey> = []
        for (index, rule) in rules.enumerated() {
            let host = rule.table?["hostname"]?.scalar
            file.add(rule, "ingress", index, named: host, to: \.tunnels) { file, table, remarks throws(LeftOut) in
                let tunnel = try conversion.tunnel(of: &table, &hosts, &remarks)
                let name = file.name(.tunnel, host ?? "", else: "cloudflared-\(index + 1)", &remarks)
                return [tunnel.table(name: name)]
            }
        }
        return file
    }

    private static func remark(on root: Tree.Table, _ remarks: inout Remarks) {
        var root = root
        let reason = "the engine has credentials of its own, such as a token in \"tokenFile\" of a context"
        for key in ["tunnel", "credentials-file", "origincert", "token"] {
            if let value = root.take(key) { remarks.add(key, value, reason) }
        }
        remarks.add(leftIn: root)
    }

    private func tunnel(
        of rule: inout Tree.Table,
        _ hosts: inout Set<ByteKey>,
        _ remarks: inout Remarks
    ) throws(LeftOut) -> ImportedTunnel {
        guard let service = rule.takeText("service") else { throw LeftOut(reason: "it has no service") }
        let host = rule.takeText("hostname") ?? ""
        if service.startsWithBytes(of: "http_status:") {
            throw LeftOut(reason: "the engine answers for names that no tunnel has")
        }
        guard let address = ServiceAddress(service) else {
            throw LeftOut(reason: "the service \(Self.shown(service)) has no counterpart")
        }
        if let path = rule.takeText("path"), !path.sameBytes(as: "/") {
            throw LeftOut(reason: "a tunnel takes all paths of its host, and this rule only some")
        }
        guard !host.contains(byte: "*") else { throw LeftOut(reason: "a tunnel has one host, and no pattern") }
        guard host.isEmpty || hosts.insert(ByteKey(host.asciiLowercased)).inserted else {
            throw LeftOut(reason: "an earlier rule takes everything for its host")
        }
        var tunnel = ImportedTunnel(forward: address.forward)
        switch address.scheme {
        case "http", "https":
            tunnel.spec.set("publish", to: .word(true))
            tunnel.spec.set("protocol", to: .text("http"))
            if address.scheme.sameBytes(as: "https") { tunnel.spec.set("upstreamTLS", to: .word(true)) }
            if !host.isEmpty { tunnel.spec.set("host", to: .text(host)) }
        case "tcp", "ssh", "rdp", "smb":
            tunnel.spec.set("publish", to: .word(false))
            remarks.add("service", nil, "a private tunnel: a listener takes the place of cloudflared access")
        default: throw LeftOut(reason: "the service \(Self.shown(service)) has no counterpart")
        }
        if address.hasPath { remarks.add("service", nil, ServiceAddress.pathRemark) }
        origin(&rule, &tunnel, &remarks)
        return tunnel
    }

    /// The scheme of a service, or the word that it is.
    private static func shown(_ service: String) -> String {
        let end = service.firstIndex(ofByte: ":") ?? service.endIndex
        return service[..<end].shortened.quotedJSON
    }

    /// How the service is spoken to, with what holds for all rules.
    private func origin(_ rule: inout Tree.Table, _ tunnel: inout ImportedTunnel, _ remarks: inout Remarks) {
        var origin = rule.take("originRequest")?.table ?? Tree.Table()
        for pair in defaults.pairs where origin[pair.key] == nil { origin.set(pair.key, to: pair.value) }
        if let text = origin["connectTimeout"]?.scalar, let timeout = Duration(configured: text),
            timeout > .zero, timeout <= .longestConfigured
        {
            _ = origin.take("connectTimeout")
            tunnel.upstream.set("connectTimeout", to: .text(timeout.configured))
        }
        if origin.takeBoolean("noTLSVerify") == true {
            remarks.add("originRequest.noTLSVerify", .word(true), "the engine speaks TLS to the service, and decides")
        }
        remarks.add(leftIn: origin, under: "originRequest.")
    }
}

extension Substring {
    fileprivate var shortened: String { String(self).shortened }
}

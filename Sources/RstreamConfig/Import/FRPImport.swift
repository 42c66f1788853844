// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel

/// Configurations of frp's client, frpc, since version 0.52: TOML, YAML or JSON with the same keys.
///
/// Each of `proxies` becomes a tunnel, with several domains one for each; each of `visitors` becomes a listener.
struct FRPImport {
    /// The proxies to start; nil for all.
    private let started: Set<ByteKey>?

    static func file(_ root: Tree.Table) -> ImportedFile {
        var (root, file) = (root, ImportedFile(of: .frp))
        let proxies = root.take("proxies")?.items ?? []
        let visitors = root.take("visitors")?.items ?? []
        let start = root.take("start")
        remark(on: root, start, &file.remarks)
        let conversion = FRPImport(started: start.map { Set($0.texts.map { ByteKey($0) }) })
        for (index, proxy) in proxies.enumerated() {
            file.add(proxy, "proxies", index, to: \.tunnels) { file, table, remarks throws(LeftOut) in
                try conversion.tunnels(of: &table, index, &file, &remarks)
            }
        }
        for (index, visitor) in visitors.enumerated() {
            file.add(visitor, "visitors", index, to: \.listeners) { file, table, remarks throws(LeftOut) in
                [try conversion.listener(of: &table, index, &file, &remarks)]
            }
        }
        return file
    }

    private static let secretReason =
        "not copied: the engine has credentials of its own, such as a token in \"tokenFile\" of a context"

    /// What the client as a whole is told.
    private static func remark(on root: Tree.Table, _ start: Tree?, _ remarks: inout Remarks) {
        var root = root
        let address = "another server: the engine's address is \"engine\" of a context in rstreamd.yaml"
        for key in ["serverAddr", "serverPort"] {
            if let value = root.take(key) { remarks.add(key, value, address) }
        }
        if root.take("auth", "token") != nil { remarks.add("auth.token", nil, secretReason) }
        if let start { remarks.add("start", start, "the other tunnels have enabled: false") }
        if let user = root.take("user") { remarks.add("user", user, "is put in front of no name here") }
        if let includes = root.take("includes") { remarks.add("includes", includes, "import these files, too") }
        remarks.add(leftIn: root)
    }

    // MARK: Proxies

    private func tunnels(
        of proxy: inout Tree.Table,
        _ index: Int,
        _ file: inout ImportedFile,
        _ remarks: inout Remarks
    ) throws(LeftOut) -> [Tree.Table] {
        let type = proxy.takeWord("type") ?? "tcp"
        let name = proxy.takeText("name") ?? ""
        var (tunnel, plugin) = try service(of: &proxy)
        if let started { tunnel.isEnabled = started.contains(ByteKey(name)) }
        if proxy.takeBoolean("enabled") == false { tunnel.isEnabled = false }
        var hosts: [String] = []
        switch type {
        case "tcp":
            tunnel.spec.set("publish", to: .word(true))
            tunnel.spec.set("protocol", to: .text("tcp"))
            // Zero lets the server choose, and so does no port here.
            if let port = proxy.takeNumber("remotePort"), port != 0 { tunnel.spec.set("port", to: .word(port)) }
        case "http", "https":
            tunnel.spec.set("publish", to: .word(true))
            hosts = proxy.take("customDomains")?.texts ?? []
            if let subdomain = proxy.take("subdomain") {
                remarks.add("subdomain", subdomain, "the engine has other domains: write the whole name as tunnel.host")
            }
            let isPassedThrough = type.sameBytes(as: "https") && plugin == nil
            tunnel.spec.set("protocol", to: .text(isPassedThrough ? "tls" : "http"))
            if isPassedThrough { tunnel.spec.set("tls", "mode", to: .text("passthrough")) }
            if plugin?.endsWithBytes(of: "2https") == true { tunnel.spec.set("upstreamTLS", to: .word(true)) }
        case "stcp", "xtcp":
            tunnel.spec.set("publish", to: .word(false))
            if proxy.take("secretKey") != nil {
                remarks.add(
                    "secretKey",
                    nil,
                    "not copied: every client that the engine lets in may dial a private tunnel"
                )
            }
            if type.sameBytes(as: "xtcp") {
                remarks.add("type", .text(type), "streams go through the engine, not from client to client")
            }
        case "udp", "sudp": throw LeftOut(reason: "tunnels that carry datagrams (\(type)) are not supported")
        default: throw LeftOut(reason: "the type \(type.shortened.quotedJSON) has no counterpart")
        }
        proxyProtocol(&proxy, &tunnel)
        for key in ["httpUser", "httpPassword"] where proxy.take(key) != nil {
            remarks.add(key, nil, "not copied: the engine may ask visitors for a token, tunnel.http.auth.token")
        }
        return named(tunnel, name, index, hosts, &file, &remarks)
    }

    private func proxyProtocol(_ proxy: inout Tree.Table, _ tunnel: inout ImportedTunnel) {
        guard let version = proxy["transport", "proxyProtocolVersion"]?.scalar,
            ["v1", "v2"].contains(where: version.sameBytes)
        else { return }
        _ = proxy.take("transport", "proxyProtocolVersion")
        tunnel.upstream.set("proxyProtocol", to: .text(version))
    }

    /// One tunnel for each of the hosts, or one without a host.
    private func named(
        _ tunnel: ImportedTunnel,
        _ name: String,
        _ index: Int,
        _ hosts: [String],
        _ file: inout ImportedFile,
        _ remarks: inout Remarks
    ) -> [Tree.Table] {
        let fallback = "frp-\(index + 1)"
        guard !hosts.isEmpty else {
            return [tunnel.table(name: file.name(.tunnel, name, else: fallback, &remarks))]
        }
        if hosts.count > 1 {
            remarks.add("customDomains", nil, "a tunnel has one host, so there is a tunnel for each")
        }
        return hosts.enumerated().map { place, host in
            var tunnel = tunnel
            tunnel.spec.set("host", to: .text(host))
            let wanted = place == 0 || name.isEmpty ? name : "\(name)-\(place + 1)"
            return tunnel.table(name: file.name(.tunnel, wanted, else: fallback, &remarks))
        }
    }

    /// The service of a proxy, and the plugin that stands between, if it needs none here.
    private func service(of proxy: inout Tree.Table) throws(LeftOut) -> (ImportedTunnel, plugin: String?) {
        guard let plugin = proxy.takeWord("plugin", "type") else {
            let host = proxy.takeText("localIP") ?? "127.0.0.1"
            guard let port = proxy.takeNumber("localPort") else {
                throw LeftOut(reason: "localPort is missing, or is no number")
            }
            guard let forward = ServiceAddress.forward(host: host, port: port) else {
                throw LeftOut(reason: "localIP and localPort are no address")
            }
            return (ImportedTunnel(forward: forward), nil)
        }
        for key in ["localIP", "localPort"] { _ = proxy.take(key) }
        let key = plugin.sameBytes(as: "unix_domain_socket") ? "unixPath" : "localAddr"
        switch plugin {
        case "unix_domain_socket", "https2http", "https2https", "http2https", "http2http":
            guard let text = proxy.takeText("plugin", key),
                let address = ServiceAddress(plugin.sameBytes(as: "unix_domain_socket") ? "unix:\(text)" : text)
            else { throw LeftOut(reason: "plugin.\(key) is no address") }
            return (ImportedTunnel(forward: address.forward), plugin.sameBytes(as: "unix_domain_socket") ? nil : plugin)
        default: throw LeftOut(reason: "the plugin \(plugin.shortened.quotedJSON) has no counterpart")
        }
    }

    // MARK: Visitors

    private func listener(
        of visitor: inout Tree.Table,
        _ index: Int,
        _ file: inout ImportedFile,
        _ remarks: inout Remarks
    ) throws(LeftOut) -> Tree.Table {
        let type = visitor.takeWord("type") ?? ""
        guard ["stcp", "xtcp"].contains(where: type.sameBytes) else {
            throw LeftOut(reason: "the type \(type.shortened.quotedJSON) has no counterpart")
        }
        let name = visitor.takeText("name") ?? ""
        guard let target = visitor.takeText("serverName") else { throw LeftOut(reason: "it has no serverName") }
        let host = visitor.takeText("bindAddr") ?? "127.0.0.1"
        guard let port = visitor.takeNumber("bindPort"), let listen = ServiceAddress.forward(host: host, port: port)
        else { throw LeftOut(reason: "it does not listen: bindAddr and bindPort are no address") }
        if visitor.take("secretKey") != nil { remarks.add("secretKey", nil, Self.secretReason) }
        var listener = Tree.Table()
        listener.set("name", to: .text(file.name(.listener, name, else: "frp-visitor-\(index + 1)", &remarks)))
        listener.set("listen", to: .text(listen))
        listener.set("dial", to: .text(target))
        return listener
    }
}

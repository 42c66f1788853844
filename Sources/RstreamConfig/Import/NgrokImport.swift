// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel

/// Configurations of ngrok's agent, versions 1 to 3: `tunnels` by their names, and since version 3 `endpoints`.
struct NgrokImport {
    static func file(_ root: Tree.Table) -> ImportedFile {
        var (root, file) = (root, ImportedFile(of: .ngrok))
        let tunnels = root.take("tunnels")?.table?.pairs ?? []
        let endpoints = root.take("endpoints")?.items ?? []
        remark(on: root, &file.remarks)
        for (index, pair) in tunnels.enumerated() {
            file.add(pair.value, "tunnels", index, named: pair.key, to: \.tunnels) {
                file,
                table,
                remarks throws(LeftOut) in
                let tunnel = try tunnel(&table, &remarks)
                return [tunnel.table(name: file.name(.tunnel, pair.key, else: "ngrok-\(index + 1)", &remarks))]
            }
        }
        for (index, endpoint) in endpoints.enumerated() {
            file.add(endpoint, "endpoints", index, to: \.tunnels) { file, table, remarks throws(LeftOut) in
                let name = table.takeText("name") ?? ""
                let tunnel = try self.endpoint(&table, &remarks)
                return [tunnel.table(name: file.name(.tunnel, name, else: "ngrok-\(index + 1)", &remarks))]
            }
        }
        return file
    }

    /// What the agent as a whole is told, since version 3 under `agent`.
    private static func remark(on root: Tree.Table, _ remarks: inout Remarks) {
        var root = root
        // Of the file, not of the agent.
        _ = root.take("version")
        let reason = "not copied: the engine has credentials of its own, such as a token in \"tokenFile\" of a context"
        if root.take("authtoken") != nil { remarks.add("authtoken", nil, reason) }
        if root.take("agent", "authtoken") != nil { remarks.add("agent.authtoken", nil, reason) }
        remarks.add(leftIn: root)
    }

    private static let portReason = "an address of ngrok's: the engine chooses a port, or takes the one of tunnel.port"

    // MARK: Tunnels

    private static func tunnel(
        _ table: inout Tree.Table,
        _ remarks: inout Remarks
    ) throws(LeftOut) -> ImportedTunnel {
        guard table["labels"] == nil else {
            throw LeftOut(reason: "a tunnel with labels belongs to an Edge of ngrok's")
        }
        var (tunnel, address) = try service(table.takeText("addr"), "addr", &remarks)
        let word = table.takeWord("proto")?.asciiLowercased ?? "http"
        tunnel.spec.set("publish", to: .word(true))
        switch word {
        case "http", "https":
            tunnel.spec.set("protocol", to: .text("http"))
            if address.scheme.sameBytes(as: "https") { tunnel.spec.set("upstreamTLS", to: .word(true)) }
        case "tcp":
            tunnel.spec.set("protocol", to: .text("tcp"))
            if let remote = table.take("remote_addr") { remarks.add("remote_addr", remote, portReason) }
        case "tls":
            tunnel.spec.set("protocol", to: .text("tls"))
            let isEnded = table["crt"] != nil || table.takeText("terminate_at")?.sameBytes(as: "edge") == true
            tunnel.spec.set("tls", "mode", to: .text(isEnded ? "terminated" : "passthrough"))
            for key in ["crt", "key"] {
                if let file = table.take(key) {
                    remarks.add(key, file, "TLS ends at the engine, which has the certificate")
                }
            }
        default: throw LeftOut(reason: "the proto \(word.shortened.quotedJSON) has no counterpart")
        }
        if !word.sameBytes(as: "tcp") { host(&table, &tunnel, &remarks) }
        ranges(&table, &tunnel, &remarks)
        proxyProtocol(table.take("proxy_proto"), "proxy_proto", &tunnel, &remarks)
        if tunnel.spec["upstreamTLS"] == nil { version(table.take("app_protocol"), "app_protocol", &tunnel, &remarks) }
        for key in ["auth", "basic_auth", "oauth", "oidc"] where table.take(key) != nil {
            remarks.add(key, nil, "not copied: the engine may ask visitors for a login, tunnel.http.auth")
        }
        return tunnel
    }

    private static func host(_ table: inout Tree.Table, _ tunnel: inout ImportedTunnel, _ remarks: inout Remarks) {
        if let host = table.takeText("domain") ?? table.takeText("hostname") {
            tunnel.spec.set("host", to: .text(host))
        }
        if let subdomain = table.take("subdomain") {
            remarks.add("subdomain", subdomain, "the engine has other domains: write the whole name as tunnel.host")
        }
    }

    private static func ranges(_ table: inout Tree.Table, _ tunnel: inout ImportedTunnel, _ remarks: inout Remarks) {
        guard let ranges = table.take("ip_restriction", "allow_cidrs")?.texts, !ranges.isEmpty else { return }
        guard ranges.allSatisfy({ IPPrefix($0) != nil }) else {
            remarks.add(
                "ip_restriction.allow_cidrs",
                nil,
                "not all of them are address ranges, and none is in trustedIPs"
            )
            return
        }
        tunnel.spec.set("trustedIPs", to: Tree(.list(ranges.map { .text($0) })))
    }

    // MARK: Endpoints

    private static func endpoint(
        _ table: inout Tree.Table,
        _ remarks: inout Remarks
    ) throws(LeftOut) -> ImportedTunnel {
        // In the place of the mapping there may be its URL alone.
        let text = table.takeText("upstream", "url") ?? table.takeText("upstream")
        var (tunnel, address) = try service(text, "upstream.url", &remarks)
        let url = table.takeText("url") ?? ""
        let mark = url.firstRange(ofBytes: "://")
        let scheme = mark.map { url[..<$0.lowerBound].asciiLowercased.cut(toBytes: 64) } ?? "https"
        let name = endpointHost(mark.map { url[$0.upperBound...] } ?? url[...])
        let bindings = table["bindings"]?.texts ?? []
        let isPrivate = name.endsWithBytes(of: ".internal") || bindings.contains { $0.sameBytes(as: "internal") }
        if isPrivate {
            _ = table.take("bindings")
            remarks.add("url", .text(url), "a private tunnel, which a listener dials by its name")
        }
        // The engine takes no tcp tunnel that is private: its bytes need no protocol.
        tunnel.spec.set("publish", to: .word(!isPrivate))
        switch scheme {
        case "http", "https": tunnel.spec.set("protocol", to: .text("http"))
        case "tls":
            tunnel.spec.set("protocol", to: .text("tls"))
            let isEnded = table.take("agent_tls_termination") != nil
            tunnel.spec.set("tls", "mode", to: .text(isEnded ? "terminated" : "passthrough"))
            if isEnded {
                remarks.add("agent_tls_termination", nil, "TLS ends at the engine, which has the certificate")
            }
        case "tcp":
            if !isPrivate {
                tunnel.spec.set("protocol", to: .text("tcp"))
                if !name.isEmpty { remarks.add("url", .text(url), portReason) }
            }
        default: throw LeftOut(reason: "the scheme \(scheme.shortened.quotedJSON) has no counterpart")
        }
        let isHTTP = tunnel.spec["protocol"]?.scalar?.sameBytes(as: "http") == true
        if isHTTP, address.scheme.sameBytes(as: "https") { tunnel.spec.set("upstreamTLS", to: .word(true)) }
        if !isPrivate, !scheme.sameBytes(as: "tcp"), !name.isEmpty { tunnel.spec.set("host", to: .text(name)) }
        proxyProtocol(table.take("upstream", "proxy_protocol"), "upstream.proxy_protocol", &tunnel, &remarks)
        if isHTTP, tunnel.spec["upstreamTLS"] == nil {
            version(table.take("upstream", "protocol"), "upstream.protocol", &tunnel, &remarks)
        }
        return tunnel
    }

    /// The host of a URL without its scheme.
    private static func endpointHost(_ rest: Substring) -> String {
        let end = rest.utf8.firstIndex { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "/") } ?? rest.endIndex
        return String(rest[..<end])
    }

    // MARK: What both have

    private static func service(
        _ text: String?,
        _ key: String,
        _ remarks: inout Remarks
    ) throws(LeftOut) -> (ImportedTunnel, ServiceAddress) {
        guard let text else { throw LeftOut(reason: "it has no \(key)") }
        guard let address = ServiceAddress(text) else { throw LeftOut(reason: "its \(key) is no address of a service") }
        if address.hasPath { remarks.add(key, nil, ServiceAddress.pathRemark) }
        return (ImportedTunnel(forward: address.forward), address)
    }

    private static func proxyProtocol(
        _ value: Tree?,
        _ key: String,
        _ tunnel: inout ImportedTunnel,
        _ remarks: inout Remarks
    ) {
        switch value?.word {
        case nil, "": break
        case "1", "2": tunnel.upstream.set("proxyProtocol", to: .text("v\(value?.scalar ?? "")"))
        default: remarks.add(key, nil, "is no version of the PROXY protocol")
        }
    }

    /// The version of HTTP that the service is spoken to in.
    private static func version(
        _ value: Tree?,
        _ key: String,
        _ tunnel: inout ImportedTunnel,
        _ remarks: inout Remarks
    ) {
        switch value?.word {
        case nil, "http1": break
        case "http2": tunnel.spec.set("http", "version", to: .text("h2c"))
        default: remarks.add(key, value)
        }
    }
}

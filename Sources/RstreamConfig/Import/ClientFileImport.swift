// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel

/// The official tools' client configuration (CONFIG.md §3): its contexts, each with what the environment of the same
/// control plane adds. Where the file may stay as it is, `clientConfig` reads it unchanged.
struct ClientFileImport {
    private let environments: [Tree.Table]

    static func file(_ root: Tree.Table) -> ImportedFile {
        var (root, file) = (root, ImportedFile(of: .rstream))
        let contexts = root.take("contexts")?.items ?? []
        let environments = root.take("environments")?.items?.compactMap(\.table) ?? []
        _ = root.take("version")
        if let name = root.takeText("defaults", "context", "name") {
            let reason = "write \"context: NAME\" in rstreamd.yaml for tunnels that name none"
            file.remarks.add("defaults.context.name", .text(name), reason)
        }
        file.remarks.add(sentence: "clientConfig can name this file instead, for contexts with \"external: true\"")
        file.remarks.add(leftIn: root)
        let conversion = ClientFileImport(environments: environments)
        for (index, context) in contexts.enumerated() {
            var taken = ""
            file.add(context, "contexts", index, to: \.contexts) { file, table, remarks throws(LeftOut) in
                guard let name = table.takeText("name") else { throw LeftOut(reason: "it has no name") }
                let body = try conversion.context(name, &table, &remarks)
                taken = file.name(.context, name, else: "rstream-\(index + 1)", &remarks)
                return [body]
            }
            file.contexts[file.contexts.count - 1].name = taken
        }
        return file
    }

    private func context(
        _ name: String,
        _ table: inout Tree.Table,
        _ remarks: inout Remarks
    ) throws(LeftOut) -> Tree.Table {
        var body = Tree.Table()
        let apiURL = table.takeText("apiUrl")
        let region = table.takeText("region").flatMap { $0.asciiLowercased.sameBytes(as: "auto") ? nil : $0 }
        if region == nil, let engine = table.takeText("engine") {
            body.set("engine", to: .text(engine))
            if table.take("projectEndpoint") != nil {
                remarks.add("projectEndpoint", nil, "is not needed beside engine")
            }
        } else if let project = table.takeText("projectEndpoint") {
            if table.take("engine") != nil {
                remarks.add("engine", nil, "the control plane knows the one of the region")
            }
            body.set("projectEndpoint", to: .text(project))
            body.set("region", to: region.map(Tree.text))
            body.set("apiUrl", to: apiURL.map(Tree.text))
        } else {
            throw LeftOut(reason: "it has neither engine nor projectEndpoint")
        }
        let environment = apiURL.flatMap(environment)
        let auth = table.take("auth")?.table ?? environment?["auth"]?.table ?? Tree.Table()
        try credential(name, auth, &body, &remarks)
        var transport = environment?["transport"]?.table ?? Tree.Table()
        transport.add(table.take("transport")?.table ?? Tree.Table())
        self.transport(&transport, &body, &remarks)
        if environment?["headers"] != nil {
            remarks.add("headers", nil, "of the environment: headers for the control plane have no counterpart")
        }
        return body
    }

    /// The environment of a control plane.
    private func environment(_ apiURL: String) -> Tree.Table? {
        func normal(_ url: String) -> String { url.endsWithBytes(of: "/") ? String(url.dropLast()) : url }
        return environments.first { normal($0["apiUrl"]?.scalar ?? "").sameBytes(as: normal(apiURL)) }
    }

    private func credential(
        _ name: String,
        _ auth: Tree.Table,
        _ body: inout Tree.Table,
        _ remarks: inout Remarks
    ) throws(LeftOut) {
        if let mtls = auth["mtls"]?.table {
            guard mtls["storage"] == nil else {
                throw LeftOut(reason: "its certificate is not in files, and the daemon reads files only")
            }
            let isInline = mtls["certificateFile"] == nil
            for (key, kind) in [("certificate", "pem"), ("key", "key")] {
                let path = mtls["\(key)File"]?.scalar ?? SecretPath.of(name, kind)
                body.set("mtls", "\(key)File", to: .text(path))
                if !path.startsWithBytes(of: "/") {
                    remarks.add("auth.mtls.\(key)File", nil, "is a path from the folder of the tunnel file now")
                }
                if isInline {
                    remarks.add("auth.mtls.\(key)", nil, "not copied: put it into \(path.quotedJSON), mode 0600")
                }
            }
            return
        }
        let path = SecretPath.of(name, "token")
        body.set("tokenFile", to: .text(path))
        let reason = "put it into \(path.quotedJSON), mode 0600"
        switch (auth["token"], auth["token", "storage", "kind"]?.word) {
        case (nil, _): remarks.add("auth", nil, "there is no token: \(reason)")
        case (_?, nil), (_?, "inline"): remarks.add("auth.token", nil, "not copied: \(reason)")
        case (_?, _?): remarks.add("auth.token", nil, "is not in this file: \(reason)")
        }
    }

    /// Settings of `transport` that mean the same here.
    private static let sameSettings = [
        ["ipFamily"], ["mptcp"], ["bind", "mode"], ["bind", "interface"], ["bind", "address"], ["dns", "override"],
        ["dns", "tls"], ["dns", "serverName"], ["tls", "caFile"], ["tls", "serverName"], ["tls", "insecureSkipVerify"],
        ["proxy", "http"], ["proxy", "socks5"], ["proxy", "fromEnvironment"], ["proxy", "tls", "caFile"],
        ["proxy", "tls", "serverName"], ["proxy", "tls", "insecureSkipVerify"],
    ]

    private func transport(_ transport: inout Tree.Table, _ body: inout Tree.Table, _ remarks: inout Remarks) {
        for key in ["http", "socks5"] where transport["proxy", key]?.scalar?.contains(byte: "@") == true {
            _ = transport.take("proxy", key)
            remarks.add("transport.proxy.\(key)", nil, "not copied: the URL may have a password in it")
        }
        for path in Self.sameSettings {
            if let value = transport.take(path[...]) { body.set((["transport"] + path)[...], to: value) }
        }
        let isQUIC = transport["mode"]?.scalar.map { $0.asciiLowercased.sameBytes(as: "quic") } ?? false
        if isQUIC || transport["useQuic"]?.boolean == true {
            remarks.add("transport", nil, "QUIC is not supported, the engine is reached by TLS")
        }
        for key in ["mode", "useQuic"] { _ = transport.take(key) }
        remarks.add(leftIn: transport, under: "transport.")
    }
}

extension Tree.Table {
    /// Puts the values of another table over those of this one, table by table.
    fileprivate mutating func add(_ other: Self) {
        for pair in other.pairs {
            if var inner = self[pair.key]?.table, let table = pair.value.table {
                inner.add(table)
                set(pair.key, to: Tree(.table(inner)))
            } else {
                set(pair.key, to: pair.value)
            }
        }
    }
}

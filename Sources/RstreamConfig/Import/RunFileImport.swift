// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel

/// Files of `rstream run --apply`, which are tunnel files already. What is gained: secrets are out of the file, and what
/// this daemon does not do is found.
struct RunFileImport {
    static func file(_ root: Tree.Table) -> ImportedFile {
        var (root, file) = (root, ImportedFile(of: .rstream))
        file.keepsVariables = true
        let contexts = root.take("contexts")?.table?.pairs ?? []
        let tunnels = root.take("tunnels")?.items ?? []
        let listeners = root.take("listeners")?.items ?? []
        if let version = root.take("version"), version.number != 1 {
            file.remarks.add("version", version, "only version 1 is known")
        }
        file.remarks.add(leftIn: root)
        for pair in contexts {
            var remarks = Remarks(of: .rstream)
            var body = pair.value.table
            if body == nil { remarks.add("contexts.\(pair.key.shortened)", nil, "left out: it has no keys") }
            body?.hideSecrets(ofContext: pair.key, under: "", &remarks)
            file.contexts.append(ImportedFile.Entry(name: pair.key, body: body, remarks: remarks))
        }
        for (index, tunnel) in tunnels.enumerated() {
            file.add(tunnel, "tunnels", index, to: \.tunnels) { _, table, remarks throws(LeftOut) in
                defer { table = Tree.Table() }
                if var context = table["context"]?.table {
                    let name = table["name"]?.scalar ?? "tunnel-\(index + 1)"
                    context.hideSecrets(ofContext: name, under: "context.", &remarks)
                    table.set("context", to: Tree(.table(context)))
                }
                table.takeSecrets(under: "", &remarks)
                return [table]
            }
        }
        for (index, listener) in listeners.enumerated() {
            file.add(listener, "listeners", index, to: \.listeners) { _, table, _ throws(LeftOut) in
                defer { table = Tree.Table() }
                return [table]
            }
        }
        return file
    }
}

extension Tree.Table {
    /// Takes the secrets out of a context. References to variables stay: they are none.
    fileprivate mutating func hideSecrets(ofContext name: String, under prefix: String, _ remarks: inout Remarks) {
        if let token = self["token"], !token.isReference {
            _ = take("token")
            let path = SecretPath.of(name, "token")
            set("tokenFile", to: .text(path))
            remarks.add("\(prefix)token", nil, "not copied: put it into \(path.quotedJSON), mode 0600")
        }
        for pair in self["transport", "proxy"]?.table?.pairs ?? [] {
            guard !Self.harmlessOfProxy.contains(where: pair.key.sameBytes), !pair.value.isReference else { continue }
            _ = take("transport", "proxy", pair.key)
            let key = "\(prefix)transport.proxy.\(pair.key.shortened)"
            remarks.add(key, nil, "not copied: add it where only root can read it")
        }
        for key in ["http", "socks5"] where self["transport", "proxy", key]?.scalar?.contains(byte: "@") == true {
            _ = take("transport", "proxy", key)
            remarks.add("\(prefix)transport.proxy.\(key)", nil, "not copied: the URL may have a password in it")
        }
        takeSecrets(under: prefix, &remarks)
    }

    /// Keys of a proxy that hold no secret; a misspelled one may.
    private static var harmlessOfProxy: [String] { ["http", "socks5", "username", "fromEnvironment", "tls"] }

    /// Takes out what may be a secret by its key, a misspelled one too: an entry with variables is kept whatever else is in
    /// it.
    fileprivate mutating func takeSecrets(under prefix: String, _ remarks: inout Remarks) {
        self = Self(
            pairs.compactMap { pair in
                let key = prefix + pair.key.shortened
                if var inner = pair.value.table {
                    inner.takeSecrets(under: "\(key).", &remarks)
                    return Tree.Pair(key: pair.key, value: Tree(.table(inner)))
                }
                guard Redaction.isSecret(pair.key), pair.value.boolean == nil, !pair.value.isReference else {
                    return pair
                }
                remarks.add(key, nil, "not copied: it may be a secret")
                return nil
            }
        )
    }
}

extension Tree {
    /// Whether this is a variable and nothing else: `$NAME` or `${NAME}`.
    fileprivate var isReference: Bool {
        guard let scalar, scalar.utf8.first == UInt8(ascii: "$") else { return false }
        var name = scalar.utf8.dropFirst()
        if name.first == UInt8(ascii: "{"), name.last == UInt8(ascii: "}") { name = name.dropFirst().dropLast() }
        let isName = name.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte & 0xDF) || byte == UInt8(ascii: "_")
        }
        return isName && !name.isEmpty
    }
}

/// Where the secrets of a context may be put.
enum SecretPath {
    /// A file in the daemon's folder, named for the context.
    static func of(_ context: String, _ kind: String) -> String {
        let name = String(
            decoding: context.utf8.prefix(64).map { byte in
                let isPlain =
                    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte & 0xDF) || byte == UInt8(ascii: "_")
                return isPlain ? byte : UInt8(ascii: "-")
            },
            as: UTF8.self
        )
        return "/etc/rstream/\(name).\(kind)"
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel

/// Comments on what an imported file says and the tunnel file cannot: a line for each key.
struct Remarks: Hashable, Sendable {
    /// More lines than a person reads about one entry.
    private static let most = 64

    let program: ImportedProgram
    private(set) var lines: [String] = []
    /// How many lines are not kept.
    private var omitted = 0

    init(of program: ImportedProgram) {
        self.program = program
    }

    /// All lines, and how many more there would be.
    var all: [String] { omitted == 0 ? lines : lines + ["\(program): and \(omitted) more"] }

    /// Notes what a key means for the tunnel file. Its value is shown where it cannot be a secret.
    mutating func add(_ key: String, _ value: Tree? = nil, _ reason: String = "has no counterpart") {
        guard lines.count < Self.most else {
            omitted += 1
            return
        }
        let shown = value.flatMap { Self.shown($0, of: key) }.map { " = \($0)" } ?? ""
        lines.append("\(program): \(key)\(shown): \(reason)")
    }

    /// Notes a text that is about the whole.
    mutating func add(sentence: String) {
        lines.append("\(program): \(sentence)")
    }

    /// Notes every key that is left in a table, by its way through the tables in it.
    mutating func add(leftIn table: Tree.Table, under prefix: String = "") {
        for pair in table.pairs {
            let key = prefix + Self.name(of: pair.key)
            if let inner = pair.value.table, !inner.isEmpty {
                add(leftIn: inner, under: key + ".")
            } else {
                add(key, pair.value)
            }
        }
    }

    /// A key as it is shown: in quotes where it has other characters than keys usually have.
    private static func name(of key: String) -> String {
        let isPlain = key.isVisibleASCII && !key.contains(byte: "\"") && !key.isEmpty
        return isPlain ? key.shortened : key.shortened.quotedJSON
    }

    // MARK: Values

    private static func shown(_ value: Tree, of key: String) -> String? {
        // A switch is no secret.
        if let boolean = value.boolean { return "\(boolean)" }
        guard harmless.contains(lastWord(of: key)) else { return nil }
        switch value.content {
        case .text(let text): return holdsUser(text) ? nil : text.shortened.quotedJSON
        case .word(let word): return holdsUser(word) ? nil : word.shortened.printable
        case .list(let items):
            let shown = items.prefix(8).compactMap {
                $0.items == nil && $0.table == nil ? Self.shown($0, of: key) : nil
            }
            return shown.count == items.count ? "[\(shown.joined(separator: ", "))]" : nil
        case .table: return nil
        }
    }

    /// Whether a text may be a URL with a password in it.
    private static func holdsUser(_ text: String) -> Bool { text.contains(byte: "@") }

    private static func lastWord(of key: String) -> String {
        let start = key.lastIndex(ofByte: ".").map { key.utf8.index(after: $0) } ?? key.startIndex
        return key[start...].asciiLowercased
    }

    /// Keys whose values are shown, in lower case. No value of any other key is: the next version of a program may have
    /// a secret in it.
    private static let harmless: Set<String> = [
        // frp
        "serveraddr", "serverport", "type", "localip", "localport", "remoteport", "subdomain", "customdomains",
        "locations", "hostheaderrewrite", "bandwidthlimit", "bandwidthlimitmode", "group", "timeoutseconds",
        "maxfailed",
        "intervalseconds", "poolcount", "protocol", "level", "maxdays", "to", "method", "addr", "port", "multiplexer",
        "includes", "start", "bindaddr", "bindport", "serveruser", "udppacketsize", "trustedcafile", "certfile",
        "heartbeatinterval", "heartbeattimeout", "dialservertimeout", "dnsserver", "crtpath", "keypath", "user",
        // ngrok
        "version", "region", "web_addr", "log_level", "log_format", "log", "schemes", "host_header", "remote_addr",
        "circuit_breaker", "bindings", "description", "update_channel", "console_ui", "connect_url", "server_addr",
        "crt",
        "proto", "url", "deny_cidrs", "hostname",
        // cloudflared
        "tunnel", "credentials-file", "loglevel", "metrics", "path", "originservername", "capool", "httphostheader",
        "keepalivetimeout", "keepaliveconnections", "tcpkeepalive", "tlstimeout", "connecttimeout", "origincert",
        "edge-ip-version", "grace-period", "retries", "logfile", "proxyaddress", "proxyport", "proxytype",
        // rstream
        "apiurl", "turndomain", "turnport", "turnsport", "mode", "kind",
    ]
}

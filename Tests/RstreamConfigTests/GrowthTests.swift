// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamDaemonModel
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamConfig

@Suite("no configuration costs more than its length")
struct GrowthTests {
    #if DEBUG
    private static let length = 48 * 1_024
    #else
    private static let length = Growth.longest
    #endif

    private static func expectLinear(
        _ name: String,
        environment: [String: String] = [:],
        daemon make: (Int) -> String
    ) {
        Growth.expectLinear(name, length: Self.length, of: make) { _ = load(daemon: $0, environment: environment) }
    }

    private static func expectLinear(
        _ name: String,
        environment: [String: String] = [:],
        tunnels make: (Int) -> String
    ) {
        Growth.expectLinear(name, length: Self.length, of: make) { _ = load(tunnels: $0, environment: environment) }
    }

    private static func repeated(_ text: String, _ length: Int) -> String {
        String(repeating: text, count: max(1, length / text.utf8.count))
    }

    @Test("variables", arguments: HardText.allCases)
    func expansion(text: HardText) {
        let environment = ["A": "b", "LONG": text.text(4_096), "EMPTY": ""]
        func expand(_ name: String, _ make: (Int) -> String) {
            Growth.expectLinear(name, length: Self.length, of: make) {
                _ = TextExpansion($0, environment: environment, limit: Growth.longest)
                _ = TextExpansion.references(in: $0)
                var expansion = ScalarExpansion(environment: environment, limit: Growth.longest)
                _ = try? expansion.expand($0)
            }
        }
        expand("a name") { "${" + text.text($0) + "}" }
        expand("a name that is not closed") { "${" + text.text($0) }
        expand("a default") { "${A:-" + text.text($0) + "}" }
        expand("text behind a dollar") { "$" + text.text($0) }
        expand("dollars before marks") { Self.repeated("$" + text.text(30), $0) }
        for piece in [
            "${", "$", "$$", "$${", "${A", "${A}", "$A", "${}", "${LONG}", "${EMPTY}", "$NONE ", "}", "#${\n",
        ] {
            expand("\(piece)") { Self.repeated(piece, $0) }
        }
        expand("not closed, in front of one that is") { Self.repeated("${", $0) + "}" }
    }

    @Test("texts of a daemon's file", arguments: HardText.allCases)
    func daemonFile(text: HardText) {
        for key in [
            "context", "clientConfig", "watch", "version", "KEY", "include", "limits: { tunnelOwners", "log: { level",
            "admin: { mode", "admin: { socket", "metrics: { listen", "page: { hosts", "drain: { timeout",
            "limits: { streams",
        ] {
            let end = key.contains("{") ? " }" : ""
            Self.expectLinear("\(key)", daemon: { "version: 1\n\(key): [\"\(text.text($0))\"]\(end)\n" })
            Self.expectLinear("\(key)", daemon: { "version: 1\n\(key): \"\(text.text($0))\"\(end)\n" })
        }
        for key in [
            "engine", "token", "tokenFile", "tokenCredential", "projectEndpoint", "region", "apiUrl", "external", "KEY",
            "transport: { mode", "transport: { proxy: { http", "transport: { proxy: { password",
            "transport: { dns: { override", "transport: { bind: { interface", "transport: { tls: { caFile",
        ] {
            let end = String(repeating: " }", count: key.count { $0 == "{" })
            Self.expectLinear("\(key)", daemon: { contextFile("\(key): \"\(text.text($0))\"\(end)\nnoToken: true") })
        }
        Self.expectLinear(
            "a header",
            daemon: { length in
                contextFile(
                    "engine: e\nnoToken: true\ntransport: { proxy: { http: p, headers: { \"\(text.text(length))\": a } } }"
                )
            }
        )
    }

    @Test("texts of a tunnel file", arguments: HardText.allCases)
    func tunnelFile(text: HardText) {
        for key in [
            "forward", "context", "enabled", "KEY", "tunnel: { host", "tunnel: { protocol", "tunnel: { labels: { a",
            "upstream: { connectTimeout", "tunnel: { port",
        ] {
            let end = String(repeating: " }", count: key.count { $0 == "{" })
            Self.expectLinear("\(key)", tunnels: { entryFile("\(key): \"\(text.text($0))\"\(end)") })
        }
        Self.expectLinear(
            "name",
            tunnels: { length in
                "version: 1\ntunnels: [{ name: \"\(text.text(length))\", forward: 1, tunnel: {} }]\n"
            }
        )
        Self.expectLinear(
            "labels",
            tunnels: { length in
                let labels = (0..<length / 120).map { "\"k\($0)\(text.text(100))\": v" }.joined(separator: ", ")
                return entryFile("forward: 1\ntunnel: { labels: { \(labels) } }")
            }
        )
        Self.expectLinear(
            "a list",
            tunnels: { length in
                let items = Array(repeating: "\"\(text.text(100))\"", count: length / 104).joined(separator: ", ")
                return entryFile("forward: 1\ntunnel: { trustedIPs: [\(items)], geoip: [\(items)] }")
            }
        )
    }

    @Test("many of everything")
    func many() {
        Self.expectLinear(
            "unknown keys",
            daemon: { length in
                "version: 1\n" + (0..<length / 16).map { "context\($0): 1\n" }.joined()
            }
        )
        Self.expectLinear("the same key", daemon: { Self.repeated("tokn: 1\n", $0) })
        Self.expectLinear("comments", daemon: { Self.repeated("# abc tok key\n", $0) })
        Self.expectLinear("short words in a comment", daemon: { "# " + Self.repeated("abc ", $0) })
        Self.expectLinear("words in what cannot be read", daemon: { "a: [\n" + Self.repeated("abc key\n", $0) })
        Self.expectLinear(
            "contexts",
            daemon: { length in
                "version: 1\ncontexts:\n"
                    + (0..<length / 40).map { "  c\($0): { engine: e, noToken: true }\n" }.joined()
            }
        )
        Self.expectLinear(
            "contexts that are missing",
            daemon: { length in
                let contexts = (0..<length / 80).map { "  abcdefgh\($0): { engine: e, noToken: true }\n" }.joined()
                let tunnels = (0..<length / 120).map {
                    "  - { name: t\($0), forward: 1, tunnel: {}, context: abcdefgx\($0) }\n"
                }
                return "version: 1\ncontexts:\n\(contexts)tunnels:\n\(tunnels.joined())"
            }
        )
        Self.expectLinear(
            "tunnels with one name",
            tunnels: { length in
                "version: 1\ntunnels:\n" + Self.repeated("  - { name: a, forward: 1, tunnel: {} }\n", length)
            }
        )
        Self.expectLinear(
            "one tunnel that many stand for",
            tunnels: { length in
                "version: 1\ntunnels:\n  - &a { name: a, forward: 1, tunnel: {} }\n" + Self.repeated("  - *a\n", length)
            }
        )
        Self.expectLinear(
            "one token that many stand for",
            daemon: { length in
                "version: 1\ncontexts:\n  a: { engine: e, token: &t \(Self.repeated("t", length / 2)) }\n"
                    + (0..<length / 80).map { "  b\($0): { engine: e, token: *t }\n" }.joined()
            }
        )
        Self.expectLinear(
            "listeners at one place",
            tunnels: { length in
                "version: 1\ntunnels: []\nlisteners:\n"
                    + (0..<length / 60).map { "  - { name: a\($0), listen: '[::1]:5432', dial: b }\n" }.joined()
            }
        )
        Self.expectLinear(
            "includes",
            daemon: { length in
                "version: 1\ninclude:\n" + (0..<length / 16).map { "  - a\($0).yaml\n" }.joined()
            }
        )
        Self.expectLinear("patterns", daemon: { "version: 1\ninclude:\n" + Self.repeated("  - '*a*b'\n", $0) })
        Self.expectLinear("unset variables", tunnels: { "version: 1\ntunnels: []\n" + Self.repeated("$A ", $0) })
        Self.expectLinear("variables in a tunnel owner's file", tunnels: { Self.repeated("${", $0) })
    }

    @Test("a client configuration", arguments: HardText.allCases)
    func clients(text: HardText) {
        func expect(_ name: String, _ make: (Int) -> String) {
            Growth.expectLinear(name, length: Self.length, of: make) { client in
                var files = ImaginaryFiles(files: [daemonPath: "version: 1\ncontexts: { a: { external: true } }\n"])
                files.files["/etc/rstream/config.yaml"] = client
                _ = load(files)
            }
        }
        for key in ["name", "engine", "apiUrl", "region", "projectEndpoint", "KEY"] {
            expect("\(key)") { "contexts: [{ name: a, \(key == "name" ? "x" : key): \"\(text.text($0))\" }]" }
        }
        expect("names") { length in
            "contexts:\n" + (0..<length / 130).map { "- { name: \"\($0)\(text.text(100))\", engine: e }\n" }.joined()
        }
        expect("a name") { "contexts: [{ name: \"\(text.text($0))\" }, { name: \"\(text.text(100))\" }]" }
        expect("nested keys") { length in
            let depth = 50
            let key = text.text(800)
            let heads = (0..<depth).map { "{ \"\($0)\(key)\": " }.joined()
            let keys = (0..<max(0, length - depth * 800) / 12).map { "k\($0): 1" }.joined(separator: ", ")
            return "contexts: [{ name: a, x: \(heads){ \(keys) }\(String(repeating: " }", count: depth)) }]"
        }
    }

    @Test("names of files against patterns", arguments: HardText.allCases)
    func patterns(text: HardText) {
        for pattern in [
            "*", "*a*a*a*b", "?*?*?*", text.text(20), "*\(text.text(20))*", String(repeating: "*a", count: 100),
        ] {
            Growth.expectLinear("\(pattern)", length: Self.length / 4) { length in
                Array(repeating: text.text(200), count: length / 200)
            } _: { names in
                for name in names { _ = Path.matches(name, pattern: pattern) }
            }
        }
        Growth.expectLinear("a long pattern", length: Self.length) {
            Self.repeated("*a", $0)
        } _: {
            _ = Path.matches("aaaa", pattern: $0)
        }
        Growth.expectLinear("a long name", length: Self.length) {
            text.text($0)
        } _: {
            _ = Path.matches($0, pattern: "*a*b*")
        }
    }

    @Test("words that are nearly others", arguments: HardText.allCases)
    func nearestWord(text: HardText) {
        Growth.expectLinear("candidates", length: Self.length) { length in
            (0..<length / 40).map { "\(text.text(24))\($0)" }
        } _: {
            _ = NearestWord.find(text.text(26), among: $0)
        }
        Growth.expectLinear("a long word", length: Self.length) {
            text.text($0)
        } _: {
            _ = NearestWord.find($0, among: ["token", "proxy"])
        }
        Growth.expectLinear("a long candidate", length: Self.length) {
            text.text($0)
        } _: {
            _ = NearestWord.find("token", among: [$0])
        }
    }
}

@Suite("bounds of a configuration")
struct BoundTests {
    private static func text(_ length: Int) -> String { String(repeating: "a", count: length) }

    @Test("names, labels and keys")
    func lengths() {
        let name = { (length: Int) in
            load(tunnels: "version: 1\ntunnels: [{ name: \(Self.text(length)), forward: 1, tunnel: {} }]\n").errors
        }
        #expect(name(255).isEmpty)
        #expect(name(256) == ["2:19: the name is longer than 255 bytes"])
        let labels = { (text: String) in
            load(tunnels: entryFile("forward: 1\ntunnel: { labels: { \(text) } }")).errors
        }
        #expect(labels("\(Self.text(256)): '\(Self.text(1_024))'").isEmpty)
        #expect(labels("\(Self.text(257)): a") == ["5:25: tunnel \"web\": a label's key of more than 256 bytes"])
        #expect(labels("a: '\(Self.text(1_025))'") == ["5:28: label \"a\" has a value of more than 1024 bytes"])
        let many = { (count: Int) in labels((0..<count).map { "k\($0): v" }.joined(separator: ", ")).count }
        #expect(many(64) == 0)
        #expect(many(65) == 1)
        // Swift takes the two for one, and so would every table of labels.
        #expect(
            labels("\u{E9}: a, e\u{301}: b").first?.contains("differs from another only in its encoding") == true
        )
        #expect(load(daemon: contextFile("engine: \(Self.text(300))\nnoToken: on")).errors.count == 1)
        #expect(load(daemon: contextFile("engine: e\ntoken: \(Self.text(16_384))")).errors.isEmpty)
        #expect(
            load(daemon: contextFile("engine: e\ntoken: \(Self.text(16_385))")).errors
                == ["5:12: \"token\" is longer than 16384 bytes"]
        )
        #expect(
            load(daemon: "version: 1\n? \(Self.text(1_025))\n: 1\n").errors == ["2:3: a key of more than 1024 bytes"]
        )
    }

    @Test("a token in a file is one line of printable characters")
    func token() {
        #expect(
            load(daemon: contextFile("engine: e\ntoken: caf\u{E9}")).errors == [
                "5:12: context \"main\": token contains characters other than printable ASCII"
            ]
        )
    }

    @Test("a separator that a combining mark follows is a separator")
    func marks() {
        #expect(
            load(tunnels: entryFile("forward: 'localhost:\u{301}80'\ntunnel: {}")).tunnel?.upstream
                == .tcp(host: "localhost", service: "\u{301}80")
        )
        #expect(load(daemon: "version: 1\nmetrics: { listen: '[::1]:\u{301}9464' }\n").errors.count == 1)
        #expect(Path.directory(of: "/a/\u{301}b") == "/a")
        #expect(Path.resolve("/\u{301}", in: "/x") == "/\u{301}")
        #expect(load(tunnels: entryFile("forward: 1\ntunnel: { port: '1\u{301}' }")).errors.count == 1)
    }

    @Test("the number of files, of patterns and of all bytes; the first file that is too much is named")
    func files() {
        let patterns = (0...64).map { "'\($0)*'" }.joined(separator: ", ")
        #expect(load(daemon: "version: 1\ninclude: [\(patterns)]\n").errors.count == 1)
        let text = "version: 1\ntunnels: []\n"
        var files = ImaginaryFiles(files: [daemonPath: usualDaemonFile])
        for index in 0..<4 { files.files["/etc/rstream/tunnels.d/\(index).yaml"] = text }
        var bounds = ConfigurationLoader.Bounds()
        #expect(bounds.files == 100_000 && bounds.bytes == 64 << 20)
        bounds.files = 4
        #expect(load(files, bounds: bounds).errors.isEmpty)
        bounds.files = 3
        let many = load(files, bounds: bounds)
        #expect(many.errors == ["0:0: one file too many: 3 are included already, and no more may be"])
        #expect(many.diagnostics.map(\.file) == ["/etc/rstream/tunnels.d/3.yaml"])
        bounds.bytes = usualDaemonFile.utf8.count + 2 * text.utf8.count + 1
        bounds.files = 4
        let long = load(files, bounds: bounds)
        #expect(
            Set(long.errors) == [
                "0:0: cannot be read: all files together are longer than \(bounds.bytes) bytes"
            ]
        )
        #expect(long.diagnostics.map(\.file) == ["2", "3"].map { "/etc/rstream/tunnels.d/\($0).yaml" })
    }

    @Test("distances are those of the table they stand for")
    func distances() {
        func reference(_ first: String, _ second: String) -> Int {
            let (first, second) = (Array(first.unicodeScalars), Array(second.unicodeScalars))
            var table = [[Int]](repeating: [Int](repeating: 0, count: second.count + 1), count: first.count + 1)
            for row in 0...first.count { table[row][0] = row }
            for column in 0...second.count { table[0][column] = column }
            for row in 1..<first.count + 1 {
                for column in 1..<second.count + 1 {
                    let isSame = first[row - 1] == second[column - 1]
                    table[row][column] = min(
                        table[row - 1][column - 1] + (isSame ? 0 : 1),
                        table[row - 1][column] + 1,
                        table[row][column - 1] + 1
                    )
                    if row > 1, column > 1, first[row - 1] == second[column - 2], first[row - 2] == second[column - 1] {
                        table[row][column] = min(table[row][column], table[row - 2][column - 2] + 1)
                    }
                }
            }
            return table[first.count][second.count]
        }
        var state: UInt64 = 42
        func random(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }
        for _ in 0..<3_000 {
            let words = (0..<2).map { _ in
                String((0..<random(9)).map { _ in ["a", "b", "c", "\u{E9}"][random(4)] }.joined())
            }
            #expect(NearestWord.distance(words[0], words[1]) == reference(words[0], words[1]), "\(words)")
        }
        #expect(NearestWord.distance(String(repeating: "a", count: 64), String(repeating: "b", count: 64)) == 64)
    }
}

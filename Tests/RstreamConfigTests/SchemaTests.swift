// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Linux
import RstreamDaemonModel
import RstreamModel
import Testing
import YAML

@testable import RstreamConfig

@Suite("The JSON Schemas of the files")
struct SchemaTests {
    private static let keys = ConfigurationKey.allCases.filter { $0 != .contextName }

    @Test("are JSON with a newline at the end", arguments: ConfigurationSchema.allCases)
    func json(schema: ConfigurationSchema) throws {
        let document = try Document(parsing: schema.text)
        #expect(document.problems.isEmpty)
        #expect(document.root?["$schema"]?.scalarText == "https://json-schema.org/draft/2020-12/schema")
        #expect(schema.text.hasPrefix("{\n") && schema.text.hasSuffix("\n}\n"))
    }

    @Test("have a place and a line of explanation for every key that the file may hold", arguments: keys)
    func places(key: ConfigurationKey) throws {
        let isShared = FileReader.keys.contains { key.rawValue.split(separator: ".")[0] == $0 }
        for schema in ConfigurationSchema.allCases {
            let property = try SchemaReader(schema).property(key.rawValue)
            #expect((property != nil) == (schema == .daemon || isShared), "\(schema)")
            if let property { #expect(property["description"]?.scalarText == key.summary, "\(schema)") }
        }
    }

    @Test("have no other key than the table's", arguments: ConfigurationSchema.allCases)
    func noOthers(schema: ConfigurationSchema) throws {
        let root = try #require(try Document(parsing: schema.text).root)
        let known = Set(ConfigurationKey.places.flatMap(ConfigurationKey.words))
        let found = Set(Self.properties(in: root))
        #expect(found.isSubset(of: known))
        #expect(found.count > 60)
    }

    /// The names of all properties, wherever they stand.
    private static func properties(in node: Node) -> [String] {
        switch node.content {
        case .scalar: []
        case .sequence(let items): items.flatMap(properties)
        case .mapping(let pairs):
            pairs.flatMap { pair -> [String] in
                guard pair.key == "properties", case .mapping(let members) = pair.value.content else {
                    return properties(in: pair.value)
                }
                return members.flatMap { [$0.key] + properties(in: $0.value) }
            }
        }
    }

    @Test("explain every mapping and list in a line")
    func summaries() {
        for place in ConfigurationKey.places where !place.isEmpty {
            #expect(ConfigurationKey.summary(of: place) != nil, "\(place)")
        }
        let lines = Self.keys.map(\.summary) + ConfigurationKey.places.compactMap(ConfigurationKey.summary)
        for line in lines { #expect(line.hasSuffix(".") && line.utf8.count <= 100, "\(line)") }
    }

    @Test("take what the reader takes, and refuse what it refuses, at and beyond the borders of a key", arguments: keys)
    func borders(key: ConfigurationKey) throws {
        let samples = Samples(of: key)
        let schema = try SchemaReader(.daemon)
        let property = try #require(schema.property(key.rawValue))
        for value in samples.right {
            #expect(KeyFile(key, value).errors == [], "the reader: \(value)")
            #expect(try schema.accepts(value, by: property), "the schema: \(value)")
        }
        for value in samples.wrong {
            #expect(KeyFile(key, value).errors != [], "the reader: \(value)")
            #expect(try !schema.accepts(value, by: property), "the schema: \(value)")
        }
        for value in samples.wrongToTheReader {
            #expect(KeyFile(key, value).errors != [], "the reader: \(value)")
        }
    }

    @Test("demand only what the reader demands", arguments: keys.filter(\.isRequired))
    func required(key: ConfigurationKey) {
        #expect(KeyFile(key, "null").outcome.configuration == nil)
    }

    @Test("take every file of the corpus that the reader takes, and the samples", arguments: Self.accepted)
    func corpus(file: String) throws {
        let bytes = try FileSystem().read(file, limit: 1 << 20).bytes
        let isDaemons = file.contains("/daemon/") || file.hasSuffix("rstreamd.yaml")
        let reader = try SchemaReader(isDaemons ? .daemon : .tunnels)
        let root =
            try Document(parsing: bytes).root ?? Node(Node.Scalar(text: ""), span: Span(start: .start, end: .start))
        #expect(try reader.accepts(root))
    }

    private static let accepted: [String] = {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        return ["valid", "daemon/valid"].flatMap { folder in
            Corpus.names(in: folder).map { "\(Corpus.root)/\(folder)/\($0).yaml" }
        } + ["\(root)/etc/rstream/rstreamd.yaml", "\(root)/etc/rstream/tunnels.d/web.yaml.example"]
    }()

    @Test("refuse keys that there are not, and variables that cannot be there")
    func refused() throws {
        for text in [
            "version: 1\nlimit: {}\n", "version: 2\n", "version: 1\nlimits: ${A}\n", "{}", "version: 1\nlog: 1\n",
        ] {
            let root = try #require(try Document(parsing: text).root)
            #expect(try !SchemaReader(.daemon).accepts(root), "\(text)")
        }
        for text in ["version: 1\n", "version: 1\ntunnels: []\nlimits: {}\n", "version: 1\ntunnels: [{ name: a }]\n"] {
            let root = try #require(try Document(parsing: text).root)
            #expect(try !SchemaReader(.tunnels).accepts(root), "\(text)")
        }
    }

    @Test("offer the words that rstreamd.yaml(5) names", arguments: keys)
    func manual(key: ConfigurationKey) throws {
        guard case .word(let words, _) = key.form else { return }
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        let page = try FileSystem().read("\(root)/man/rstreamd.yaml.5", limit: 1 << 20).bytes
        let known = Set(String(decoding: page, as: UTF8.self).split { " \n,".contains($0) }.map(String.init))
        // The page describes versions of TLS in a sentence.
        for word in words where key != .specTlsMinVersion { #expect(known.contains(word), "\(word)") }
    }
}

/// What may and what may not stand under a key, as it is written in a file.
private struct Samples {
    var right: [String] = []
    var wrong: [String] = []
    /// What no pattern can tell.
    var wrongToTheReader: [String] = []

    private init() {}

    init(of key: ConfigurationKey) {
        switch key.form {
        case .version:
            right = ["1", "\" 1 \"", "\"01\""]
            wrong = ["0", "2", "one", "[1]"]
        case .flag:
            // It is about the values: what true means together with other keys is another matter.
            right = FlagWords.no.flatMap { [$0, $0.asciiUppercased, "\" \($0) \""] }
            if key == .watch { right += FlagWords.yes.flatMap { [$0, $0.asciiUppercased, "\" \($0) \""] } }
            // It is wrong for every tunnel that there is.
            if key == .specDatagramGuaranteedDelivery { right = [] }
            wrong = ["maybe", "1", "[true]", "\"\""]
        case .number(let range): take(range)
        case .port: take(TunnelSpec.ports)
        case .duration(let mayBeZero):
            right = ["1ms", "0.001h", "\" 1.5 s \"", "8784h", "999999999ms"]
            wrong = ["5", "5d", "-1s", "1.0001s", "\"\"", "[1s]"]
            if mayBeZero { right += ["0s", "0.0m"] } else { wrong += ["0s", "0.000ms"] }
            wrongToTheReader = ["8785h"]
        case .durationWithin(let range):
            let (least, most) = (range.lowerBound.components.seconds, range.upperBound.components.seconds)
            right = ["\(least)s", "\(most)s", "\"\(least)000ms\""]
            wrong = ["5", "-1s", "\"\"", "[5s]", "0s"]
            wrongToTheReader = ["\(least * 1_000 - 1)ms", "\(most * 1_000 + 1)ms"]
        case .mode:
            right = ["\"0660\"", "\"600\"", "\"0o640\"", "\"0777\"", "0600"]
            wrong = ["\"66\"", "\"0888\"", "\"1777\"", "rw", "778", "[0600]"]
        case .word(let words, let mayBeBlank):
            right = words.flatMap { ["\"\($0)\"", $0.asciiUppercased, "\" \($0) \""] }
            wrong = ["nonsense", "\"\(words[0])x\"", "[\(words[0])]", "1"]
            if mayBeBlank { right.append("\"\"") } else { wrong.append("\"\"") }
        case .words(let words):
            right = ["[]", "[\(words[0])]", "[\(words[0].asciiLowercased), NO, \" FR \"]"]
            wrong = ["[UK]", "[\(words[0])x]", words[0], "[\"\"]"]
        case .text(let form): take(form)
        case .texts(let form):
            right = ["[]"]
            wrong = ["{}", "[[a]]", "[\"\"]", "text"]
            if form == .addressRange {
                right.append("[\"192.0.2.0/24\", \"2001:db8::/32\"]")
                wrong += ["[192.0.2.1]", "[office]"]
            } else if form == .hostname {
                right.append("[a.example, \"A-1.example\", 8080]")
                wrong += ["[\"https://a.example\"]", "[\"a.example:80\"]", "[a_b]"]
            }
        case .pairs:
            right = ["{}", "{ a: b, c: 1, d: yes }"]
            wrong = ["[a]", "text", "{ a: [b] }"]
        case .context:
            right = ["main", "\"\"", "{ engine: e.example, noToken: true }"]
            wrong = ["[main]", "{ engin: e.example }"]
        }
        // A context needs an engine and a credential, so null is wrong where there is no other.
        let isAlone = [.contextEngine, .contextToken, .contextTokenFile, .contextTokenCredential, .contextNoToken]
            .contains(key)
        if !key.isRequired, !isAlone { right.append("null") }
        // Only looked at where the client configuration is read.
        if key == .contextExternalName { self = Samples() }
    }

    private mutating func take(_ range: ClosedRange<Int>) {
        let (first, last) = (range.lowerBound, range.upperBound)
        right = ["\(first)", "\(last)", "\"\(first)\"", "\" +\(last) \""]
        wrong = ["\(first - 1)", "\(last + 1)", "1.5", "many", "[\(first)]", "\"\""]
        wrongToTheReader = ["\"\(last + 1)\"", "99999999999999999999"]
    }

    private mutating func take(_ form: TextForm) {
        wrong = ["[a]", "{ a: b }"]
        switch form {
        case .any: break
        case .filled: wrong += ["\"\"", "\"  \""]
        case .name:
            let longest = String(repeating: "n", count: TunnelSpec.longestName)
            right = [longest, "\" \(longest) \"", "8080"]
            wrong += ["\"\"", "\(longest)n"]
        case .hostname:
            right = ["a.example", "\" A-1.example \""]
            wrong += ["\"\"", "a_b.example", "\"a b\"", "https://a.example", "a..b"]
        case .engine:
            right = ["a.example", "\"[::1]:443\"", "\" a.example:8443 \""]
            wrong += ["https://a.example", "\"a b\"", "user@a.example"]
        case .label:
            right = ["1a2b3c4d"]
            wrong += ["a.b", "-a", "\"a b\""]
        case .region:
            right = ["auto", "EU-West-3"]
            wrong += ["\"eu west\"", "-a"]
        case .controlPlane:
            right = ["https://rstream.io", "\" HTTPS://cloud.example/ \""]
            wrong += ["cloud.example", "ftp://cloud.example"]
        case .fileName:
            right = ["engine-token"]
            wrong += ["\"\"", "/run/token", "a/b"]
        case .keyURI:
            right = [
                "pkcs11:token=a;object=b", "\"pkcs11:token=a;object=b?module-path=/m.so\"", "\" handle:0x81000001 \"",
                "file:/etc/k.pem", "object:///k",
            ]
            wrong += ["\"\"", "/etc/k.pem", "\"pkcs11:\"", "\"pkcs11:token=a b\"", "handle:1", "file:k.pem"]
            wrongToTheReader = [
                "pkcs11:token=a", "\"pkcs11:token=a;object=b?pin-value=1\"", "file://host/k",
            ]
        case .upstream:
            right = [
                "8080", "http", "\"db.internal : 5432\"", "\"[::1]:80\"", "\"[fe80::1%eth0]:80\"", "unix:/a",
                "\"unix:@a\"",
            ]
            wrong += ["\"\"", "\":80\"", "\"::1:80\"", "\"host:\"", "\"[::1]\""]
        case .listenAddress:
            right = ["127.0.0.1:80", "\"[::]:65535\"", "unix:/run/a.sock"]
            wrong += ["\"8080\"", "unix:a", "localhost", "\"a:http\"", "\"\""]
            wrongToTheReader = ["127.0.0.1:65536"]
        case .addressRange: break
        }
    }
}

/// A daemon's file in which one key has a value, and everything that must be there besides.
private struct KeyFile {
    private var lines = ["version: 1"]
    /// The line of the key, from 1.
    private var line = 0
    private let key: ConfigurationKey

    /// What must stand beside a key for its values to be judged by themselves.
    private static let companions: [ConfigurationKey: [String]] = [
        .reconnectMinimum: ["maximum: 8784h"], .reconnectMaximum: ["minimum: 0.001ms"], .specPort: ["protocol: tcp"],
        .transportBindMode: ["interface: eth0", "address: 192.0.2.1"],
        .upstreamTlsCertificateFile: ["keyFile: k.pem"], .upstreamTlsKeyFile: ["certificateFile: c.pem"],
        .upstreamTlsKeyUri: ["certificateFile: c.pem"],
        .upstreamTlsKeyPinFile: ["certificateFile: c.pem", "keyUri: \"handle:0x81000001\""],
        .contextMtlsCertificateFile: ["keyFile: k.pem"], .contextMtlsKeyFile: ["certificateFile: c.pem"],
        .contextMtlsKeyUri: ["certificateFile: c.pem"],
        .contextMtlsKeyPinFile: ["certificateFile: c.pem", "keyUri: \"handle:0x81000001\""],
    ]

    init(_ key: ConfigurationKey, _ value: String) {
        self.key = key
        var parts = key.rawValue.split(separator: ".").map(String.init)
        let word = parts.removeLast()
        guard let first = parts.first else {
            if key == .version { lines = [] }
            if key == .defaultContext { lines.append("contexts: { main: { engine: e.example, noToken: true } }") }
            write(word, value, indent: "")
            return
        }
        var indent = ""
        if ["contexts", "tunnels", "listeners"].contains(first) {
            parts.removeFirst()
            indent = "    "
            if first != "contexts" {
                lines += [
                    "context: main", "contexts: { main: { engine: e.example, noToken: true } }", "\(first):", "  -",
                ]
            } else {
                lines += ["contexts:", "  main:"]
            }
            for (name, text) in Self.entry(of: first, for: key) where name != word || !parts.isEmpty {
                // A list of upstreams takes the place of `forward`.
                if parts.first == "upstreams", name == "forward" { continue }
                if name != parts.first { lines.append("\(indent)\(name): \(text)") }
            }
        }
        for part in parts {
            lines.append("\(indent)\(part):")
            indent += "  "
            guard part == "upstreams" else { continue }
            lines.append("\(indent)- { forward: 2 }")
            if word != "forward" { lines.append("\(indent)- forward: 3") } else { lines.append("\(indent)-") }
            indent += "  "
        }
        for companion in Self.companions[key] ?? [] { lines.append(indent + companion) }
        write(word, value, indent: indent)
    }

    /// What an entry needs.
    private static func entry(of list: String, for key: ConfigurationKey) -> [(String, String)] {
        switch (list, key) {
        case ("contexts", .contextProjectEndpoint), ("contexts", .contextRegion), ("contexts", .contextApiUrl):
            [("projectEndpoint", "1a2b3c4d"), ("tokenFile", "token")]
        case ("contexts", .contextToken), ("contexts", .contextTokenFile), ("contexts", .contextTokenCredential),
            ("contexts", .contextMtlsCertificateFile), ("contexts", .contextMtlsKeyFile),
            ("contexts", .contextMtlsKeyUri), ("contexts", .contextMtlsKeyPinFile):
            [("engine", "e.example")]
        case ("contexts", _): [("engine", "e.example"), ("noToken", "true")]
        case ("tunnels", _): [("name", "a"), ("forward", "1"), ("tunnel", "{}")]
        default: [("name", "a"), ("listen", "unix:/run/a.sock"), ("dial", "b")]
        }
    }

    private mutating func write(_ word: String, _ value: String, indent: String) {
        lines.append("\(indent)\(word): \(value)")
        line = lines.count
    }

    var outcome: Outcome {
        load(
            daemon: lines.joined(separator: "\n") + "\n",
            environment: ["CREDENTIALS_DIRECTORY": "/run/credentials/rstreamd.service"]
        )
    }

    /// What is said about the key's line.
    var errors: [String] {
        outcome.diagnostics.filter { $0.severity == .error && $0.line == line }.map(\.message)
    }
}

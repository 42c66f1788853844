// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamConfig
import Testing

@Suite("the format of a diagnostic")
struct DiagnosticTests {
    @Test("place and message, the line, a caret with the hint")
    func rendering() {
        let outcome = load(tunnels: "\n" + tunnelFile("protcol: http"))
        #expect(
            outcome.diagnostics.first?.description == """
                /etc/rstream/tunnels.d/web.yaml:7:7: error: unknown key "protcol"
                  7 |       protcol: http
                    |       ^^^^^^^ did you mean "protocol"?
                """
        )
    }

    @Test("a wider line number widens the margin, and a tab stays a tab")
    func margin() {
        let diagnostic = Diagnostic(
            severity: .warning,
            file: "f",
            line: 120,
            column: 3,
            message: "m",
            hint: nil,
            sourceLine: "\tab: c",
            underline: 1..<3
        )
        #expect(diagnostic.description == "f:120:3: warning: m\n  120 | \tab: c\n      | \t^^")
    }

    @Test("a complaint about a whole file has no line")
    func wholeFile() {
        #expect(Diagnostic(file: "f", message: "m", hint: "h").description == "f: error: m (h)")
    }

    @Test("a long line is cut on both sides of the place")
    func longLine() throws {
        let padding = String(repeating: "x", count: 3_000)
        let limits = "limits: { unixUpstreams: [\(padding)] }"
        let text = "{ version: 1, \(limits), wrong: 1, context: \(padding) }\n"
        let diagnostic = try #require(load(daemon: text).diagnostics.first { $0.message == "unknown key \"wrong\"" })
        let lines = diagnostic.description.split(separator: "\n")
        let caret = try #require(lines[2].firstIndex(of: "^"))
        let shown = String(lines[1])
        #expect(shown.count < 200)
        #expect(shown.dropFirst(lines[2].distance(from: lines[2].startIndex, to: caret)).hasPrefix("wrong"))
    }

    @Test("control characters of a file never reach a terminal")
    func controlCharacters() {
        let outcome = load(daemon: "version: 1\n\"a\\e[31m\\u202e\": 1 # \u{202e}\n")
        let text = outcome.diagnostics.map(\.description).joined()
        #expect(!text.unicodeScalars.contains("\u{1b}"))
        #expect(!text.unicodeScalars.contains("\u{202e}"))
    }

    @Test(
        "a secret on the line prints as ***",
        arguments: [
            contextFile("{ token: hunter2, engin: e }"),
            contextFile("{ tokn: 'hunter2', engine: e }"),
            contextFile("{ token: \"hun\\x74er2 hunter2\", engine: '' }"),
            contextFile("{ token: [hunter2], engine: e }"),
            contextFile("{ engine: e, token: { hunter2: hunter2 } }"),
            contextFile("engine: e\nmytoken: hunter2"),
            contextFile("engine: e\ntoken: hunter2\n\ttoken: hunter2"),
            contextFile("engine: e\ntoken hunter2\nx: y"),
            contextFile("engine: e\ntoken: |\n  a\n\thunter2"),
            contextFile("engine: e\n\"token\": \"hunter2\" \"hunter2\""),
            contextFile("engine: e\nnoToken: true\ntransport: { proxy: { http: 'http://u:hunter2@p/x' } }"),
            contextFile("engine: e\nnoToken: true\ntransport: { proxy: { http: 'http://u:hunter2' } }"),
            contextFile("engine: e\nnoToken: true\ntransport: { proxy: { htp: 'http://u:hunter2@p' } }"),
            contextFile("engine: e\nnoToken: true\ntransport: { proxy: { socks5: 'hunter2@p:1', http: p } }"),
            contextFile("engine: e\nnoToken: true\ntransport: { proxy: { http: 'http://u:p%hunter2@p' } }"),
            contextFile("engine: e\nnoToken: true\ntransport: { proxy: { http: p, pasword: hunter2 } }"),
            contextFile("engine: e\nnoToken: true\ntransport: { proxy: { password: hunter2, http: p } }"),
            contextFile("engine: e\nnoToken: true\ntransport: { proxy: { http: p, headers: { a b: hunter2 } } }"),
            contextFile("engine: e\nnoToken: true\ntransport: { proxy: { http: p, headers: [hunter2] } }"),
            contextFile("engine: e\nnoToken: true\ntransport: { prxy: { http: 'http://u:hunter2@p' } }"),
            contextFile("engine: e\nnoToken: true\ntransport: { proxy: 'http://u:hunter2@p' }"),
            contextFile("engine: 'http://u:hunter2@e'\nnoToken: true"),
            contextFile("projectEndpoint: p\ntoken: t\napiUrl: 'https://u:hunter2@e'"),
            contextFile("engine: e\ntoken: \"hunter2\n  hunter2\" x: y"),
            contextFile("engine: e\ntoken: \"hunter2\\0\""),
            contextFile("engine: e\ntoken: a\ntoken: hunter2"),
            contextFile("{ engine: e, token: a, token: hunter2 }"),
            contextFile("engine: e\nnoToken: maybe # token: hunter2"),
        ]
    )
    func secrets(text: String) {
        let outcome = load(daemon: text)
        #expect(!outcome.errors.isEmpty)
        let shown = outcome.diagnostics.map(\.description).joined(separator: "\n") + String(describing: outcome)
        #expect(!shown.contains("hunter2"), "\(shown)")
    }

    @Test("the caret still points at the place when a secret in front of it is hidden")
    func caretBehindSecret() throws {
        let outcome = load(daemon: contextFile("{ token: hunter2, engine: e, x: 1 }"))
        let diagnostic = try #require(outcome.diagnostics.first)
        #expect(diagnostic.column == 34)
        #expect(
            diagnostic.description.hasPrefix(
                """
                /etc/rstream/rstreamd.yaml:4:34: error: unknown key "x"
                  4 |     { token: ***, engine: e, x: 1 }
                    |                              ^ expected
                """
            )
        )
    }

    @Test("what of a proxy cannot be a secret is shown")
    func harmlessProxy() throws {
        let text = contextFile(
            "{ engine: e, noToken: true, transport: { proxy: { http: 'http://p:1', tls: { caFil: c } } } }"
        )
        let diagnostic = try #require(load(daemon: text).diagnostics.first)
        #expect(diagnostic.message == "unknown key \"caFil\"")
        #expect(diagnostic.sourceLine?.contains("***") == false)
    }

    @Test("what a variable held is never shown, only its name")
    func expandedSecrets() {
        let text = entryFile("forward: 1\ncontext: { engine: e, token: ${TOKEN} }\ntunnel: { x: 1 }\nfoo: $TOKEN")
        let outcome = load(tunnels: text, environment: ["TOKEN": "hunter2: ["])
        #expect(!outcome.errors.isEmpty)
        #expect(!outcome.diagnostics.map(\.description).joined().contains("hunter2"))
    }
}

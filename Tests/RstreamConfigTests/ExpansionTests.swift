// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamConfig
import RstreamModel
import Testing

@Suite("environment variables")
struct ExpansionTests {
    @Test(
        "the daemon's file expands inside values, after the YAML was read",
        arguments: [
            ("${A}", "value"), ("x-${A}-${A}", "x-value-value"), ("${EMPTY}", ""), ("${UNSET:-b:c}", "b:c"),
            ("${EMPTY:-b}", "b"), ("${A:-b}", "value"), ("${UNSET:-}", ""), ("$${A}", "${A}"), ("$A", "$A"),
            ("$", "$"), ("a$$b", "a$$b"), ("${NESTED}", "${A}"), ("${YAML}", "x: [y]"),
        ]
    )
    func scalars(written: String, meant: String) {
        let environment = ["A": "value", "EMPTY": "", "NESTED": "${A}", "YAML": "x: [y]"]
        let text =
            "version: 1\ntunnels: [{ name: t, forward: 1, context: c, tunnel: { labels: { l: '\(written)' } } }]\n"
        let outcome = load(
            daemon: text + "contexts: { c: { engine: e, noToken: true } }\n",
            environment: environment
        )
        #expect(outcome.errors.isEmpty)
        #expect(outcome.tunnel?.spec.labels["l"] == meant)
    }

    @Test(
        "what cannot be expanded is one error, whatever else the value would have been",
        arguments: [
            Wrong(
                "drain: { timeout: '${WAIT}' }",
                "2:19: environment variable \"WAIT\" is not set",
                "set it, or give a default: ${WAIT:-...}"
            ),
            Wrong("drain: { timeout: '${1A}' }", "2:19: \"${...}\" does not hold the name of an environment variable"),
            Wrong("drain: { timeout: '${}' }", "2:19: \"${...}\" does not hold the name of an environment variable"),
            Wrong("drain: { timeout: '${A' }", "2:19: \"${\" without \"}\"", "$${ stands for ${"),
        ]
    )
    func unset(wrong: Wrong) {
        wrong.check(load(daemon: "version: 1\n\(wrong.text)\n"))
    }

    @Test("braces without quotes inside of braces are YAML's own, and the hint says so")
    func bareBraces() {
        Wrong(
            "",
            "2:20: \",\" or \"}\" was expected here",
            "put quotes around \"${...}\" inside of { } and [ ]"
        ).check(load(daemon: "version: 1\ndrain: { timeout: ${WAIT} }\n"))
    }

    @Test("a comment of the daemon's file is not expanded")
    func comment() {
        #expect(load(daemon: "version: 1 # ${UNSET}\n").diagnostics.isEmpty)
    }

    @Test("an expanded value counts as what it says: a number, a word, nothing")
    func expandedTypes() {
        let text = "version: 1\ncontext: ${C:-}\nlimits: { streams: '${N}' }\nlog:\n  level: ${L}\nwatch: ${W}\n"
        let outcome = load(daemon: text, environment: ["N": "12", "L": "error", "W": "off"])
        #expect(outcome.configuration?.limits.streams == 12)
        #expect(outcome.configuration?.log.level == .error)
    }

    @Test(
        "a tunnel file is expanded as a whole, by the official tool's rules",
        arguments: [
            ("$A", "value"), ("${A}", "value"), ("a$A.b", "avalue.b"), ("$A_", ""), ("$1A", "A"), ("$$A", "A"),
            ("a$?b", "ab"), ("${}x", "x"), ("a$.", "a$."), ("a$", "a$"), ("${ odd name }", "odd"),
            ("${NESTED}", "$A"), ("${UNSET:-b}", ""), ("a$Äb", "a$Äb"),
        ]
    )
    func wholeText(written: String, meant: String) {
        let environment = ["A": "value", " odd name ": "odd", "NESTED": "$A"]
        let outcome = load(tunnels: tunnelFile("labels: { l: '\(written)' }"), environment: environment)
        #expect(outcome.errors.isEmpty)
        #expect(outcome.tunnel?.spec.labels["l"] == meant)
    }

    @Test("a reference without its end drops two characters and keeps the rest")
    func unterminated() {
        let outcome = load(tunnels: tunnelFile("labels:\n  l: a${A"), environment: ["A": "value"])
        #expect(outcome.tunnel?.spec.labels["l"] == "aA")
    }

    @Test("a tunnel file's variable may hold YAML")
    func structure() {
        let outcome = load(tunnels: tunnelFile("${BODY}"), environment: ["BODY": "publish: true\n      protocol: tls"])
        #expect(outcome.tunnel?.spec.protocol == .tls)
        #expect(outcome.diagnostics.isEmpty)
    }

    @Test("a name that is not set becomes nothing, with a warning at its place")
    func unsetInTunnelFile() {
        let outcome = load(tunnels: tunnelFile("host: ${HOST}\nlabels: { a: $B }"))
        #expect(outcome.tunnel?.spec.hostname == nil)
        #expect(
            outcome.warnings == [
                "6:13: environment variable \"HOST\" is not set", "7:20: environment variable \"B\" is not set",
            ]
        )
    }

    @Test("a tunnel file has no defaults, and says so")
    func noDefaults() {
        let outcome = load(tunnels: tunnelFile("labels: { a: '${B:-c}' }"))
        #expect(outcome.diagnostics.map(\.hint) == ["tunnel files have no defaults; it expands to nothing"])
    }

    @Test("a name in a line of comment needs no warning")
    func unsetInComment() {
        #expect(load(tunnels: "# $HOME\n" + tunnelFile("  # ${UNSET}\n{}")).diagnostics.isEmpty)
    }

    @Test("places are those of the file, not of the expanded text")
    func places() {
        let environment = ["LONG": String(repeating: "x", count: 50), "LINES": "a\n\n\n#"]
        let text = "# $LINES\n" + tunnelFile("labels: { a: $LONG, b: $LONG }\nprotcol: http\nhost: $BAD")
        let outcome = load(tunnels: text, environment: environment.merging(["BAD": "a b"]) { $1 })
        #expect(
            outcome.errors == [
                "8:7: unknown key \"protcol\"", "9:13: tunnel \"web\": \"a b\" is not a host name",
            ]
        )
        #expect(outcome.diagnostics.last?.sourceLine == "      host: $BAD")
        #expect(outcome.diagnostics.last?.underline == 12..<16)
    }

    @Test("variables that hold megabytes end at the limit of a file")
    func amplification() {
        let environment = ["BIG": String(repeating: "x", count: 100_000)]
        let many = String(repeating: "$BIG ", count: 2_000)
        #expect(
            load(tunnels: "version: 1 # \(many)\n", environment: environment).errors == [
                "1:1: longer than 4194304 bytes"
            ]
        )
        let braces = String(repeating: "${BIG}", count: 2_000)
        let outcome = load(daemon: "version: 1\ndrain: { timeout: '\(braces)' }\n", environment: environment)
        #expect(outcome.errors == ["2:19: the variables of this file expand to too much text"])
    }
}

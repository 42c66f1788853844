// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import ClientConfiguration
import RstreamModel
import Testing

@Suite("Choosing context and environment")
struct ContextTests {
    /// Two contexts of one name at two control planes, one that is unlinked, and one without a name of its own.
    private let file = """
        defaults: { context: { name: c } }
        contexts:
          - { name: a, apiUrl: https://one.example, engine: a1, \(stored("t")) }
          - { name: a, apiUrl: https://two.example/, engine: a2, \(stored("t")) }
          - { name: b, apiUrl: https://one.example, engine: b, \(stored("t")) }
          - { name: c, engine: c, \(stored("t")) }
          - { name: d, apiUrl: https://one.example, engine: d1, \(stored("t")) }
          - { name: d, apiUrl: https://one.example, engine: d2, \(stored("t")) }
        environments:
          - { apiUrl: https://one.example, transport: { ipFamily: ipv4 } }
          - { apiUrl: https://rstream.io/, \(stored("default")), transport: { ipFamily: ipv6 } }
        """

    private func engine(_ outcome: Resolved) -> String? {
        guard case .address(let address) = outcome.client?.engine else { return nil }
        return address.host
    }

    @Test("the program's name wins over the variable, and that over the file's default")
    func name() {
        let variables = ["RSTREAM_CONTEXT": "b"]
        #expect(engine(resolve(file)) == "c")
        #expect(engine(resolve(file, environment: ["RSTREAM_CONTEXT": " "])) == "c")
        #expect(engine(resolve(file, environment: variables)) == "b")
        #expect(engine(resolve(file, environment: variables) { $0.context = "c" }) == "c")
        #expect(resolve(file).client?.context == "c")
    }

    @Test("an explicit API URL picks the context of that URL, however it ends")
    func apiURL() {
        #expect(
            engine(resolve(file, environment: ["RSTREAM_CONTEXT": "a", "RSTREAM_API_URL": "https://two.example"]))
                == "a2"
        )
        let outcome = resolve(file, environment: ["RSTREAM_API_URL": "https://two.example"]) {
            $0.context = "a"
            $0.apiURL = "https://one.example/"
        }
        #expect(engine(outcome) == "a1")
    }

    @Test("an unlinked context is one for every API URL, and no environment entry stands behind it")
    func unlinked() {
        let outcome = resolve(file, environment: ["RSTREAM_API_URL": "https://one.example"])
        #expect(engine(outcome) == "c")
        #expect(outcome.client?.transport.ipFamily == nil)
    }

    @Test("the environment entry of the context's API URL stands behind it")
    func environmentEntry() {
        #expect(resolve(file) { $0.context = "b" }.client?.transport.ipFamily == .ipv4)
    }

    @Test("without a context the entry of the API URL counts, the managed service's by default")
    func noContext() {
        let file = file.replacing("defaults: { context: { name: c } }", with: "")
        let variables = ["RSTREAM_ENGINE": "e", "RSTREAM_AUTHENTICATION_TOKEN": "t"]
        let outcome = resolve(file, environment: variables)
        #expect(outcome.client?.context == nil)
        #expect(outcome.client?.transport.ipFamily == .ipv6)
        let other = resolve(file, environment: variables) { $0.apiURL = "https://one.example" }
        #expect(other.client?.transport.ipFamily == .ipv4)
    }

    @Test("an unknown name is not found, and the known ones are listed")
    func notFound() {
        let outcome = resolve(file) { $0.context = "x" }
        #expect(outcome.complaint == "context \"x\" not found")
        #expect(outcome.code == .contextNotFound)
        #expect(outcome.error?.fix == "known: \"a\", \"b\", \"c\", \"d\"")
        #expect(resolve { $0.context = "x" }.error?.fix == "the client configuration has no contexts")
    }

    @Test("the only context of the name must be one of the explicit API URL")
    func belongs() {
        let outcome = resolve(file) {
            $0.context = "b"
            $0.apiURL = "https://two.example"
        }
        #expect(
            outcome.error?.what
                == "context \"b\" belongs to API URL \"https://one.example\" (selected API URL \"https://two.example\")"
        )
        #expect(outcome.code == .contextNotFound)
    }

    @Test("no complaint about an API URL shows the user in it, who may have a password")
    func users() {
        let file = """
            contexts:
              - { name: a, apiUrl: https://u:hidden@one.example, engine: a }
              - { name: b, apiUrl: https://u:hidden@one.example, engine: b1 }
              - { name: b, apiUrl: https://u:hidden@one.example, engine: b2 }
              - { name: c, apiUrl: https://two.example, engine: c1 }
              - { name: c, apiUrl: https://two.example, engine: c2 }
            """
        func complaint(_ name: String, _ url: String) -> String? {
            resolve(file) { ($0.context, $0.apiURL) = (name, url) }.error?.what
        }
        let one = "https://***@one.example"
        #expect(
            complaint("a", "https://v:hidden@x")
                == "context \"a\" belongs to API URL \"\(one)\" (selected API URL \"https://***@x\")"
        )
        #expect(
            complaint("b", "https://u:hidden@one.example")
                == "multiple contexts named \"b\" exist for API URL \"\(one)\""
        )
        #expect(complaint("c", "v:hidden@x") == "context \"c\" not found for API URL \"***@x\"")
    }

    @Test("several contexts of the name, none of them of the explicit API URL")
    func notFoundForURL() {
        let outcome = resolve(file) {
            $0.context = "a"
            $0.apiURL = "https://x.example"
        }
        #expect(outcome.complaint == "context \"a\" not found for API URL \"https://x.example\"")
        #expect(outcome.code == .contextNotFound)
    }

    @Test("a name with several contexts needs an API URL")
    func ambiguous() {
        let outcome = resolve(file) { $0.context = "a" }
        #expect(outcome.error?.what == "context \"a\" is ambiguous; specify --api-url or set RSTREAM_API_URL")
        #expect(outcome.code == .contextAmbiguous)
    }

    @Test("a name with several contexts of one API URL cannot be used")
    func multiple() {
        let outcome = resolve(file) {
            $0.context = "d"
            $0.apiURL = "https://one.example"
        }
        #expect(outcome.error?.what == "multiple contexts named \"d\" exist for API URL \"https://one.example\"")
        #expect(outcome.code == .contextAmbiguous)
    }
}

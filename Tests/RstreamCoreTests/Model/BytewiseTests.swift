// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import Testing

/// One word in its two spellings, which Swift takes for the same and no kernel or engine does.
private let composed = "caf\u{E9}"
private let decomposed = "cafe\u{301}"

@Suite("What is compared by its bytes")
struct BytewiseTests {
    /// The same value with one text in it, which a closure puts there.
    private func isTold<Value: Hashable>(_ value: Value, _ change: (inout Value, String) -> Void) -> Bool {
        var (first, second, third) = (value, value, value)
        change(&first, composed)
        change(&second, decomposed)
        change(&third, composed)
        return first != second && first == third && first.hashValue == third.hashValue
            && Set([first, second]).count == 2
    }

    @Test("Swift itself takes both spellings for the same")
    func premise() {
        #expect(composed == decomposed)
        #expect(!composed.sameBytes(as: decomposed))
    }

    @Test("texts, absent ones, lists and tables are told apart by every byte")
    func shapes() {
        struct Shapes: Hashable {
            @Bytewise var text = ""
            @Bytewise var optional: String?
            @Bytewise var list: [String] = []
            @Bytewise var table: [String: String] = [:]
        }
        #expect(isTold(Shapes()) { $0.text = $1 })
        #expect(isTold(Shapes()) { $0.optional = $1 })
        #expect(isTold(Shapes()) { $0.list = ["x", $1] })
        #expect(isTold(Shapes()) { $0.table = ["x": $1] })
        #expect(isTold(Shapes()) { $0.table = ["x": "x", $1: "y"] })
        #expect(Shapes(optional: nil) != Shapes(optional: ""))
        #expect(Shapes(list: ["a", "b"]) != Shapes(list: ["b", "a"]))
        #expect(Shapes(list: ["ab"]) != Shapes(list: ["a", "b"]))
        #expect(Shapes(table: ["a": "1", "b": "2"]) == Shapes(table: ["b": "2", "a": "1"]))
        #expect(Shapes(table: ["a": "1"]) != Shapes(table: ["b": "1"]))
    }

    @Test("what a tunnel is to be, and what the engine is told of it")
    func tunnels() {
        #expect(isTold(TunnelSpec()) { $0.name = $1 })
        #expect(isTold(TunnelSpec()) { $0.labels["owner"] = $1 })
        #expect(isTold(TunnelSpec()) { $0.hostname = $1 })
        #expect(isTold(TunnelSpec()) { $0.tls.alpns = [$1] })
        #expect(isTold(TunnelProperties()) { $0.name = $1 })
        #expect(isTold(TunnelProperties()) { $0.labels[$1] = "x" })
        #expect(isTold(TunnelProperties()) { $0.hostname = $1 })
    }

    @Test("how an engine is reached: files, interfaces, names and headers")
    func transport() throws {
        #expect(isTold(TransportOptions()) { $0.tls.caFile = "/etc/\($1)/ca.pem" })
        #expect(isTold(TransportOptions()) { $0.tls.serverName = $1 })
        #expect(isTold(TransportOptions()) { $0.bind = .interface($1) })
        let address = try EngineAddress("localhost")
        #expect(isTold(TransportOptions()) { $0.dns = .init(server: address, tlsServerName: $1) })
        #expect(isTold(Proxy(route: .http(address))) { $0.headers["X-Team"] = $1 })
        let user = Proxy.Credentials(username: "", password: Secret("x"))
        #expect(isTold(user) { $0.username = $1 })
        #expect(isTold(ManagedProject(endpoint: "p")) { $0.region = $1 })
        #expect(isTold(ManagedProject(endpoint: "p")) { $0.headers["X-Team"] = $1 })
    }

    @Test("no text of these values is left to Swift's comparison")
    func completeness() throws {
        let address = try EngineAddress("localhost")
        let values: [Any] = [
            TunnelSpec(), TunnelSpec.TLS(), TunnelSpec.HTTP(), TunnelProperties(), TransportOptions(),
            TransportOptions.TLS(), TransportOptions.DNS(server: address), Proxy(route: .http(address)),
            Proxy.Credentials(username: "", password: Secret("x")), ManagedProject(endpoint: "p"),
        ]
        for value in values {
            for child in Mirror(reflecting: value).children {
                let kind = type(of: child.value)
                let isText =
                    kind == String.self || kind == String?.self || kind == [String].self
                    || kind == [String: String].self
                #expect(!isText, "\(type(of: value)).\(child.label ?? "")")
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Testing

@testable import RstreamConfig

@Suite("A tunnel file that a program writes")
struct TunnelFileTests {
    private static func tunnel(_ name: String, _ spec: [Tree.Pair] = [], context: String? = nil) -> Tree.Table {
        var tunnel = Tree.Table()
        tunnel.set("tunnel", to: Tree(.table(Tree.Table(spec))))
        tunnel.set("forward", to: .text("127.0.0.1:80"))
        tunnel.set("context", to: context.map { .text($0) })
        tunnel.set("name", to: .text(name))
        return tunnel
    }

    @Test("has its keys in the usual order, and a comment at its head")
    func text() {
        let file = TunnelFile([Self.tunnel("a", context: "$main"), Self.tunnel("b")], heading: ["of a program $X"])
        #expect(
            file.text == """
                # of a program \\u{24}X
                version: 1
                tunnels:
                  - name: a
                    forward: 127.0.0.1:80
                    context: "\\x24main"
                    tunnel: {}
                  - name: b
                    forward: 127.0.0.1:80
                    tunnel: {}

                """
        )
        #expect(TunnelFile([]).text == "version: 1\ntunnels: []\n")
    }

    @Test("knows the mistakes of each tunnel by the keys that lead to them")
    func mistakes() {
        let tunnels = [
            Self.tunnel("a"),
            Self.tunnel("b", [.init(key: "trustedIPs", value: Tree(.list([.text("10.0.0.0/8"), .text("x")])))]),
            Self.tunnel(
                "c",
                [.init(key: "http", value: Tree(.table(Tree.Table([.init(key: "auht", value: .text("1"))]))))]
            ),
            Self.tunnel("a", context: "none such"),
            Tree.Table(),
        ]
        let mistakes = tunnels.map { TunnelFile.mistakes(in: $0) }
        let places = mistakes.map { $0.map { $0.path.joined(separator: ".") } }
        // All that the empty one has not.
        #expect(places == [[], ["tunnel.trustedIPs"], ["tunnel.http.auht"], [], ["", "", ""]])
        #expect(mistakes[1].first?.message == #"tunnel "b": "x" is not an address range"#)
    }
}

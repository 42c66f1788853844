// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Linux
import RstreamConfig
import RstreamModel
import RstreamTestSupport
import Testing

@testable import DockerTunnels

@Suite("a tunnel file of containers")
struct DockerTunnelFileTests {
    private static func container(_ labels: [String: String], number: Int = 1) -> Container {
        Container(
            id: "\(number)",
            names: ["/c\(number)"],
            created: Int64(number),
            labels: labels.map { .init(key: $0, value: $1) },
            networks: [.init(name: "bridge", addresses: ["172.17.0.2"])]
        )
    }

    @Test("is the same in whatever order the API lists containers and labels")
    func order() {
        let keys = ["a", "b", "c"]
        let labels = Dictionary(uniqueKeysWithValues: keys.map { ("rstream.tunnel.\($0).forward", "80") })
        let containers = (1...5).map { Self.container(labels, number: $0) }
        let text = DockerTunnelFile(ContainerListing(containers)).text
        var generator = SplitMix(seed: 7)
        for _ in 0..<20 {
            #expect(DockerTunnelFile(ContainerListing(containers.shuffled(using: &generator))).text == text)
        }
    }

    /// The file with the rights that its owner has: a user of `limits.tunnelOwners`.
    private struct Files: FileAccess {
        let text: String

        func read(_ path: String, limit: Int) throws(FileAccessError) -> FileContents {
            switch path {
            case "/d":
                let daemon = """
                    version: 1
                    context: main
                    contexts: { main: { engine: engine.example, noToken: true } }
                    limits: { tunnelOwners: [nobody] }
                    include: [/t]

                    """
                return FileContents(bytes: Array(daemon.utf8), mode: 0o640)
            case "/t":
                let step = PathStep(.file, path: path, owner: 65_534, group: 65_534, mode: 0o644)
                return FileContents(bytes: Array(text.utf8), file: step)
            default: throw .missing
            }
        }

        func names(in _: String) throws(FileAccessError) -> [String] { throw .missing }
    }

    private static func load(_ file: DockerTunnelFile) throws -> DaemonConfiguration {
        try ConfigurationLoader(files: Files(text: file.text), environment: ["HOME": "/root"]).load("/d").configuration
    }

    @Test("is taken by the daemon from a user that may own tunnels only, and says where its tunnels come from")
    func rights() throws {
        let labels = [
            "rstream.tunnel.a.forward": "80", "rstream.tunnel.a.label.home": "$HOME ${HOME} $$ \u{7}",
            "rstream.tunnel.a.label.rstream.managed-by": "me",
        ]
        let file = DockerTunnelFile(ContainerListing([Self.container(labels)]))
        let tunnel = try #require(try Self.load(file).tunnels.first)
        #expect(tunnel.name == "c1-a")
        #expect(
            tunnel.spec.labels == [
                "home": "$HOME ${HOME} $$ \u{7}", "rstream.managed-by": "run", "rstream.source": "docker",
            ]
        )
        #expect(tunnel.spec.protocol == .http)
        #expect(tunnel.spec.publish == true)
    }

    @Test("is one that the daemon takes, whatever the labels are", arguments: 0..<20)
    func hostile(seed: UInt64) throws {
        var generator = SplitMix(seed: seed)
        let pieces = [
            "\n", "\r", "- ", ": ", "#", "$HOME", "${", "\"", "'", "\\", "{", "}", "[", "]", ",", "&a", "*a", "!!str",
            "|",
            ">", "%", "@", "`", "\u{0}", "\u{85}", "\u{2028}", "\u{FEFF}", "\u{FFFE}", "\u{1FFFF}", "é", "e\u{301}",
            "🚇",
            "null", "true", "0x1F", "=", "<<", "?", "\t", " ", "a", "1.2.3.4/32", "FR", "tls1.3",
        ]
        let keys = LabelKey.all.keys.sorted() + ["label.", "forward", "unknown"]
        func text() -> String {
            (0..<Int.random(in: 0...6, using: &generator)).map { _ in
                pieces.randomElement(using: &generator) ?? ""
            }.joined()
        }
        let containers = (1...30).map { number in
            var labels = ["rstream.tunnel.a.forward": "80"]
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                let key = keys.randomElement(using: &generator) ?? ""
                labels["rstream.tunnel.\(Bool.random(using: &generator) ? "a" : text()).\(key)\(text())"] = text()
            }
            return Self.container(labels, number: number)
        }
        let file = DockerTunnelFile(ContainerListing(containers))
        #expect(try Self.load(file).tunnels.count == file.tunnelCount)
        #expect(file.complaints.allSatisfy { !"\($0)".unicodeScalars.contains { $0.value < 0x20 } })
        // A container with nothing but a port is among them.
        #expect(file.tunnelCount > 0)
    }

    @Test("has no more tunnels, and no more bytes, than the daemon reads")
    func limits() throws {
        let many = (1...1_010).map { Self.container(["rstream.tunnel.a.forward": "80"], number: $0) }
        let file = DockerTunnelFile(ContainerListing(many))
        #expect(file.tunnelCount == 1_000)
        #expect(file.complaints.count == 10)
        #expect(
            file.complaints.first?.description
                == #"container "c1001": tunnel "a": there are 1000 tunnels already; the tunnel is left out"#
        )
        #expect(try Self.load(file).tunnels.count == 1_000)

        let value = String(repeating: "\u{1F}", count: 1_000)
        var labels = ["rstream.tunnel.a.forward": "80"]
        for number in 0..<20 { labels["rstream.tunnel.a.label.\(number)"] = value }
        let long = DockerTunnelFile(ContainerListing((1...30).map { Self.container(labels, number: $0) }))
        #expect(long.tunnelCount == 25)
        #expect(Set(long.complaints.map(\.reason)) == ["all labels together are too long; its tunnels are left out"])
        #expect(try Self.load(long).tunnels.count == 25)
    }

    @Test(
        "has room for all containers, however long the labels of one are",
        arguments: [
            ("label.a", String(repeating: "x", count: 40_000)), ("tls.alpns", String(repeating: "a,", count: 3_000)),
            ("geoip", String(repeating: "FR,", count: 100_000)), (String(repeating: "k", count: 40_000), "1"),
        ]
    )
    func greed(key: String, value: String) throws {
        let greedy = Self.container(["rstream.tunnel.a.forward": "80", "rstream.tunnel.a.\(key)": value], number: 1)
        let others = (2...10).map { Self.container(["rstream.tunnel.a.forward": "80"], number: $0) }
        let file = DockerTunnelFile(ContainerListing([greedy] + others))
        #expect(file.tunnelCount == 9)
        #expect(
            file.complaints.map(\.description) == [
                #"container "c1": its labels are too long; its tunnels are left out"#
            ]
        )
    }

    @Test("has nothing of containers that cannot be read or are too long, which are counted")
    func unreadable() {
        let file = DockerTunnelFile(ContainerListing([], unreadable: 2, tooLong: 1))
        #expect(
            file.complaints.map(\.description) == [
                "containers that cannot be read, and have no tunnels: 2",
                "containers that take more than 1048576 bytes in the list of containers and have no tunnels: 1; "
                    + "give them shorter labels",
            ]
        )
        #expect(file.tunnelCount == 0)
    }
}

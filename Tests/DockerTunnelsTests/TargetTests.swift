// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Testing

@testable import DockerTunnels

/// Where streams go: `forward`, and the context that takes them there.
@Suite("a container's target")
struct TargetTests {
    private static let usual: [Container.Network] = [
        .init(name: "front", addresses: ["172.18.0.2"]), .init(name: "back", addresses: ["172.19.0.3", "2001:db8::3"]),
    ]

    private static func file(
        _ forward: String,
        networks: [Container.Network] = usual,
        more: [String: String] = [:],
        _ change: (inout TunnelOptions) -> Void = { _ in }
    ) -> DockerTunnelFile {
        var options = TunnelOptions()
        change(&options)
        let labels = ["rstream.tunnel.a.forward": forward].merging(more) { $1 }
        let container = Container(
            id: "1",
            names: ["/app"],
            created: 1,
            labels: labels.map { .init(key: $0, value: $1) },
            networks: networks
        )
        return DockerTunnelFile(ContainerListing([container]), options)
    }

    private static func value(_ key: String, of file: DockerTunnelFile) -> String? {
        file.text.split(separator: "\n").first { $0.hasPrefix("    \(key): ") }.map {
            String($0.dropFirst(6 + key.count))
        }
    }

    @Test(
        "is a port at the first address by the networks' names, or one of its own addresses",
        arguments: [
            ("80", "172.19.0.3:80"), (" 80 ", "172.19.0.3:80"), ("172.18.0.2:80", "172.18.0.2:80"),
            ("[2001:db8::3]:80", #""[2001:db8::3]:80""#), ("[2001:db8:0::3]:80", #""[2001:db8::3]:80""#),
        ]
    )
    func forward(text: String, target: String) {
        let file = Self.file(text)
        #expect(file.complaints == [])
        #expect(Self.value("forward", of: file) == target)
    }

    @Test(
        "is nothing else",
        arguments: [
            "", "http", "0", "65536", "localhost:80", "127.0.0.1:80", "172.18.0.3:80", "172.18.0.2:0", "172.18.0.2:",
            ":80", "unix:/run/docker.sock", "http://172.18.0.2:80", "2001:db8::9:80", "[]:80", "[:80", "-1", "8０",
            "$PORT", "80\n81",
        ]
    )
    func wrong(text: String) {
        let file = Self.file(text)
        #expect(file.tunnelCount == 0)
        #expect(file.complaints.map(\.label) == ["rstream.tunnel.a.forward"])
    }

    @Test("is in the network that the operator names")
    func network() {
        let file = Self.file("80") { $0.network = "front" }
        #expect(Self.value("forward", of: file) == "172.18.0.2:80")
        let missing = Self.file("80") { $0.network = "other" }
        #expect(
            missing.complaints.map(\.reason) == [
                #"the container has no address in the network "other"; the tunnel is left out"#
            ]
        )
        // An address says itself where it is.
        #expect(Self.file("172.18.0.2:80") { $0.network = "back" }.complaints == [])
    }

    @Test("is missing where a container has no address")
    func none() {
        #expect(
            Self.file("80", networks: []).complaints.map(\.reason) == [
                "the container has no address that this host could reach; the tunnel is left out"
            ]
        )
        #expect(
            Self.file("80", networks: [.init(name: "host", addresses: [])]).complaints.map(\.reason) == [
                "the container has no address of its own: it is in the network of the host; the tunnel is left out"
            ]
        )
        let file = Self.file(
            "80",
            networks: [.init(name: "a", addresses: []), .init(name: "b", addresses: ["fd00::1"])]
        )
        #expect(Self.value("forward", of: file) == #""[fd00::1]:80""#)
    }

    @Test("has the operator's context, and of the labels' those that the operator allows")
    func contexts() {
        #expect(Self.value("context", of: Self.file("80")) == nil)
        #expect(Self.value("context", of: Self.file("80") { $0.context = "main" }) == "main")
        let label = ["rstream.context": "other"]
        let allowed = Self.file("80", more: label) {
            $0.context = "main"
            $0.labelContexts = ["third", "other"]
        }
        #expect(Self.value("context", of: allowed) == "other")
        let refused = Self.file("80", more: label) { $0.context = "main" }
        #expect(refused.tunnelCount == 0)
        #expect(
            refused.complaints.map(\.description) == [
                #"container "app": label rstream.context: "other" is no context that --allow-context lets labels name; "#
                    + "its tunnels are left out"
            ]
        )
    }
}

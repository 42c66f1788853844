// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import RstreamModel
import RstreamTestSupport
import Testing

@testable import DockerTunnels

@Suite("labels of a container")
struct LabelTests {
    private static func container(
        _ labels: [String: String],
        name: String = "app",
        id: String = "1",
        created: Int64 = 1,
        networks: [Container.Network] = [.init(name: "bridge", addresses: ["172.17.0.2"])]
    ) -> Container {
        Container(
            id: id,
            names: ["/\(name)"],
            created: created,
            labels: labels.map { .init(key: $0, value: $1) },
            networks: networks
        )
    }

    private static func file(_ containers: [Container], _ options: TunnelOptions = TunnelOptions()) -> DockerTunnelFile
    {
        DockerTunnelFile(ContainerListing(containers), options)
    }

    /// The file without its head.
    private static func lines(_ file: DockerTunnelFile) -> [String] {
        file.text.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
    }

    /// What is said about a tunnel with a port to forward to and one label more.
    private static func said(_ key: String, _ value: String) -> [String] {
        file([container(["rstream.tunnel.a.forward": "80", "rstream.tunnel.a.\(key)": value])]).complaints.map(
            \.description
        )
    }

    @Test("ask for a published http tunnel unless they say otherwise")
    func usual() {
        let file = Self.file([
            Self.container(["rstream.tunnel.web.forward": "8080", "other": "label"], name: "My_App.1")
        ])
        #expect(
            Self.lines(file) == [
                "version: 1", "tunnels:", "  - name: my_app.1-web", "    forward: 172.17.0.2:8080", "    tunnel:",
                "      publish: true", "      protocol: http", "      labels:", "        rstream.source: docker",
            ]
        )
        #expect(file.tunnelCount == 1)
        #expect(file.complaints == [])
    }

    @Test("may have every key")
    func all() {
        let web = [
            "forward": "172.17.0.2:80", "publish": "YES", "protocol": "http", "type": "bytestream",
            "host": "web.example", "upstream-tls": "0", "allow-cross-region-routing": "f",
            "trusted-ips": "192.0.2.0/24, 2001:db8::/32,", "geoip": "FR,de", "label.env": "prod: $HOME",
            "label.a.b": "", "label.rstream.source": "mine", "http.version": "http/1.1", "http.auth.token": "t",
            "http.auth.rstream": "n", "http.gate.challenge": "no", "http.upstreamTLS": "FALSE",
        ]
        let secure = [
            "forward": "443", "protocol": "tls", "tls.mode": "terminated", "tls.minVersion": "tls1.2",
            "tls.ciphers": "TLS_AES_128_GCM_SHA256", "tls.alpns": "h2,http/1.1", "tls.mtls": "y",
        ]
        var labels: [String: String] = [:]
        for (name, keys) in [("web", web), ("tls", secure)] {
            for (key, value) in keys { labels["rstream.tunnel.\(name).\(key)"] = value }
        }
        labels["rstream.tunnel.raw.forward"] = "22"
        labels["rstream.tunnel.raw.protocol"] = "tcp"
        labels["rstream.tunnel.raw.port"] = "10022"
        let file = Self.file([Self.container(labels)])
        #expect(file.complaints.map(\.description) == [])
        #expect(
            Self.lines(file) == [
                "version: 1", "tunnels:",
                "  - name: app-raw", "    forward: 172.17.0.2:22", "    tunnel:", "      publish: true",
                "      protocol: tcp", "      port: 10022", "      labels:", "        rstream.source: docker",
                "  - name: app-tls", "    forward: 172.17.0.2:443", "    tunnel:", "      publish: true",
                "      protocol: tls", "      tls:", "        alpns:", "          - h2", "          - http/1.1",
                "        ciphers:", "          - TLS_AES_128_GCM_SHA256",
                "        minVersion: tls1.2", "        mode: terminated", "        mtls: true", "      labels:",
                "        rstream.source: docker",
                "  - name: app-web", "    forward: 172.17.0.2:80", "    tunnel:", "      publish: true",
                "      protocol: http", "      allowCrossRegionRouting: false", "      geoip:", "        - FR",
                "        - de", "      host: web.example", "      http:", "        auth:", "          rstream: false",
                "          token: true", "        gate:", "          challenge: false", "        upstreamTLS: false",
                "        version: http/1.1", "      trustedIPs:", "        - 192.0.2.0/24",
                "        - 2001:db8::/32", "      type: bytestream",
                "      upstreamTLS: false", "      labels:", "        a.b: \"\"", "        env: \"prod: \\x24HOME\"",
                "        rstream.source: docker",
            ]
        )
    }

    @Test("are in the manual page, each with its key")
    func manual() throws {
        let page = try String(contentsOfFile: "\(Binaries.packageRoot)/man/rstreamd-docker.8", encoding: .utf8)
        let words = Set(page.split { $0 == " " || $0 == "\n" })
        for key in LabelKey.all.keys.sorted() + [LabelKey.forward, "label.KEY", LabelKey.context] {
            #expect(words.contains(Substring(key)), "\(key)")
        }
    }

    @Test("of another form are not ours")
    func others() {
        let labels = [
            "rstream": "1", "rstream.tunnel": "1", "rstream.tunnel.web": "1", "rstream.tunnel.web.": "1",
            "rstream.tunnel..forward": "1", "rstream.tunnels.web.forward": "1", "com.docker.compose.project": "app",
        ]
        let file = Self.file([Self.container(labels)])
        #expect(Self.lines(file) == ["version: 1", "tunnels: []"])
        #expect(file.complaints == [])
    }

    @Test(
        "with a mistake are told with the container and the label",
        arguments: [
            ("publish", "", "the value is neither true nor false"),
            ("http.auth.token", "hunter2", "the value is neither true nor false"),
            ("port", "0", #""0" is not a number from 1 to 65535"#),
            ("port", "65536", #""65536" is not a number from 1 to 65535"#),
            ("port", "+1", #""+1" is not a number from 1 to 65535"#), ("publsh", "true", "there is no such key"),
            ("PUBLISH", "true", "there is no such key"), ("http", "true", "there is no such key"),
            ("label.", "true", "there is no key behind it"), ("é", "1", "there is no such key"),
        ]
    )
    func mistakes(key: String, value: String, reason: String) {
        let said = Self.said(key, value)
        #expect(said == [#"container "app": label rstream.tunnel.a.\#(key): \#(reason); the tunnel is left out"#])
    }

    /// The reader of tunnel files says what is wrong; the label is found by the key that it points at.
    @Test(
        "that the reader of tunnel files refuses are told with their label",
        arguments: [
            ("protocol", "gopher"), ("type", "x"), ("host", "a b"), ("host", " "),
            ("trusted-ips", "10.0.0.0/8,nonsense"),
            ("geoip", "FR,Atlantis"), ("http.version", "http/9"), ("tls.mode", "open"), ("tls.minVersion", "ssl3"),
            ("port", "80"), ("label.\(String(repeating: "k", count: 300))", "v"),
            ("label.k", String(repeating: "v", count: 2_000)),
        ]
    )
    func refused(key: String, value: String) throws {
        let said = Self.said(key, value)
        #expect(said.count == 1)
        let start = #"container "app": label \#("rstream.tunnel.a.\(key)".cut(toBytes: 200)): "#
        #expect(said.first?.hasPrefix(start) == true, "\(said)")
        #expect(said.first?.hasSuffix("; the tunnel is left out") == true, "\(said)")
    }

    @Test("with mistakes do not keep the others from being served")
    func served() {
        let file = Self.file([
            Self.container(["rstream.tunnel.a.forward": "80", "rstream.tunnel.a.publish": "x"], name: "one", id: "1"),
            Self.container(
                ["rstream.tunnel.a.forward": "80", "rstream.tunnel.b.forward": "81", "rstream.tunnel.b.type": "x"],
                name: "two",
                id: "2"
            ),
            Self.container(["rstream.tunnel.a.host": "web.example"], name: "three", id: "3"),
        ])
        #expect(Self.lines(file).filter { $0.contains("name:") } == ["  - name: two-a"])
        #expect(file.complaints.map(\.container) == ["one", "two", "three"])
        #expect(
            file.complaints.map(\.description).contains(
                #"container "three": tunnel "a": it has no label "forward"; the tunnel is left out"#
            )
        )
    }

    @Test("that the reader of tunnel files refuses take neither a name nor the room of others' mistakes")
    func refusedName() {
        let port = "rstream.tunnel.a.forward"
        let wrong = ["type": "x", "trusted-ips": String(repeating: "x,", count: 1_500)].map { key, value in
            Self.container([port: "80", "rstream.tunnel.a.\(key)": value], name: "my app", id: key, created: 1)
        }
        let file = Self.file(wrong + [Self.container([port: "81"], name: "my?app", id: "z", created: 2)])
        #expect(Self.lines(file).filter { $0.contains("name:") } == ["  - name: my-app-a"])
        #expect(
            file.complaints.map(\.label) == ["rstream.tunnel.a.trusted-ips", "rstream.tunnel.a.type"]
        )
    }

    @Test("lead to one tunnel of a name: the one of the container that was made first")
    func names() {
        let labels = ["rstream.tunnel.web.forward": "80"]
        let file = Self.file([
            Self.container(labels, name: "my app", id: "2", created: 2),
            Self.container(labels, name: "my?app", id: "1", created: 1),
            Self.container(
                ["rstream.tunnel.a b.forward": "1", "rstream.tunnel.a-b.forward": "2"],
                name: "x",
                id: "3",
                created: 3
            ),
        ])
        #expect(Self.lines(file).filter { $0.contains("name:") } == ["  - name: my-app-web", "  - name: x-a-b"])
        #expect(
            file.complaints.map(\.description) == [
                #"container "my app": tunnel "web": the name "my-app-web" is taken by container "my?app"; "#
                    + "the tunnel is left out",
                #"container "x": tunnel "a-b": the name "x-a-b" is taken by another one of the container; "#
                    + "the tunnel is left out",
            ]
        )
    }
}

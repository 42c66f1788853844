// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Testing

@testable import DockerTunnels

@Suite("where the API is")
struct DockerHostTests {
    @Test(
        "is a socket or a port",
        arguments: [
            ("unix:///var/run/docker.sock", DockerHost.usual, "unix:///var/run/docker.sock"),
            ("unix:///run/user/1000/podman/podman.sock", .unix(path: "/run/user/1000/podman/podman.sock"), ""),
            ("tcp://127.0.0.1:2376", .tcp(host: "127.0.0.1", port: 2_376), ""),
            ("tcp://docker.example", .tcp(host: "docker.example", port: 2_375), "tcp://docker.example:2375"),
            ("http://proxy:80/", .tcp(host: "proxy", port: 80), "tcp://proxy:80"),
            ("tcp://[2001:db8::1]:99", .tcp(host: "2001:db8::1", port: 99), ""),
            ("tcp://[::1]", .tcp(host: "::1", port: 2_375), "tcp://[::1]:2375"),
            ("tcp://::1", .tcp(host: "::1", port: 2_375), "tcp://[::1]:2375"),
        ]
    )
    func read(text: String, host: DockerHost, description: String) throws {
        #expect(try DockerHost(text) == host)
        #expect("\(host)" == (description.isEmpty ? text : description))
    }

    @Test(
        "is nothing else",
        arguments: [
            "", "/var/run/docker.sock", "unix://", "unix://run/docker.sock", "unix:///a\u{0}",
            "unix:///\(String(repeating: "a", count: 107))", "tcp://", "tcp://:2375", "tcp://host:", "tcp://host:0",
            "tcp://host:99999", "tcp://host:1:2", "tcp://a b:1", "tcp://[::1", "tcp://user@host:1", "tcp://host/path",
            "ssh://user@host", "npipe:////./pipe/docker_engine", "fd://", "https://host", "UNIX:///a",
        ]
    )
    func refused(text: String) {
        #expect(throws: DockerHost.Invalid.self) { try DockerHost(text) }
    }
}

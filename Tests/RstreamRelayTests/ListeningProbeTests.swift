// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Glibc
import NIOCore
import Rstream
import RstreamModel
import RstreamTestSupport
import Testing

@testable import RstreamRelay

@Suite("A place to listen at that is only tried", .timeLimit(.hang))
struct ListeningProbeTests {
    private static let setting = "metrics.listen"

    private func probe(_ address: ListenAddress, takesIPv4: Bool = false) async -> RstreamError? {
        await address.probe(for: Self.setting, takesIPv4: takesIPv4)
    }

    @Test("is free where no process listens, and disturbs no listener")
    func free() async throws {
        try await TestServer.with { server in
            let error = await probe(.tcp(host: "127.0.0.1", port: server.port))
            let address = "127.0.0.1:\(server.port)"
            #expect(error?.what == "cannot listen on \(address): another program listens there")
            #expect(error?.fix == "free the address (ss -ltnp shows which program uses it), or change metrics.listen")
            // An address for all of them takes the port from this one.
            #expect(await probe(.tcp(host: "0.0.0.0", port: server.port)) != nil)
            // Who listens there goes on.
            let visitor = try await TestConnection.connect(toPort: server.port)
            try await visitor.send("x")
            #expect(try await visitor.receive(asLongAs: "x") == "x")
            await visitor.close()
        }
        for host in ["127.0.0.1", "0.0.0.0", "localhost"] {
            #expect(await probe(.tcp(host: host, port: 0)) == nil)
        }
    }

    @Test(
        "at all addresses of IPv6 is one of IPv4 as well only where it is meant to be",
        .enabled("there is no IPv6") { await TestServer.hasIPv6() }
    )
    func families() async throws {
        try await ListenerFixture.with(
            .tcp(host: "0.0.0.0", port: 0),
            client: try ListenerFixture.client(ofEngineAt: 9)
        ) { fixture in
            let port = try #require(fixture.listener.localAddresses.first?.port)
            #expect(await probe(.tcp(host: "::", port: port)) == nil)
            let error = await probe(.tcp(host: "::", port: port), takesIPv4: true)
            #expect(error?.what.contains("another program") == true)
        }
    }

    @Test("that cannot be bound is reported with another remedy than an address")
    func impossible() async throws {
        let absent = await probe(.tcp(host: "192.0.2.1", port: 0))
        #expect(absent?.what == "cannot listen on 192.0.2.1:0: this host does not have the address")
        #expect(absent?.fix == "give the host the address, or change metrics.listen")
        let unknown = await probe(.tcp(host: "none.invalid", port: 0))
        #expect(unknown?.what.contains("the name \"none.invalid\" cannot be resolved") == true)
        #expect(unknown?.fix?.contains("name servers") == true)
    }

    @Test("in the file system leaves nothing there, and what is there stays")
    func files() async throws {
        try await TemporaryFolder.with { folder in
            #expect(await probe(.unix(path: folder.path(of: "new"))) == nil)
            try folder.write("precious", to: "file")
            try await TestServer.with(at: .unix(path: folder.path(of: "s"))) { _ in
                for (name, reason, fix) in [
                    ("s", "another program listens there", "free the address, or"),
                    ("file", "what is there is not a socket", "remove it, or"),
                    ("no/s", "there is no folder \(folder.path(of: "no"))", "make the folder, or"),
                ] {
                    let error = await probe(.unix(path: folder.path(of: name)))
                    #expect(error?.what.hasSuffix(": \(reason)") == true, "\(error?.what ?? "")")
                    #expect(error?.fix == "\(fix) change metrics.listen")
                }
                let (text, left) = (
                    try folder.read("file"), try FileManager.default.contentsOfDirectory(atPath: folder.path)
                )
                #expect(text == "precious" && left.sorted() == ["file", "s"])
            }
        }
    }

    @Test("is told by what the kernel says, for ports and for files")
    func words() {
        let port = ListenAddress.tcp(host: "127.0.0.1", port: 443)
        let highPort = ListenAddress.tcp(host: "127.0.0.1", port: 8_443)
        let file = ListenAddress.unix(path: "/run/x/s")
        for (address, code, reason, fix) in [
            (port, EACCES, "a port below 1024 needs a capability", "CAP_NET_BIND_SERVICE"),
            (port, EADDRINUSE, "another program listens there", "ss -ltnp"),
            (highPort, EACCES, "permission denied", "free the address"),
            (file, EACCES, "its folder /run/x may not be written", "let the daemon's user write there"),
            (file, EROFS, "its folder /run/x is read-only", "ReadWritePaths="),
            (file, ENOENT, "there is no folder /run/x", "make the folder"),
            (.unix(path: "/s"), EACCES, "its folder / may not be written", "write there"),
        ] {
            let error = RstreamError.listening(on: address, failed: IOError(errnoCode: code, reason: "bind"))
            #expect(error.what == "cannot listen on \(address): \(reason)")
            #expect(error.fix?.contains(fix) == true && error.fix?.hasSuffix("change the listener's listen") == true)
            let called = RstreamError.listening(
                on: address,
                called: "/s",
                failed: IOError(errnoCode: code, reason: "bind"),
                for: "admin.socket"
            )
            #expect(called.what == "cannot listen on /s: \(reason)")
            #expect(called.fix?.hasSuffix("change admin.socket") == true)
        }
    }
}

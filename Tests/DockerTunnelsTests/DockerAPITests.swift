// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import RstreamTestSupport
import Testing

@testable import DockerTunnels

@Suite("an API of containers", .timeLimit(.hang))
struct DockerAPITests {
    private static let web = TestContainer("web", labels: ["rstream.tunnel.a.forward": "80", "é": "\u{1F687}"])

    private static func failure(_ answer: String, limit: Duration = testTimeout) async throws -> DockerFailure? {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            return try await TestContainerAPI.with(at: .unix(path: path)) { api in
                api.change(to: .says(answer))
                do throws(DockerFailure) {
                    _ = try await DockerAPI(.unix(path: path), limit: limit).listing()
                    return nil
                } catch {
                    return error
                }
            }
        }
    }

    private static func answer(_ body: String, _ status: String = "200 OK") -> String {
        "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test("gives its list at a socket and at a port, by calls that change nothing")
    func listing() async throws {
        let containers = (0..<100).map { TestContainer("web\($0)", created: $0, labels: Self.web.labels) }
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            try await TestContainerAPI.with(at: .unix(path: path), containers) { api in
                let listing = try await DockerAPI(.unix(path: path)).listing()
                #expect(listing.containers.map(\.name) == containers.map(\.name))
                #expect(api.requests.value == ["GET /containers/json HTTP/1.1"])
            }
        }
        try await TestContainerAPI.with(at: .tcp, containers) { api in
            let there = DockerAPI(.tcp(host: "127.0.0.1", port: api.port))
            let listing = try await there.listing()
            #expect(listing.containers.count == 100)
        }
    }

    @Test("may answer in any way of HTTP")
    func forms() async throws {
        let body = "[\(Self.web.json)]"
        for answer in [
            Self.answer(body), "HTTP/1.1 103 Early Hints\r\n\r\n\(Self.answer(body))",
            "HTTP/1.0 200 OK\r\n\r\n\(body)", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\(body)",
        ] {
            #expect(try await Self.failure(answer) == nil, "\(answer.prefix(40))")
        }
    }

    @Test("that refuses says why")
    func refused() async throws {
        let said = #"{"message":"client version 1.99 is too new\u001b"}"#
        #expect(
            try await Self.failure(Self.answer(said, "400 Bad Request"))
                == .refused(status: 400, #"client version 1.99 is too new\u{1B}"#)
        )
        #expect(try await Self.failure(Self.answer("no JSON", "500 Oops")) == .refused(status: 500, ""))
        #expect(try await Self.failure("HTTP/1.1 301 Moved\r\nLocation: /\r\n\r\n") == .refused(status: 301, ""))
        let long = String(repeating: "x", count: 100_000)
        #expect(try await Self.failure(Self.answer(long, "400 No")) == .badAnswer("longer than 4096 bytes"))
    }

    @Test("that is none is an error, whatever it says")
    func garbage() async throws {
        #expect(try await Self.failure("") == .cutShort)
        #expect(try await Self.failure("SSH-2.0-OpenSSH_9.2\r\n") == .badAnswer("it is no HTTP"))
        #expect(try await Self.failure("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[") == .cutShort)
        #expect(try await Self.failure("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n") == .badAnswer("it is no HTTP"))
        #expect(try await Self.failure(Self.answer("{}")) == .badAnswer("it is no list in JSON"))
        let deep = String(repeating: "[", count: 100_000)
        #expect(try await Self.failure(Self.answer(deep)) == .badAnswer("it is no list in JSON"))
        let head = "HTTP/1.1 200 OK\r\nX: \(String(repeating: "x", count: 1_000_000))\r\n\r\n"
        #expect(try await Self.failure(head) != nil)
    }

    @Test("gives its list though one container in it is longer than any, and says so")
    func tooLong() async throws {
        let long = TestContainer("long", labels: ["a": String(repeating: "x", count: ContainerListReader.longestEntry)])
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            try await TestContainerAPI.with(at: .unix(path: path)) { api in
                api.change(to: .says(Self.answer("[\(long.json),\(Self.web.json)]")))
                let listing = try await DockerAPI(.unix(path: path)).listing()
                #expect(listing.containers.map(\.name) == ["web"])
                #expect(listing.tooLong == 1)
            }
        }
        #expect("\(DockerFailure.tooMuch)".contains("give them shorter labels"))
    }

    @Test("that says nothing is not waited for")
    func silent() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            try await TestContainerAPI.with(at: .unix(path: path)) { api in
                api.change(to: .isSilent)
                let limit = Duration.milliseconds(50)
                await #expect(throws: DockerFailure.silent(after: limit)) {
                    _ = try await DockerAPI(.unix(path: path), limit: limit).listing()
                }
            }
        }
    }

    @Test("that is not there is an error with the reason")
    func absent() async throws {
        try await TemporaryFolder.with { folder -> Void in
            await #expect(throws: DockerFailure.notReachable("No such file or directory")) {
                _ = try await DockerAPI(.unix(path: folder.path(of: "s"))).listing()
            }
        }
        try await TestServer.withDeadPort { port -> Void in
            await #expect(throws: DockerFailure.notReachable("Connection refused")) {
                _ = try await DockerAPI(.tcp(host: "127.0.0.1", port: port)).listing()
            }
        }
    }

    @Test("tells of events until it ends")
    func events() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            try await TestContainerAPI.with(at: .unix(path: path)) { api in
                let told = Observed<[DockerAPI.Occasion]>([])
                async let end: DockerFailure? = {
                    do throws(DockerFailure) {
                        try await DockerAPI(.unix(path: path)).follow { occasion in told.change { $0.append(occasion) }
                        }
                        return nil
                    } catch {
                        return error
                    }
                }()
                try await told.wait(for: "the beginning") { $0 == [.asked, .opened] }
                // Not each of these, which may arrive together: that something has changed.
                api.tell(Self.web.event("exec_start: /bin/true"))
                api.tell("\n\n")
                api.tell(Self.web.event("start"))
                try await told.wait(for: "a change") { $0 == [.asked, .opened, .changed] }
                api.tell("no JSON\n")
                try await told.wait(for: "what cannot be read") { $0.count == 4 }
                api.tell(String(repeating: "x", count: EventLines.longest + 1))
                api.tell("\n")
                try await told.wait(for: "what is too long") { $0.count == 5 }
                try await api.endEvents()
                #expect(await end == .cutShort)
                #expect(
                    api.requests.value
                        == ["GET /events?filters=%7B%22type%22%3A%5B%22container%22%2C%22network%22%5D%7D HTTP/1.1"]
                )
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Glibc
import Linux
import RstreamTestSupport
import Testing

@testable import DockerTunnels

/// The whole of it but for the command line, against an API in the same process.
@Suite("a tunnel file that follows containers", .timeLimit(.hang))
struct DockerWatchTests {
    private struct Stage: Sendable {
        let folder: TemporaryFolder
        let api: TestContainerAPI
        let notices: Observed<[Notice]>

        var file: String { folder.path(of: "docker.yaml") }

        /// What the file says, once it does; nil for that it is gone.
        func wait(for what: String, until isMet: @escaping @Sendable (String?) -> Bool) async throws {
            let folder = folder
            try await within("a file with \(what)") {
                while !isMet(try? folder.read("docker.yaml")) { try await Task.sleep(for: .milliseconds(5)) }
            }
        }

        /// Tells of an event and returns when a listing was asked for that is no older; what came of the one before is done.
        func tell(_ event: String) async throws {
            let count = api.requests.value.count(where: Self.isListing)
            api.tell(event)
            try await api.requests.wait(for: "a listing") { $0.count(where: Self.isListing) > count }
        }

        private static func isListing(_ line: String) -> Bool { line.hasPrefix("GET /containers/json") }

        func said(_ part: String, times: Int = 1) async throws {
            try await notices.wait(for: part) { $0.count { $0.text.contains(part) } >= times }
        }
    }

    private static func container(_ name: String, address: String = "172.17.0.2") -> TestContainer {
        TestContainer(name, labels: ["rstream.tunnel.a.forward": "80"], networks: ["bridge": address])
    }

    private static var timing: DockerWatch.Timing {
        var timing = DockerWatch.Timing()
        timing.pause = .milliseconds(1)
        // Only what a test wants to see happens.
        timing.settling = .seconds(3_600)
        timing.interval = .seconds(3_600)
        timing.minimumRetry = .milliseconds(1)
        timing.maximumRetry = .milliseconds(20)
        return timing
    }

    /// Follows the containers of an API until `body` returns; then the watch has to end.
    private static func with(
        _ containers: [TestContainer] = [],
        timing: DockerWatch.Timing = timing,
        _ body: (Stage) async throws -> Void
    ) async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            let notices = Observed<[Notice]>([])
            try await TestContainerAPI.with(at: .unix(path: path), containers) { api in
                let stage = Stage(folder: folder, api: api, notices: notices)
                let host = DockerHost.unix(path: path)
                let keeper = TunnelFileKeeper(stage.file, host: host, options: TunnelOptions()) { notice in
                    notices.change { $0.append(notice) }
                }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { await DockerWatch(DockerAPI(host), keeper, timing: timing).run() }
                    try await body(stage)
                    group.cancelAll()
                }
            }
        }
    }

    @Test("is written at the start, and again when containers come and go")
    func follows() async throws {
        let (one, two) = (Self.container("one"), Self.container("two", address: "172.17.0.3"))
        try await Self.with([one]) { stage in
            try await stage.wait(for: "one tunnel") { $0?.contains("name: one-a") == true }
            // The listing is wanted after the stream of events has begun: nothing is missed between them.
            try await stage.api.requests.wait(for: "a listing after the request for events") { lines in
                let (events, listing) = (
                    lines.firstIndex { $0.hasPrefix("GET /events") },
                    lines.lastIndex { $0.hasPrefix("GET /containers") }
                )
                return (events ?? .max) < (listing ?? .min)
            }
            stage.api.change(to: [one, two], event: two.event("start"))
            try await stage.wait(for: "two tunnels") { $0?.contains("forward: 172.17.0.3:80") == true }
            stage.api.change(to: [two], event: one.event("die"))
            try await stage.wait(for: "the second tunnel") { $0?.contains("one-a") == false }
            stage.api.change(to: [], event: two.event("die"))
            try await stage.wait(for: "no tunnel") { $0?.contains("tunnels: []") == true }
            #expect(stage.notices.value.allSatisfy { $0.level == .info })
        }
    }

    @Test("has its final mode from the start, whatever the umask is")
    func mode() async throws {
        try await Self.with([Self.container("one")]) { stage in
            try await stage.wait(for: "a tunnel") { $0 != nil }
            let file = try HostFile(reading: stage.file, limit: 10_000)
            #expect(file.step.mode == 0o644)
            let names = try FileManager.default.contentsOfDirectory(atPath: stage.folder.path)
            #expect(names.sorted() == ["docker.yaml", "s"])
        }
    }

    @Test("is not written where nothing has changed, and is written where someone else has changed it")
    func unchanged() async throws {
        let one = Self.container("one")
        try await Self.with([one]) { stage in
            try await stage.wait(for: "a tunnel") { $0?.contains("one-a") == true }
            let number = FileFacts.number(of: stage.file)
            // An event about what has no labels: a listing, and the same bytes.
            try await stage.tell(Self.container("other").event("start"))
            try await stage.tell(Self.container("other").event("die"))
            #expect(FileFacts.number(of: stage.file) == number)
            try stage.folder.remove("docker.yaml")
            try await stage.tell(Self.container("other").event("start"))
            try await stage.wait(for: "a tunnel again") { $0?.contains("one-a") == true }
            #expect(chmod(stage.file, 0o600) == 0)
            try await stage.tell(Self.container("other").event("start"))
            try await within("the mode") {
                while FileFacts.mode(of: stage.file) != UInt32(S_IFREG) | 0o644 {
                    try await Task.sleep(for: .milliseconds(5))
                }
            }
        }
    }

    @Test("stays as it is while the API is away, which is said once")
    func outage() async throws {
        let (one, two) = (Self.container("one"), Self.container("two"))
        try await Self.with([one]) { stage in
            try await stage.wait(for: "a tunnel") { $0?.contains("one-a") == true }
            let text = try stage.folder.read("docker.yaml")
            try await stage.api.endEvents(.says("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"))
            try await stage.said("is away")
            let requests = stage.api.requests.value.count
            try await stage.api.requests.wait(for: "more attempts") { $0.count > requests + 5 }
            #expect(try stage.folder.read("docker.yaml") == text)
            stage.api.change(listing: TestContainer.listing([two]), event: "")
            stage.api.change(to: .serves)
            try await stage.said("is back")
            try await stage.wait(for: "the other tunnel") { $0?.contains("two-a") == true }
            #expect(stage.notices.value.count { $0.text.contains("is away") } == 1)
        }
    }

    @Test("goes on after an end of the stream of events, which is nothing to tell when the next one begins")
    func reconnect() async throws {
        let (one, two) = (Self.container("one"), Self.container("two"))
        try await Self.with([one]) { stage in
            try await stage.wait(for: "a tunnel") { $0?.contains("one-a") == true }
            for round in 1...3 {
                // Both calls have to have been answered.
                try await stage.api.requests.wait(for: "a stream of events") { lines in
                    lines.count { $0.hasPrefix("GET /events") } == round
                }
                try await stage.tell(one.event("start"))
                try await stage.tell(one.event("start"))
                try await stage.api.endEvents()
            }
            try await stage.api.requests.wait(for: "the last stream") { lines in
                lines.count { $0.hasPrefix("GET /events") } == 4
            }
            stage.api.change(to: [two], event: two.event("start"))
            try await stage.wait(for: "the other tunnel") { $0?.contains("two-a") == true }
            #expect(stage.notices.value.allSatisfy { $0.level == .info }, "\(stage.notices.value)")
        }
    }

    @Test(
        "survives whatever the API says",
        arguments: [
            "", "\u{0}", "nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n[{",
            "HTTP/1.1 204 No\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n", "HTTP/1.1 200 OK\r\n\r\n{}",
            "HTTP/1.1 101 Switching\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n[]",
        ]
    )
    func garbage(answer: String) async throws {
        let one = Self.container("one")
        try await Self.with([one]) { stage in
            try await stage.wait(for: "a tunnel") { $0?.contains("one-a") == true }
            try await stage.api.endEvents(.says(answer))
            try await stage.said("is away")
            stage.api.change(to: .serves)
            try await stage.said("is back")
            #expect(try stage.folder.read("docker.yaml").contains("one-a"))
        }
    }

    @Test("is there for the other containers where one has a mistake, which is said once")
    func mistake() async throws {
        var wrong = Self.container("wrong")
        wrong.labels["rstream.tunnel.a.protocol"] = "gopher"
        let (containers, right) = ([wrong, Self.container("right")], Self.container("right"))
        try await Self.with(containers) { stage in
            try await stage.wait(for: "a tunnel") { $0?.contains("right-a") == true }
            try await stage.said(#"container "wrong": label rstream.tunnel.a.protocol: "#)
            try await stage.tell(right.event("start"))
            try await stage.tell(right.event("start"))
            #expect(stage.notices.value.count { $0.level == .warning } == 1)
            #expect(try !stage.folder.read("docker.yaml").contains("wrong"))
        }
    }

    @Test("is tried again where it cannot be written")
    func unwritable() async throws {
        let one = Self.container("one")
        try await Self.with([one]) { stage in
            try await stage.wait(for: "a tunnel") { $0 != nil }
            try stage.folder.remove("docker.yaml")
            // A folder in the place of the file.
            try stage.folder.makeFolder("docker.yaml")
            try await stage.tell(one.event("start"))
            try await stage.said("cannot be written: Is a directory")
            try stage.folder.remove("docker.yaml")
            try await stage.tell(one.event("start"))
            try await stage.wait(for: "a tunnel again") { $0?.contains("one-a") == true }
        }
    }

    @Test("is looked at again some time after an event, which may be told before the listing has changed")
    func settling() async throws {
        var timing = Self.timing
        timing.settling = .seconds(3)
        let (one, two) = (Self.container("one"), Self.container("two"))
        try await Self.with([one], timing: timing) { stage in
            try await stage.wait(for: "a tunnel") { $0?.contains("one-a") == true }
            try await stage.tell(one.event("disconnect"))
            stage.api.change(listing: TestContainer.listing([two]), event: "")
            try await stage.wait(for: "another tunnel") { $0?.contains("two-a") == true }
        }
    }

    @Test("is looked at without events, too")
    func interval() async throws {
        var timing = Self.timing
        timing.interval = .milliseconds(20)
        try await Self.with([Self.container("one")], timing: timing) { stage in
            try await stage.wait(for: "a tunnel") { $0?.contains("one-a") == true }
            stage.api.change(listing: TestContainer.listing([Self.container("two")]), event: "")
            try await stage.wait(for: "another tunnel") { $0?.contains("two-a") == true }
        }
    }

    @Test("is removed when that is asked for, and that is no error where it is gone")
    func removal() async throws {
        try await TemporaryFolder.with { folder in
            let notices = Observed<[Notice]>([])
            let path = folder.path(of: "docker.yaml")
            let keeper = TunnelFileKeeper(path, host: .usual, options: TunnelOptions()) { notice in
                notices.change { $0.append(notice) }
            }
            #expect(await keeper.keep(ContainerListing([])) == nil)
            let text = try folder.read("docker.yaml")
            #expect(text.hasSuffix("version: 1\ntunnels: []\n"))
            await keeper.remove()
            #expect(FileFacts.number(of: path) == nil)
            await keeper.remove()
            #expect(notices.value == [Notice(.info, "\(path): 0 tunnels")])
        }
    }
}

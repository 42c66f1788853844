import Glibc
import NIOCore
import RstreamModel
import RstreamRelay
import RstreamSocket
import RstreamTestSupport
import Testing

/// Sockets of the tests belong to the user who runs them, so a rule that leaves that user out stands for a stranger's
/// socket.
@Suite("A Unix socket as upstream", .serialized, .timeLimit(.minutes(1)))
struct UnixSocketRuleTests {
    private static let nobody = UnixSocketRule(owners: [], directories: [])
    private static let me = UnixSocketRule(owners: [geteuid()], directories: [])

    /// A visitor gets the echo of the service at `address`, or finds the stream closed for the rule.
    private func expect(_ address: UpstreamAddress, _ rule: UnixSocketRule, served: Bool) async throws {
        try await RelayHouse.with(address, unixSockets: rule) { house in
            let visitor = try await house.visit()
            try await visitor.send("x")
            let state = try await visitor.state.wait(for: "an echo or the end") {
                $0.isOver || $0.received.readableBytes > 0
            }
            #expect((state.received.readableBytes > 0) == served)
            if !served {
                let line = try #require(house.log.lines("upstream not reached").first)
                #expect(line.metadata["error"]?.contains("belongs to another user") == true, "\(line)")
            }
            await visitor.close()
        }
    }

    private func withSocket(_ body: (TemporaryFolder, String) async throws -> Void) async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            try await TestServer.with(at: .unix(path: path)) { _ in try await body(folder, path) }
        }
    }

    @Test("is dialed when its owner is permitted, and refused when not")
    func owner() async throws {
        try await withSocket { _, path in
            try await expect(.unix(path: path), Self.me, served: true)
            try await expect(.unix(path: path), Self.nobody, served: false)
        }
    }

    @Test("is dialed whoever owns it when its directory is listed, and only directly in it")
    func directory() async throws {
        try await withSocket { folder, path in
            let listed = UnixSocketRule(owners: [], directories: [folder.path + "/"])
            try await expect(.unix(path: path), listed, served: true)
            let parent = String(folder.path[..<(folder.path.lastIndex(of: "/") ?? folder.path.endIndex)])
            try await expect(.unix(path: path), UnixSocketRule(owners: [], directories: [parent]), served: false)
            let roundabout = "\(folder.path)/../\(folder.path.split(separator: "/").last ?? "")/s"
            try await expect(.unix(path: roundabout), listed, served: false)
        }
    }

    @Test("is judged by what a link leads to, not by the link")
    func link() async throws {
        try await withSocket { folder, path in
            let link = folder.path(of: "link")
            #expect(symlink(path, link) == 0)
            try await expect(.unix(path: link), Self.me, served: true)
            try await expect(.unix(path: link), Self.nobody, served: false)
        }
    }

    @Test("is not reached by a link in a listed directory")
    func linkInListedDirectory() async throws {
        try await withSocket { _, path in
            try await TemporaryFolder.with { other in
                let link = other.path(of: "link")
                #expect(symlink(path, link) == 0)
                let listed = UnixSocketRule(owners: [], directories: [other.path])
                try await expect(.unix(path: link), listed, served: false)
            }
        }
    }

    @Test("in the abstract name space is judged by who listens")
    func abstract() async throws {
        try await TemporaryFolder.with { folder in
            let name = folder.path(of: "abstract")
            try await TestServer.with(at: .abstract(name: name)) { server in
                try await expect(.abstract(name: name), Self.me, served: true)
                try await expect(.abstract(name: name), Self.nobody, served: false)
                // Nothing was said to the stranger.
                let stranger = try await server.connection(1)
                #expect(try await stranger.receiveAll().readableBytes == 0)
            }
        }
    }
}

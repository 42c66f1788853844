import Glibc
import RstreamSocket
import RstreamTestSupport
import Testing

/// Sockets of the tests belong to the user who runs them, so a rule that leaves that user out stands for a stranger's
/// socket.
@Suite("A Unix socket whose owner is judged", .timeLimit(.minutes(1)))
struct UnixSocketRuleTests {
    private static let nobody = UnixSocketRule(owners: [], directories: [])
    private static let me = UnixSocketRule(owners: [geteuid()], directories: [])

    /// Whether the rule lets the socket be connected to.
    private func isReached(path: String, by rule: UnixSocketRule) -> Bool {
        isPermitted { () throws(UnixSocket.Failure) in try UnixSocket.connect(toPath: path, by: rule) }
    }

    /// The same for a name in the abstract name space.
    private func isReached(abstract name: String, by rule: UnixSocketRule) -> Bool {
        isPermitted { () throws(UnixSocket.Failure) in try UnixSocket.connect(toAbstract: name, by: rule) }
    }

    private func isPermitted(_ connect: () throws(UnixSocket.Failure) -> CInt) -> Bool {
        do {
            close(try connect())
            return true
        } catch .notPermitted {
            return false
        } catch {
            Issue.record("not reached: \(error)")
            return false
        }
    }

    private func withSocket(_ body: (TemporaryFolder, String) throws -> Void) async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            try await TestServer.with(at: .unix(path: path)) { _ in try body(folder, path) }
        }
    }

    @Test("is connected to when its owner is permitted, and not otherwise")
    func owner() async throws {
        try await withSocket { _, path in
            #expect(isReached(path: path, by: Self.me))
            #expect(!isReached(path: path, by: Self.nobody))
        }
    }

    @Test("is connected to whoever owns it when its directory is listed, and only directly in it")
    func directory() async throws {
        try await withSocket { folder, path in
            let listed = UnixSocketRule(owners: [], directories: [folder.path + "/"])
            #expect(isReached(path: path, by: listed))
            let parent = String(folder.path[..<(folder.path.lastIndex(of: "/") ?? folder.path.endIndex)])
            #expect(!isReached(path: path, by: UnixSocketRule(owners: [], directories: [parent])))
            let roundabout = "\(folder.path)/../\(folder.path.split(separator: "/").last ?? "")/s"
            #expect(!isReached(path: roundabout, by: listed))
        }
    }

    @Test("is judged by what a link leads to, not by the link")
    func link() async throws {
        try await withSocket { folder, path in
            let link = folder.path(of: "link")
            #expect(symlink(path, link) == 0)
            #expect(isReached(path: link, by: Self.me))
            #expect(!isReached(path: link, by: Self.nobody))
        }
    }

    @Test("is not reached by a link in a listed directory")
    func linkInListedDirectory() async throws {
        try await withSocket { folder, path in
            try folder.makeFolder("listed")
            let link = folder.path(of: "listed/link")
            #expect(symlink(path, link) == 0)
            let listed = UnixSocketRule(owners: [], directories: [folder.path(of: "listed")])
            #expect(!isReached(path: link, by: listed))
        }
    }

    @Test("in the abstract name space is judged by who listens, and a stranger is told nothing")
    func abstract() async throws {
        try await TemporaryFolder.with { folder in
            let name = folder.path(of: "abstract")
            try await TestServer.with(at: .abstract(name: name)) { server in
                #expect(isReached(abstract: name, by: Self.me))
                #expect(!isReached(abstract: name, by: Self.nobody))
                let stranger = try await server.connection(1)
                #expect(try await stranger.receiveText().isEmpty)
            }
        }
    }
}

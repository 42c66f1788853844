import Glibc
import NIOCore
import NIOPosix
import Rstream
import RstreamModel
import RstreamRelay
import RstreamTestSupport
import Testing

@Suite("The socket file of a listener", .serialized, .timeLimit(.minutes(1)))
struct SocketFileTests {
    /// Listens at `path` while `body` runs.
    private func listen(at path: String, _ body: () async throws -> Void = {}) async throws {
        let client = try ListenerHouse.client(ofEngineAt: 1)
        try await ListenerHouse.with(.unix(path: path), client: client) { _ in try await body() }
    }

    private func mode(of path: String) -> mode_t? {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode : nil
    }

    private func names(in folder: TemporaryFolder) throws -> [String] {
        let directory = try #require(opendir(folder.path))
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if ![".", ".."].contains(name) { names.append(name) }
        }
        return names
    }

    @Test("may be used by its user and group, is alone in its folder, and is gone when the listener stops")
    func life() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            try await listen(at: path) {
                #expect(mode(of: path) == S_IFSOCK | 0o660)
                let names = try names(in: folder)
                #expect(names == ["s"])
            }
            #expect(try names(in: folder).isEmpty)
        }
    }

    @Test("replaces what a process that is gone has left")
    func leftover() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            // A second name keeps the file when its listener is closed.
            let first = folder.path(of: "first")
            try await TestServer.with(at: .unix(path: first)) { _ in #expect(link(first, path) == 0) }
            #expect(mode(of: path).map { $0 & S_IFMT } == S_IFSOCK)
            try await listen(at: path) {
                let local = try await TestConnection.connect(to: SocketAddress(unixDomainSocketPath: path))
                try await local.state.wait(for: "the end") { $0.isOver }
            }
        }
    }

    @Test("does not replace a socket that somebody listens on")
    func inUse() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            try await TestServer.with(at: .unix(path: path)) { _ in
                let error = await #expect(throws: RstreamError.self) { try await listen(at: path) }
                #expect(error?.what.contains("somebody else listens there") == true)
                let other = try await TestConnection.connect(to: SocketAddress(unixDomainSocketPath: path))
                try await other.send("x")
                #expect(try await other.receive(asLongAs: "x") == "x")
                await other.close()
                #expect(try names(in: folder) == ["s"])
            }
        }
    }

    @Test("does not replace any other kind of file, nor follow a link")
    func otherFile() async throws {
        try await TemporaryFolder.with { folder in
            let file = try folder.write("precious", to: "file")
            let link = folder.path(of: "link")
            #expect(symlink(file, link) == 0)
            for path in [file, link] {
                let error = await #expect(throws: RstreamError.self) { try await listen(at: path) }
                #expect(error?.what.contains("not a socket") == true)
            }
            #expect(try folder.read("file") == "precious")
            #expect(try names(in: folder).sorted() == ["file", "link"])
        }
    }

    @Test("is left alone by a listener that stops when it is another one's by then")
    func replaced() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            try await listen(at: path) {
                #expect(unlink(path) == 0)
                try folder.write("another's", to: "s")
            }
            #expect(try folder.read("s") == "another's")
        }
    }

    @Test("in a folder that is not there is an error")
    func noFolder() async throws {
        try await TemporaryFolder.with { folder in
            let error = await #expect(throws: RstreamError.self) { try await listen(at: folder.path(of: "no/s")) }
            #expect(error?.code == .listenerUnavailable)
        }
    }
}

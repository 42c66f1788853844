import Glibc
import RstreamSocket
import RstreamTestSupport
import Testing

@Suite("The file of a listening socket", .timeLimit(.minutes(1)))
struct SocketFileTests {
    /// Listens at `path` while `body` runs.
    private func listen(
        at path: String,
        replacing predecessor: SocketFile? = nil,
        _ body: (SocketFile) throws -> Void = { _ in }
    ) throws {
        let (file, socket) = try SocketFile.bind(path: path, mode: 0o660)
        defer {
            file.remove()
            close(socket)
        }
        try #require(Glibc.listen(socket, 1) == 0)
        try file.checkName(replacing: predecessor)
        try file.publish(replacing: predecessor)
        try body(file)
    }

    /// Somebody listens at `path`, and can be connected to.
    private func expectAnswer(at path: String) throws {
        close(try UnixSocket.connect(toPath: path, by: nil))
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

    @Test("has the mode it was bound with, is alone in its folder, and is gone when it was removed")
    func life() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            try listen(at: path) { _ in
                #expect(mode(of: path) == S_IFSOCK | 0o660)
                #expect(try names(in: folder) == ["s"])
                try expectAnswer(at: path)
            }
            #expect(try names(in: folder).isEmpty)
        }
    }

    @Test("has another name until it is published, and leaves nothing behind when it never is")
    func unpublished() async throws {
        try await TemporaryFolder.with { folder in
            let (file, socket) = try SocketFile.bind(path: folder.path(of: "s"), mode: 0o600)
            defer { close(socket) }
            let names = try names(in: folder)
            #expect(names.count == 1 && names != ["s"])
            file.remove()
            #expect(try self.names(in: folder).isEmpty)
        }
    }

    @Test("replaces what a process that is gone has left")
    func leftover() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            // A second name keeps the file when its listener has gone.
            try listen(at: folder.path(of: "first")) { _ in #expect(link(folder.path(of: "first"), path) == 0) }
            #expect(mode(of: path).map { $0 & S_IFMT } == S_IFSOCK)
            try listen(at: path) { _ in try expectAnswer(at: path) }
            #expect(try names(in: folder).isEmpty)
        }
    }

    @Test("does not replace a socket that somebody listens on, unless it is its predecessor's")
    func inUse() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            try listen(at: path) { first in
                #expect(throws: SocketFile.Failure.inUse) { try listen(at: path) }
                #expect(try names(in: folder) == ["s"])
                try expectAnswer(at: path)
                try listen(at: path, replacing: first) { _ in
                    first.remove()
                    #expect(try names(in: folder) == ["s"], "the first one's has gone, and not the second one's")
                    try expectAnswer(at: path)
                    #expect(throws: SocketFile.Failure.inUse) { try listen(at: path, replacing: first) }
                }
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
                #expect(throws: SocketFile.Failure.otherFile) { try listen(at: path) }
            }
            #expect(try folder.read("file") == "precious")
            #expect(try names(in: folder).sorted() == ["file", "link"])
        }
    }

    @Test("says of its name beforehand what publishing would")
    func checked() async throws {
        try await TemporaryFolder.with { folder in
            try folder.write("precious", to: "file")
            try listen(at: folder.path(of: "s")) { _ in
                for (name, failure) in [("s", SocketFile.Failure.inUse), ("file", .otherFile)] {
                    let (file, socket) = try SocketFile.bind(path: folder.path(of: name), mode: 0o600)
                    #expect(throws: failure) { try file.checkName() }
                    #expect(throws: failure) { try file.publish() }
                    file.remove()
                    close(socket)
                }
            }
        }
    }

    @Test("is left alone when its name is another one's by then")
    func replaced() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            try listen(at: path) { _ in
                #expect(unlink(path) == 0)
                try folder.write("another's", to: "s")
            }
            #expect(try folder.read("s") == "another's")
        }
    }

    @Test("may have a path that is too long for an address")
    func longPath() async throws {
        try await TemporaryFolder.with { folder in
            let name = String(repeating: "a", count: 200)
            try folder.makeFolder(name)
            let path = folder.path(of: name) + "/s"
            try listen(at: path) { _ in
                #expect(mode(of: path) == S_IFSOCK | 0o660)
                #expect(throws: SocketFile.Failure.inUse) { try listen(at: path) }
            }
        }
    }

    @Test("in a folder that is not there is an error")
    func noFolder() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "no/s")
            #expect(throws: SocketFile.Failure.errno(ENOENT)) { try listen(at: path) }
        }
    }
}

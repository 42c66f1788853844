// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Dispatch
import Glibc
import RstreamSocket
import RstreamTestSupport
import Testing

@Suite("The file of a listening socket", .timeLimit(.hang))
struct SocketFileTests {
    /// Listens at `path` while `body` runs.
    private func listen(
        at path: String,
        replacing predecessor: SocketFile? = nil,
        replacesLink: Bool = false,
        _ body: (SocketFile) throws -> Void = { _ in }
    ) throws {
        let (file, socket) = try SocketFile.bind(path: path, mode: 0o660)
        defer {
            file.remove()
            close(socket)
        }
        try #require(Glibc.listen(socket, 8) == 0)
        try file.checkName(replacing: predecessor, replacesLink: replacesLink)
        try file.publish(replacing: predecessor, replacesLink: replacesLink)
        try body(file)
    }

    /// Somebody listens at `path`, and can be connected to.
    private func expectAnswer(at path: String) throws {
        close(try UnixSocket.connect(toPath: path, by: nil))
    }

    private func names(in folder: TemporaryFolder, below name: String = ".") throws -> [String] {
        let directory = try #require(opendir(folder.path(of: name)))
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
                #expect(FileFacts.mode(of: path) == S_IFSOCK | 0o660)
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
            #expect(FileFacts.mode(of: path).map { $0 & S_IFMT } == S_IFSOCK)
            try listen(at: path) { _ in try expectAnswer(at: path) }
            #expect(try names(in: folder).isEmpty)
        }
    }

    @Test("does not replace a socket that another process listens on, unless it is its predecessor")
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

    @Test("replaces a link where that is permitted, whatever it leads to, and neither another file nor a live socket")
    func pointer() async throws {
        try await TemporaryFolder.with { folder in
            let file = try folder.write("precious", to: "file")
            let path = folder.path(of: "s")
            for target in [file, folder.path(of: "nothing")] {
                #expect(symlink(target, path) == 0)
                try listen(at: path, replacesLink: true) { _ in
                    #expect(FileFacts.mode(of: path) == S_IFSOCK | 0o660)
                    #expect(try names(in: folder).sorted() == ["file", "s"])
                    try expectAnswer(at: path)
                    #expect(throws: SocketFile.Failure.inUse) { try listen(at: path, replacesLink: true) }
                }
            }
            #expect(throws: SocketFile.Failure.otherFile) { try listen(at: file, replacesLink: true) }
            #expect(try folder.read("file") == "precious")
            #expect(try names(in: folder) == ["file"])
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

    @Test("is made in a folder that no other user can enter, with its group and mode before it has its name")
    func staged() async throws {
        try await TemporaryFolder.with { folder in
            chmod(folder.path, 0o777)
            let (file, socket) = try SocketFile.bind(path: folder.path(of: "s"), mode: 0o660, group: getegid())
            defer {
                file.remove()
                close(socket)
            }
            let staging = try #require(try names(in: folder).first)
            #expect(FileFacts.mode(of: folder.path(of: staging)) == S_IFDIR | 0o700)
            #expect(FileFacts.mode(of: folder.path(of: staging) + "/s") == S_IFSOCK | 0o660)
        }
    }

    @Test("gets another mode and another group while it is listened on, and stays the same file")
    func changed() async throws {
        let group = try #require(TestGroup.usable)
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            try listen(at: path) { file in
                for (mode, group) in [(0o600, nil), (0o626, group.id), (0o640, nil)] as [(mode_t, gid_t?)] {
                    try file.change(mode: mode, group: group)
                    #expect(FileFacts.mode(of: path) == S_IFSOCK | mode)
                    #expect(file.isThere)
                    try expectAnswer(at: path)
                }
                #expect(FileFacts.group(of: path) == group.id, "where none is given, it stays")
            }
        }
    }

    @Test("changes nothing that has taken its name, nor what a link leads to")
    func unchanged() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            let precious = try folder.write("precious", to: "precious", mode: 0o600)
            try listen(at: path) { file in
                #expect(unlink(path) == 0)
                #expect(throws: SocketFile.Failure.errno(ENOENT)) { try file.change(mode: 0o666) }
                #expect(symlink(precious, path) == 0)
                #expect(throws: SocketFile.Failure.otherFile) { try file.change(mode: 0o666) }
            }
            #expect(FileFacts.mode(of: precious) == S_IFREG | 0o600)
        }
    }

    @Test("gives no user more rights during a change than before or afterwards")
    func neverWider() async throws {
        let group = try #require(TestGroup.usable)
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            try listen(at: path) { file in
                let (seen, isOver, isDone) = (Observed<Set<[UInt32]>>([]), Observed(false), Observed(false))
                // On a thread of its own: nobody else has to stand back.
                DispatchQueue(label: "watcher").async {
                    while !isOver.value {
                        var status = stat()
                        if lstat(path, &status) == 0 {
                            seen.change { $0.insert([status.st_gid, status.st_mode & 0o777]) }
                        }
                    }
                    isDone.change { $0 = true }
                }
                // Its own group may write, the other one may not. The two are one where nobody but root has another.
                let end = ContinuousClock.now + testTimeout
                var rounds = 0
                while rounds < 2_000 || (seen.value.count < 2 && ContinuousClock.now < end) {
                    try file.change(mode: 0o640, group: group.id)
                    try file.change(mode: 0o660, group: getegid())
                    rounds += 1
                }
                isOver.change { $0 = true }
                while !isDone.value { usleep(1_000) }
                #expect(seen.value.count > 1, "nothing was watched")
                #expect(seen.value.allSatisfy { $0[0] == getegid() || $0[1] == 0o640 }, "\(seen.value)")
            }
        }
    }

    @Test("what a killed process left half made goes with the next one, and nothing else does")
    func leftoverFolder() async throws {
        try await TemporaryFolder.with { folder in
            // Bound and not published; the second one's process has ended.
            let living = try SocketFile.bind(path: folder.path(of: "a"), mode: 0o660)
            defer {
                living.file.remove()
                close(living.socket)
            }
            let dead = try SocketFile.bind(path: folder.path(of: "b"), mode: 0o660)
            close(dead.socket)
            try folder.makeFolder(".rstream-empty")
            try folder.makeFolder(".rstream-other")
            try folder.write("kept", to: ".rstream-other/s")
            try folder.makeFolder(".else")
            #expect(try names(in: folder).count == 5)
            try listen(at: folder.path(of: "c")) { _ in
                let left = try names(in: folder)
                #expect(left.count == 5, "\(left)")
                #expect(Set([".rstream-empty", ".rstream-other", ".else", "c"]).isSubset(of: left))
            }
            #expect(try folder.read(".rstream-other/s") == "kept")
            // The living one can still be published.
            #expect(Glibc.listen(living.socket, 1) == 0)
            try living.file.publish()
            try expectAnswer(at: folder.path(of: "a"))
        }
    }

    @Test("touches nothing that is laid in its way")
    func swaps() async throws {
        try await TemporaryFolder.with { folder in
            try folder.makeFolder("open")
            let open = folder.path(of: "open")
            chmod(open, 0o777)
            let precious = try folder.write("precious", to: "precious", mode: 0o600)
            // Whoever may write in the folder replaces every new name there at once, by a link to a file of ours.
            let (replaced, isOver) = (Observed(0), Observed(false))
            // Both on threads of their own, and waited for: nobody else has to stand back, and the folder goes with the test.
            let (ended, bound) = (Observed(false), Observed<(published: Set<mode_t?>, all: Bool)?>(nil))
            DispatchQueue(label: "others").async {
                while !isOver.value {
                    for name in (try? self.names(in: folder, below: "open")) ?? [] where name.hasPrefix(".") {
                        let count = replaced.value
                        guard rename("\(open)/\(name)", "\(folder.path)/taken-\(count)") == 0 else { continue }
                        symlink(precious, "\(open)/\(name)")
                        replaced.change { $0 += 1 }
                    }
                }
                ended.change { $0 = true }
            }
            DispatchQueue(label: "binder").async {
                var published: Set<mode_t?> = []
                var all = true
                while !isOver.value {
                    guard let (file, socket) = try? SocketFile.bind(path: open + "/s", mode: 0o666) else { continue }
                    all = all && Glibc.listen(socket, 8) == 0
                    if (try? file.publish()) != nil { published.insert(FileFacts.mode(of: open + "/s")) }
                    file.remove()
                    close(socket)
                }
                bound.change { $0 = (published, all) }
            }
            // Once is enough where it is seldom.
            _ = try? await replaced.wait(for: "many names that were replaced", within: .seconds(20)) { $0 >= 200 }
            _ = try? await replaced.wait(for: "a name that was replaced") { $0 > 0 }
            isOver.change { $0 = true }
            try await ended.wait(for: "the end of the others") { $0 }
            let outcome = try #require(try await bound.wait(for: "the end of the binder") { $0 != nil })
            #expect(outcome.all)
            #expect(outcome.published.isSubset(of: [S_IFSOCK | 0o666]))
            #expect(replaced.value > 0)
            #expect(FileFacts.mode(of: precious) == S_IFREG | 0o600)
            #expect(try folder.read("precious") == "precious")
        }
    }

    /// Binds a socket and does nothing more with it.
    private func bind(_ path: String, _ type: __socket_type) throws -> CInt {
        let descriptor = socket(AF_UNIX, CInt(type.rawValue), 0)
        try #require(descriptor >= 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0)
        return descriptor
    }

    @Test(
        "does not replace a socket that a process has bound and does not listen on, of any type and under any name",
        arguments: [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET].map(\.rawValue),
        [false, true]
    )
    func bound(type: UInt32, isLink: Bool) async throws {
        try await TemporaryFolder.with { folder in
            let (path, other) = (folder.path(of: "s"), folder.path(of: "other"))
            let socket = try bind(isLink ? other : path, __socket_type(rawValue: type))
            if isLink { #expect(link(other, path) == 0) }
            let (file, mine) = try SocketFile.bind(path: path, mode: 0o600)
            defer {
                file.remove()
                close(mine)
            }
            #expect(throws: SocketFile.Failure.inUse) { try file.checkName() }
            #expect(throws: SocketFile.Failure.inUse) { try file.publish() }
            #expect(try names(in: folder).sorted() == (isLink ? ["other", "s"] : ["s"]))
            close(socket)
            // Now it is a leftover.
            try listen(at: path) { _ in try expectAnswer(at: path) }
        }
    }

    @Test("does not replace a client's end that has a name")
    func client() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "s")
            let socket = try bind(path, SOCK_STREAM)
            defer { close(socket) }
            try listen(at: folder.path(of: "service")) { _ in
                var address = sockaddr_un()
                address.sun_family = sa_family_t(AF_UNIX)
                withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: folder.path(of: "service").utf8) }
                let result = withUnsafePointer(to: &address) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                    }
                }
                #expect(result == 0)
                #expect(throws: SocketFile.Failure.inUse) { try listen(at: path) }
            }
        }
    }

    @Test("may have a path that is too long for an address")
    func longPath() async throws {
        try await TemporaryFolder.with { folder in
            let name = String(repeating: "a", count: 200)
            try folder.makeFolder(name)
            let path = folder.path(of: name) + "/s"
            try listen(at: path) { _ in
                #expect(FileFacts.mode(of: path) == S_IFSOCK | 0o660)
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

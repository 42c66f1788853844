// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Dispatch
import Glibc
import Linux
import RstreamTestSupport
import Testing

@Suite("a file of this host")
struct HostFileTests {
    private static func failure(_ path: String, limit: Int = 100) -> HostFile.Failure? {
        do throws(HostFile.Failure) {
            _ = try HostFile(reading: path, limit: limit)
            return nil
        } catch {
            return error
        }
    }

    /// The steps from the folder on, in short: the last name with `/` for folders and `@` for links.
    private static func steps(_ way: [PathStep], in folder: TemporaryFolder) -> [String] {
        way.filter { $0.path.hasPrefix(folder.path) }.map { step in
            let name = step.path == folder.path ? "" : String(step.path.dropFirst(folder.path.count + 1))
            return step.kind == .folder ? name + "/" : step.kind == .link ? name + "@" : name
        }
    }

    @Test("is read with all that is passed on the way to it")
    func way() async throws {
        try await TemporaryFolder.with { folder in
            try folder.makeFolder("a")
            try folder.write("text", to: "a/f", mode: 0o640)
            let file = try HostFile(reading: folder.path(of: "a/f"), limit: 4)
            #expect(file.bytes == Array("text".utf8))
            #expect((file.step.kind, file.step.mode, file.step.owner) == (.file, 0o640, geteuid()))
            #expect(file.step.path == folder.path(of: "a/f"))
            #expect(file.way.first == (try HostFile.way(toFolder: "/").first))
            #expect(Self.steps(file.way, in: folder) == ["/", "a/"])
            #expect(!file.isElsewhere)
            // However it is spelled.
            for path in ["a//f", "./a/./f", "a/../a/f", "../../..\(folder.path)/a/f"] {
                let same = try HostFile(reading: folder.path(of: path), limit: 4)
                #expect(same.step == file.step)
                #expect(!same.isElsewhere)
            }
        }
    }

    @Test("is followed through links, each of which is noted, and known to be elsewhere")
    func links() async throws {
        try await TemporaryFolder.with { folder in
            for name in ["a", "a/data", "b"] { try folder.makeFolder(name) }
            try folder.write("1", to: "a/data/f")
            try folder.write("2", to: "b/f")
            #expect(symlink("data/f", folder.path(of: "a/below")) == 0)
            #expect(symlink("../b/f", folder.path(of: "a/beside")) == 0)
            #expect(symlink(folder.path(of: "b/f"), folder.path(of: "a/absolute")) == 0)
            #expect(symlink("beside", folder.path(of: "a/twice")) == 0)
            #expect(symlink("a", folder.path(of: "folder")) == 0)
            #expect(symlink("../b", folder.path(of: "a/other")) == 0)
            func read(_ name: String) throws -> (steps: [String], isElsewhere: Bool) {
                let file = try HostFile(reading: folder.path(of: name), limit: 4)
                return (Self.steps(file.way, in: folder), file.isElsewhere)
            }
            #expect(try read("a/below") == (["/", "a/", "a/below@", "a/data/"], false))
            #expect(try read("a/beside") == (["/", "a/", "a/beside@", "/", "b/"], true))
            #expect(try read("a/absolute").isElsewhere)
            #expect(try read("a/twice").isElsewhere)
            // A link to the folder leads to where the file is looked for.
            #expect(try read("folder/data/f") == (["/", "folder@", "a/", "a/data/"], false))
            #expect(try read("a/other/f") == (["/", "a/", "a/other@", "/", "b/"], false))
        }
    }

    @Test("is a regular file, and no other kind")
    func kinds() async throws {
        try await TemporaryFolder.with { folder in
            #expect(mkfifo(folder.path(of: "pipe"), 0o600) == 0)
            #expect(symlink("pipe", folder.path(of: "to-pipe")) == 0)
            #expect(symlink("/proc/self/environ", folder.path(of: "to-proc")) == 0)
            #expect(symlink("circle", folder.path(of: "circle")) == 0)
            #expect(symlink("nowhere", folder.path(of: "dangling")) == 0)
            try folder.write("12345", to: "f")
            #expect(symlink("f/g", folder.path(of: "below-file")) == 0)
            for (path, failure) in [
                ("pipe", .notRegular), ("to-pipe", .notRegular), ("", .notRegular), (".", .notRegular),
                ("to-proc", .ofKernel), ("circle", .failed(ELOOP)), ("dangling", .failed(ENOENT)),
                ("none", .failed(ENOENT)), ("f/g", .failed(ENOTDIR)), ("below-file", .failed(ENOTDIR)),
                ("f\0g", .failed(ENOENT)), (String(repeating: "a", count: 256), .failed(ENAMETOOLONG)),
                (String(repeating: "a/", count: 4_096), .failed(ENAMETOOLONG)),
            ] as [(String, HostFile.Failure)] {
                #expect(Self.failure(folder.path(of: path)) == failure, "\(path)")
            }
            #expect(Self.failure(folder.path(of: "f"), limit: 4) == .tooLong(limit: 4))
            #expect(Self.failure(folder.path(of: "f"), limit: 5) == nil)
        }
        for path in ["/proc/self/environ", "/proc/self/status", "/proc/version"] {
            #expect(Self.failure(path) == .ofKernel, "\(path)")
        }
        // Without waiting for it, and without what opening a device does.
        for path in ["/dev/zero", "/dev/null", "/dev/tty"] where access(path, F_OK) == 0 {
            #expect(Self.failure(path) == .notRegular, "\(path)")
        }
    }

    @Test("is what was judged, whatever is swapped in meanwhile", .timeLimit(.hang))
    func races() async throws {
        try await TemporaryFolder.with { folder in
            for name in ["mine", "theirs"] { try folder.makeFolder(name) }
            try folder.write("mine", to: "mine/f", mode: 0o600)
            try folder.write("theirs", to: "theirs/f", mode: 0o666)
            #expect(symlink("mine", folder.path(of: "l")) == 0)
            let (isOver, ended) = (Observed(false), Observed(false))
            // On a thread of its own: nobody else has to stand back.
            DispatchQueue(label: "others").async {
                var count = 0
                while !isOver.value {
                    count += 1
                    _ = symlink(count.isMultiple(of: 2) ? "mine" : "theirs", folder.path(of: "new"))
                    _ = rename(folder.path(of: "new"), folder.path(of: "l"))
                }
                ended.change { $0 = true }
            }
            for _ in 0..<300 {
                guard let file = try? HostFile(reading: folder.path(of: "l/f"), limit: 10) else { continue }
                let isMine = file.bytes == Array("mine".utf8)
                #expect(file.step.mode == (isMine ? 0o600 : 0o666))
                #expect(file.way.last?.path == folder.path(of: isMine ? "mine" : "theirs"))
            }
            isOver.change { $0 = true }
            // The folder goes with the test.
            try await ended.wait(for: "the end of the others") { $0 }
        }
    }

    @Test("may be read by whom its mode and its folders say")
    func readers() {
        func step(_ kind: PathStep.Kind, _ mode: UInt32) -> PathStep {
            PathStep(kind, path: "/f", owner: 1, group: 2, mode: mode)
        }
        for (mode, owner, group, others) in [
            (0o640, true, true, false), (0o600, true, false, false), (0o044, false, true, true),
            (0o604, true, false, true), (0o111, false, false, false),
        ] as [(UInt32, Bool, Bool, Bool)] {
            #expect(step(.file, mode).admits(user: 1, groups: [2]) == owner)
            #expect(step(.file, mode).admits(user: 9, groups: [2, 3]) == group)
            #expect(step(.file, mode).admits(user: 9, groups: [3]) == others)
            #expect(step(.file, mode).admits(user: 0, groups: []))
        }
        #expect(step(.folder, 0o711).admits(user: 9, groups: []))
        #expect(!step(.folder, 0o744).admits(user: 9, groups: []))
        #expect(step(.link, 0).admits(user: 9, groups: []))
    }
}

@Suite("users and groups of this host")
struct AccountTests {
    @Test("are those that it has")
    func host() {
        #expect(Accounts.host.user("root") == 0)
        #expect(Accounts.host.nameOfUser(0) == "root")
        #expect(Accounts.host.nameOfGroup(0) == "root")
        #expect(Accounts.host.user("no-such-user-here") == nil)
        #expect(Accounts.host.nameOfUser(3_999_999_999) == nil)
        #expect(!Accounts.host.isPrivate(3_999_999_999))
        #expect(Accounts.groups(of: 0, primary: 0).contains(0))
        #expect(Accounts.groups(of: 3_999_999_999, primary: 7) == [7])
    }
}

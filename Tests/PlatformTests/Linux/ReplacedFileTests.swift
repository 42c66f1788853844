// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Glibc
import Linux
import RstreamTestSupport
import Testing

@Suite("a file that is replaced")
struct ReplacedFileTests {
    private static func names(in folder: TemporaryFolder) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    }

    @Test("is another one with these bytes and this mode, and nothing is left beside it")
    func replace() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "f")
            for (text, mode) in [("one", UInt32(0o644)), ("two", 0o600), ("", 0o666)] {
                let before = FileFacts.number(of: path)
                try ReplacedFile.write(Array(text.utf8), to: path, mode: mode)
                #expect(try folder.read("f") == text)
                #expect(FileFacts.mode(of: path) == UInt32(S_IFREG) | mode)
                #expect(FileFacts.number(of: path) != before)
                #expect(try Self.names(in: folder) == ["f"])
            }
        }
    }

    @Test("takes the place of a link, and of what a process left that was ended while it wrote")
    func leftovers() async throws {
        try await TemporaryFolder.with { folder in
            try folder.write("elsewhere", to: "e")
            #expect(symlink("e", folder.path(of: "f")) == 0)
            #expect(symlink("e", folder.path(of: ".f.new")) == 0)
            try ReplacedFile.write([0x31], to: folder.path(of: "f"), mode: 0o644)
            #expect(try folder.read("f") == "1")
            #expect(try folder.read("e") == "elsewhere")
            #expect(try Self.names(in: folder) == ["e", "f"])
        }
    }

    @Test("stays as it was where it cannot be replaced")
    func failure() async throws {
        try await TemporaryFolder.with { folder in
            try folder.makeFolder("f")
            #expect(throws: SystemError("rename", EISDIR)) {
                try ReplacedFile.write([0x31], to: folder.path(of: "f"), mode: 0o644)
            }
            #expect(try Self.names(in: folder) == ["f"])
            #expect(throws: SystemError("open", ENOENT)) {
                try ReplacedFile.write([0x31], to: folder.path(of: "none/f"), mode: 0o644)
            }
        }
    }

    @Test("is no pipe or device, also behind a link: those stay")
    func special() async throws {
        try await TemporaryFolder.with { folder in
            #expect(mkfifo(folder.path(of: "p"), 0o600) == 0)
            #expect(symlink("p", folder.path(of: "f")) == 0)
            for name in ["p", "f"] {
                #expect(throws: SystemError("stat", ENOTSUP)) {
                    try ReplacedFile.write([0x31], to: folder.path(of: name), mode: 0o644)
                }
                #expect(throws: SystemError("stat", ENOTSUP)) { try ReplacedFile.remove(folder.path(of: name)) }
            }
            #expect(FileFacts.mode(of: folder.path(of: "p")) == UInt32(S_IFIFO) | 0o600)
            let names = try Self.names(in: folder)
            #expect(names == ["f", "p"])
        }
    }

    @Test("may be removed, and need not be there for that")
    func removal() async throws {
        try await TemporaryFolder.with { folder in
            try folder.write("text", to: "f")
            for _ in 0..<2 { try ReplacedFile.remove(folder.path(of: "f")) }
            #expect(try Self.names(in: folder) == [])
            try folder.makeFolder("f")
            #expect(throws: SystemError.self) { try ReplacedFile.remove(folder.path(of: "f")) }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import Linux
import RstreamConfig
import Testing

@Suite("the real files")
struct FileSystemTests {
    @Test("a file comes with its permission bits, a directory with its names")
    func reads() throws {
        try withFolder { folder in
            try write("abc", to: "\(folder)/a", mode: 0o604)
            try write("", to: "\(folder)/b", mode: 0o600)
            let contents = try FileSystem().read("\(folder)/a", limit: 3)
            #expect(contents.bytes == Array("abc".utf8))
            #expect(contents.mode == 0o604)
            #expect(contents.file.owner == geteuid())
            #expect(contents.file.path == "\(folder)/a")
            #expect(contents.way.map(\.path) == ["/", "/tmp", folder])
            #expect(try FileSystem().way(to: folder) == contents.way)
            #expect(try FileSystem().names(in: folder).sorted() == ["a", "b"])
        }
    }

    @Test("what cannot be read says why")
    func failures() throws {
        try withFolder { folder in
            try write("abcd", to: "\(folder)/a", mode: 0o600)
            #expect(throws: FileAccessError.missing) { try FileSystem().read("\(folder)/absent", limit: 9) }
            #expect(throws: FileAccessError.missing) { try FileSystem().read("\(folder)/a/b", limit: 9) }
            #expect(throws: FileAccessError.missing) { try FileSystem().names(in: "\(folder)/absent") }
            #expect(throws: FileAccessError.tooLong(limit: 3)) { try FileSystem().read("\(folder)/a", limit: 3) }
            #expect(throws: FileAccessError.failed("not a regular file")) { try FileSystem().read(folder, limit: 9) }
        }
    }

    @Test("a pipe does not make the loader wait")
    func pipe() throws {
        try withFolder { folder in
            #expect(mkfifo("\(folder)/p", 0o600) == 0)
            #expect(throws: FileAccessError.failed("not a regular file")) {
                try FileSystem().read("\(folder)/p", limit: 9)
            }
        }
    }

    private func withFolder(_ body: (String) throws -> Void) throws {
        var template = Array("/tmp/rstreamd-config-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer {
            for name in ["a", "b", "p"] { unlink("\(folder)/\(name)") }
            rmdir(folder)
        }
        try body(folder)
    }

    private func write(_ text: String, to path: String, mode: mode_t) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        #expect(Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count)
        #expect(fchmod(descriptor, mode) == 0)
    }
}

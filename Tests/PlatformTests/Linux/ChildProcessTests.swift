// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import Linux
import RstreamTestSupport
import Testing

@Suite("A program that is run", .serialized)
struct ChildProcessTests {
    @Test("gives what it writes, unless it fails or takes too long")
    func output() async throws {
        func run(_ command: String, limit: Int = 1_000) -> String? {
            ChildProcess.output("/bin/sh", ["-c", command], limit: limit, within: testTimeout)
                .map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(run("cat; echo hello") == "hello\n")
        #expect(run("yes | head -c 300000", limit: 10) == "y\ny\ny\ny\ny\n")
        #expect(run("echo no; exit 3") == nil)
        #expect(ChildProcess.output("/no/such/program", []) == nil)
        // The time is over before it can have ended.
        #expect(ChildProcess.output("/bin/sh", ["-c", "exec sleep 600"], within: .milliseconds(10)) == nil)
        // It lives on when it has nothing more to say.
        let silent = "echo hello; exec sleep 600 >&-"
        #expect(ChildProcess.output("/bin/sh", ["-c", silent], within: .milliseconds(100)) == nil)
    }

    /// What a shell command writes, and how it ends.
    private func run(_ command: String) throws -> (end: ChildProcess.End, output: [String], errors: [String]) {
        var (output, errors) = ([String](), [String]())
        let end = try ChildProcess.run("/bin/sh", ["-c", command]) {
            output.append($0)
        } errors: {
            errors.append($0)
        }
        return (end, output, errors)
    }

    @Test("hands over each line of both streams, the last one without an end too, and says how it ended")
    func lines() throws {
        let done = try run("echo a; echo b >&2; printf 'c\\nd'")
        #expect(done.end == .status(0) && done.output == ["a", "c", "d"] && done.errors == ["b"])
        #expect(try run("exit 77").end == .status(77))
        #expect(try run("kill -KILL $$").end == .signal(SIGKILL))
        let silent = try run("exec >&- 2>&-; sleep 0.1; exit 3")
        #expect(silent.end == .status(3), "it lives on after it has closed its streams")
        let long = try run("head -c 300000 /dev/zero | tr '\\0' x; echo; echo end")
        #expect(long.output.map(\.utf8.count) == [300_000, 3])
    }

    @Test("blocks no signal and ignores none of this process's own")
    func signals() throws {
        let masks = try run("grep -E '^Sig(Blk|Ign):' /proc/self/status").output
        let bits = masks.compactMap { $0.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) } }
        #expect(bits.count == 2)
        // SIGPIPE is the signal that sockets made this process ignore.
        #expect(bits.first == 0 && bits.last.map { $0 & 1 << UInt64(SIGPIPE - 1) } == 0, "\(masks)")
    }

    /// As sockets of NIO are.
    @Test("gets no descriptor that is not meant for it, however that was opened")
    func descriptors() async throws {
        let other = open("/dev/null", O_RDONLY)
        let passed = open("/dev/zero", O_RDONLY | O_CLOEXEC)
        defer { for descriptor in [other, passed] { close(descriptor) } }
        #expect(other > 3 && fcntl(other, F_GETFD) == 0)
        let absent = "test ! -e /proc/$$/fd/\(other)"
        #expect(try run(absent).end == .status(0))
        #expect(ChildProcess.output("/bin/sh", ["-c", absent], within: testTimeout) != nil)
        try await TemporaryFolder.with { folder in
            let list = "readlink /proc/$$/fd/3 /proc/$$/fd/\(other) > \(folder.path(of: "list"))"
            let process = try ChildProcess.start("/bin/sh", ["-c", list], variables: [], passing: passed, as: 3)
            #expect(ChildProcess.wait(for: process) != .status(0), "the second one is not there")
            #expect(try folder.read("list") == "/dev/zero\n")
        }
    }

    @Test("that does not exist is the kernel's error")
    func missing() {
        #expect(throws: SystemError.self) {
            try ChildProcess.run("/no/such/program", [], output: { _ in }, errors: { _ in })
        }
    }
}

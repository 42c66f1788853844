// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Glibc
import RstreamTestSupport
import Synchronization
import Testing

@testable import Systemd

@Suite("Entries of the journal")
struct JournalEntryTests {
    private func bytes(_ fields: (String, String)...) -> [UInt8] {
        var entry = JournalEntry()
        for (name, value) in fields { entry.add(name, value) }
        return entry.bytes
    }

    @Test("have a line for each field of one line, whatever else is in it")
    func oneLine() {
        #expect(
            bytes(("MESSAGE", "a=b \"ü\"\r\u{1B}"), ("PRIORITY", "6"))
                == Array("MESSAGE=a=b \"ü\"\r\u{1B}\nPRIORITY=6\n".utf8)
        )
        #expect(bytes(("A", "")) == Array("A=\n".utf8))
        #expect(bytes(("A", "x\0y")) == Array("A=x\0y\n".utf8))
    }

    @Test("tell the length of a value with line breaks, which can then not add fields")
    func severalLines() {
        let value = "1\nPRIORITY=0\n"
        let length: [UInt8] = [13, 0, 0, 0, 0, 0, 0, 0]
        #expect(bytes(("A", value), ("B", "2")) == Array("A\n".utf8) + length + Array("\(value)\nB=2\n".utf8))
        let long = String(repeating: "é\n", count: 200)
        #expect(bytes(("A", long)) == Array("A\n".utf8) + [0x58, 2, 0, 0, 0, 0, 0, 0] + Array("\(long)\n".utf8))
    }

    @Test(
        "have names that journald takes",
        arguments: [
            ("RSTREAM_error_code", "RSTREAM_ERROR_CODE"), ("a.b-c d=\n", "A_B_C_D__"), ("_TRANSPORT", "TRANSPORT"),
            ("9lives", "LIVES"), ("é", ""), ("", ""), ("__", ""),
            (String(repeating: "x", count: 65), String(repeating: "X", count: 64)),
        ]
    )
    func names(given: String, taken: String) {
        #expect(bytes((given, "v")) == (taken.isEmpty ? [] : Array("\(taken)=v\n".utf8)))
    }
}

@Suite("The journal's socket")
struct JournalSocketTests {
    private func entry(_ value: String) -> JournalEntry {
        var entry = JournalEntry()
        entry.add("MESSAGE", value)
        return entry
    }

    @Test("gets each entry as one datagram, also from a journal that came back")
    func datagrams() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "journal")
            let socket = JournalSocket(path: path)
            defer { socket.close() }
            for _ in 0..<2 {
                let journal = try DatagramSocket(path: path)
                #expect(socket.send(entry("one\ntwo")))
                #expect(socket.send(entry("three")))
                #expect(journal.next() == entry("one\ntwo").bytes)
                #expect(journal.next() == entry("three").bytes)
                #expect(journal.next().isEmpty)
                try folder.remove("journal")
            }
        }
    }

    @Test("takes a long entry, and says of one that is too long that it did not")
    func length() async throws {
        try await TemporaryFolder.with { folder in
            let path = folder.path(of: "journal")
            let journal = try DatagramSocket(path: path)
            let socket = JournalSocket(path: path)
            defer { socket.close() }
            let long = entry(String(repeating: "x", count: 100_000))
            #expect(socket.send(long))
            #expect(journal.next() == long.bytes)
            #expect(!socket.send(entry(String(repeating: "x", count: 10_000_000))))
            #expect(journal.next().isEmpty)
        }
    }

    @Test("says that entries are not accepted without a journal")
    func missing() async throws {
        try await TemporaryFolder.with { folder in
            for path in [
                folder.path(of: "journal"), try folder.write("", to: "file"), String(repeating: "x", count: 108), "",
            ] {
                let socket = JournalSocket(path: path)
                defer { socket.close() }
                #expect(!socket.send(entry("x")), "\(path)")
            }
            let closed = JournalSocket(path: folder.path(of: "journal"))
            closed.close()
            #expect(!closed.send(entry("x")))
        }
    }
}

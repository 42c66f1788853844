// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import Testing

@testable import Systemd

@Suite("Messages to systemd")
struct NotifyMessageTests {
    /// What systemd makes of a datagram: it splits at line feeds and looks at what stands before the first `=`.
    private func names(_ message: NotifyMessage) -> [String] {
        message.bytes.split(separator: UInt8(ascii: "\n")).map { line in
            String(decoding: line.prefix { $0 != UInt8(ascii: "=") }, as: UTF8.self)
        }
    }

    /// In an array, because a test runner prints its arguments.
    private static let statuses = [
        "x\nWATCHDOG=trigger", "x\r\nWATCHDOG=trigger\r\nMAINPID=1", "x\rMAINPID=1", "\nREADY=0",
        "\r\n\r\nSTOPPING=1",
        "x\u{0B}MAINPID=1", "x\u{85}MAINPID=1", "x\u{2028}MAINPID=1", "x\u{0}\nMAINPID=1", "x\n\u{301}MAINPID=1",
        "\u{301}\nMAINPID=1", "x\r\u{301}\nMAINPID=1", String(repeating: "y", count: 2_000) + "\nMAINPID=1",
        String(repeating: "\n", count: 2_000) + "MAINPID=1",
    ]

    @Test("no status begins another field", arguments: statuses.indices)
    func oneField(index: Int) {
        let status = Self.statuses[index]
        let message = NotifyMessage(.status(status))
        #expect(names(message) == ["STATUS"])
        #expect(!message.bytes.contains { $0 < 0x20 || $0 == 0x7F })
        #expect(message.bytes.count <= "STATUS=".utf8.count + NotifyMessage.longestStatus)
    }

    @Test("what moves a terminal stands as an escape")
    func escapes() {
        let message = NotifyMessage(.status("a\u{1B}[2Jb\u{9B}31mc\u{202E}d\u{200B}e\u{FEFF}"))
        #expect(
            String(decoding: message.bytes, as: UTF8.self)
                == #"STATUS=a\u{1B}[2Jb\u{9B}31mc\u{202E}d\u{200B}e\u{FEFF}"#
        )
    }

    @Test("a long status is cut where a scalar ends")
    func cut() {
        let message = NotifyMessage(.status(String(repeating: "é", count: 1_000)))
        #expect(message.bytes.count <= "STATUS=".utf8.count + NotifyMessage.longestStatus)
        #expect(String(validating: message.bytes, as: UTF8.self)?.hasSuffix("é…") == true)
    }

    @Test("the fields are those of sd_notify(3)")
    func fields() {
        let all: [(NotifyMessage.Field, String)] = [
            (.ready, "READY=1"), (.stopping, "STOPPING=1"), (.watchdog, "WATCHDOG=1"),
            (.reloading(monotonicMicroseconds: 7), "RELOADING=1\nMONOTONIC_USEC=7"),
            (.extendTimeout(microseconds: 5), "EXTEND_TIMEOUT_USEC=5"), (.status("fine"), "STATUS=fine"),
            (.mainProcess(7), "MAINPID=7"), (.keep(.takeOver), "FDSTORE=1\nFDNAME=take-over"),
            (.forget(.previous), "FDSTOREREMOVE=1\nFDNAME=previous"),
        ]
        for (field, text) in all { #expect(NotifyMessage(field).bytes == Array(text.utf8)) }
    }
}

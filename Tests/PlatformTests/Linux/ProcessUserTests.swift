// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import FoundationEssentials
import Linux
import Testing

@Suite("With whose rights a process works", .serialized)
struct ProcessUserTests {
    @Test("is what the kernel says about the process: the effective user and group, and all groups")
    func status() {
        let text = "Name:\tx\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nFDSize:\t64\nGroups:\t9 10 \n"
        #expect(ProcessUser(status: text) == ProcessUser(user: 2, group: 6, groups: [6, 9, 10]))
        #expect(ProcessUser(status: text.replacing("Groups:\t9 10 ", with: "Groups:\t"))?.groups == [6])
        for broken in ["", "Uid:\t1\t2\n", text.replacing("Uid", with: "Vid"), text.replacing("\t2\t", with: "\tx\t")] {
            #expect(ProcessUser(status: broken) == nil, "\(broken)")
        }
    }

    @Test("is found in /proc for this process")
    func own() throws {
        let text = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        #expect(ProcessUser(status: text) == .current)
    }

    @Test("is unknown if this host has no such user")
    func unknown() {
        #expect(ProcessUser(named: "no-such-user-here") == nil)
        #expect(ProcessUser(named: "root")?.user == 0)
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel
import RstreamTestSupport
import Testing

@testable import Rstream

@Suite("/etc/hosts")
struct HostsFileTests {
    private static let text = """
        # 192.0.2.9 commented
        127.0.0.1\tlocalhost  printer.Office\r
        ::1 localhost ip6-localhost # also.commented
        192.0.2.1   db db.example   db2
        192.0.2.2 db
        192.0.2.2 db
        fe80::1%eth0 scoped
        no-address broken
        192.0.2.3
        """

    @Test(
        "has the addresses of a name in the file's order, whatever the case",
        arguments: [
            ("localhost", ["127.0.0.1", "::1"]),
            ("LOCALHOST", ["127.0.0.1", "::1"]),
            ("printer.office", ["127.0.0.1"]),
            ("db", ["192.0.2.1", "192.0.2.2"]),
            ("db.example", ["192.0.2.1"]),
            ("db2", ["192.0.2.1"]),
            ("d", []),
            ("example", []),
            ("commented", []),
            ("also.commented", []),
            ("scoped", []),
            ("broken", []),
            ("192.0.2.3", []),
        ]
    )
    func names(name: String, addresses: [String]) {
        let found = HostsFile.addresses(of: name, in: Array(Self.text.utf8))
        #expect(found == addresses.map(ip))
    }

    @Test("may be missing")
    func file() throws {
        #expect(HostsFile.addresses(of: "db", path: "/nonexistent/hosts").isEmpty)
    }
}

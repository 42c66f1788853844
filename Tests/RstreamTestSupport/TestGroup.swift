// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc

/// A group that this process may give its files to.
package struct TestGroup: Sendable {
    package let name: String
    package let id: UInt32

    /// Another one than the process has, where that is root's; else one that its user is in. Nil where none has a name.
    package static let usable: TestGroup? = {
        var groups = [gid_t](repeating: 0, count: 65_536)
        let count = getgroups(CInt(groups.count), &groups)
        // Every system has one of its daemons.
        let own = [getegid()] + groups.prefix(max(0, Int(count)))
        for id in geteuid() == 0 ? [1] + own : own {
            guard let entry = getgrgid(id) else { continue }
            return TestGroup(name: String(cString: entry.pointee.gr_name), id: id)
        }
        return nil
    }()
}

// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc
internal import RstreamModel

/// The effective user and groups of a process.
package struct ProcessUser: Hashable, Sendable {
    package let user: UInt32
    package let group: UInt32
    /// All groups, ``group`` among them.
    package let groups: Set<UInt32>

    package init(user: UInt32, group: UInt32, groups: Set<UInt32>) {
        (self.user, self.group, self.groups) = (user, group, groups.union([group]))
    }

    /// A user of this host; nil when there is none of that name.
    package init?(named name: String) {
        guard let (user, group) = Accounts.host.identity(name) else { return nil }
        self.init(user: user, group: group, groups: Accounts.groups(of: user, primary: group))
    }

    /// What the kernel says about a process in `/proc/PID/status`; nil when it is not that.
    package init?(status text: String) {
        func numbers(_ key: String) -> [UInt32] {
            let line = text.split(byte: "\n").first { $0.startsWithBytes(of: key + ":\t") }
            return line?.dropFirst(key.count + 1).split { $0 == "\t" || $0 == " " }.compactMap { UInt32($0) } ?? []
        }
        // The real one, the effective one and two more.
        let (users, groups) = (numbers("Uid"), numbers("Gid"))
        guard users.count == 4, groups.count == 4 else { return nil }
        self.init(user: users[1], group: groups[1], groups: Set(numbers("Groups")))
    }

    /// Those of this process.
    package static var current: ProcessUser { ProcessUser(user: geteuid(), group: getegid(), groups: ownGroups) }

    static var ownGroups: Set<UInt32> {
        let count = getgroups(0, nil)
        var groups = [gid_t](repeating: 0, count: max(Int(count), 0))
        let found = unsafe groups.withUnsafeMutableBufferPointer { unsafe getgroups(count, $0.baseAddress) }
        return Set(groups.prefix(max(Int(found), 0))).union([getegid()])
    }

    /// Gives the process these rights, in all threads, until the next call. Only root can, and can change back.
    package func become() throws(SystemError) {
        // Only root may change groups, so that comes first where rights are given up, and last where they come back.
        if geteuid() != 0, user == 0, seteuid(0) != 0 { throw SystemError("seteuid", errno) }
        let list = groups.sorted()
        guard unsafe setgroups(list.count, list) == 0 else { throw SystemError("setgroups", errno) }
        guard setegid(group) == 0 else { throw SystemError("setegid", errno) }
        guard seteuid(user) == 0 else { throw SystemError("seteuid", errno) }
    }
}

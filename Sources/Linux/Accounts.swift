// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import Glibc

/// The users and groups of this host.
///
/// A directory service may be asked, so every look-up may block.
package struct Accounts: Sendable {
    /// The number of a user; nil when no user has that name.
    package let user: @Sendable (_ name: String) -> UInt32?
    /// The name of a user; nil when the number has none.
    package let nameOfUser: @Sendable (_ user: UInt32) -> String?
    /// The name of a group; nil when the number has none.
    package let nameOfGroup: @Sendable (_ group: UInt32) -> String?
    /// Whether a group is the private one of the user with the same number: it has the same name and no other members.
    package let isPrivate: @Sendable (_ group: UInt32) -> Bool

    /// Made-up accounts, for tests.
    package init(
        user: @escaping @Sendable (String) -> UInt32?,
        nameOfUser: @escaping @Sendable (UInt32) -> String?,
        nameOfGroup: @escaping @Sendable (UInt32) -> String?,
        isPrivate: @escaping @Sendable (UInt32) -> Bool
    ) {
        self.user = user
        self.nameOfUser = nameOfUser
        self.nameOfGroup = nameOfGroup
        self.isPrivate = isPrivate
    }

    /// The accounts of this host.
    package static let host = Accounts(
        user: { User(named: $0)?.id },
        nameOfUser: { User(id: $0).map { String(decoding: $0.name, as: UTF8.self) } },
        nameOfGroup: { Group(id: $0).map { String(decoding: $0.name, as: UTF8.self) } },
        isPrivate: { id in
            guard let owner = User(id: id), let group = Group(id: id) else { return false }
            return group.name == owner.name && group.members.allSatisfy { $0 == owner.name }
        }
    )

    /// The numbers of a user and of its first group; nil when no user has that name.
    package func identity(_ name: String) -> (user: UInt32, group: UInt32)? {
        User(named: name).map { ($0.id, $0.group) }
    }

    /// The number of a group; nil when no group has that name.
    package static func group(_ name: String) -> UInt32? { Group(named: name)?.id }

    /// The numbers of the users that a group lists as members; empty when no group has that name.
    package static func members(ofGroup name: String) -> Set<UInt32> {
        Set((Group(named: name)?.members ?? []).compactMap { User(named: String(decoding: $0, as: UTF8.self))?.id })
    }

    /// The groups that a user is a member of, `primary` among them.
    package static func groups(of user: UInt32, primary: UInt32) -> Set<UInt32> {
        guard let name = host.nameOfUser(user) else { return [primary] }
        var count = CInt(64)
        while count <= 65_536 {
            var groups = [gid_t](repeating: 0, count: Int(count))
            if unsafe getgrouplist(name, primary, &groups, &count) >= 0 { return Set(groups.prefix(Int(count))) }
            count = max(count, CInt(groups.count) * 2)
        }
        return [primary]
    }
}

/// An entry of the user database (passwd(5)). Names are bytes: Swift compares texts by characters.
private struct User {
    let name: [UInt8]
    let id: UInt32
    let group: UInt32

    init?(named name: String) {
        unsafe self.init { unsafe getpwnam_r(name, $0, $1, $2, $3) }
    }

    init?(id: UInt32) {
        unsafe self.init { unsafe getpwuid_r(id, $0, $1, $2, $3) }
    }

    private init?(_ find: LookUp<passwd>) {
        let found = unsafe lookUp(passwd(), find) { entry in
            unsafe (name: bytes(entry.pw_name), id: entry.pw_uid, group: entry.pw_gid)
        }
        guard let found else { return nil }
        (name, id, group) = found
    }
}

/// An entry of the group database (group(5)).
private struct Group {
    let name: [UInt8]
    let id: UInt32
    let members: [[UInt8]]

    init?(named name: String) {
        unsafe self.init { unsafe getgrnam_r(name, $0, $1, $2, $3) }
    }

    init?(id: UInt32) {
        unsafe self.init { unsafe getgrgid_r(id, $0, $1, $2, $3) }
    }

    private init?(_ find: LookUp<group>) {
        let found = unsafe lookUp(group(), find) { entry in
            var members: [[UInt8]] = []
            var next = unsafe entry.gr_mem
            while let member = unsafe next?.pointee {
                unsafe members.append(bytes(member))
                unsafe next = next?.successor()
            }
            return unsafe (name: bytes(entry.gr_name), id: entry.gr_gid, members: members)
        }
        guard let found else { return nil }
        (name, id, members) = found
    }
}

private typealias LookUp<Entry> = (
    UnsafeMutablePointer<Entry>, UnsafeMutablePointer<CChar>, Int, UnsafeMutablePointer<UnsafeMutablePointer<Entry>?>
) -> CInt

/// What `read` takes from the entry that `find` finds, with as much room as the entry's texts need.
private func lookUp<Entry, Value>(_ empty: Entry, _ find: LookUp<Entry>, _ read: (Entry) -> Value) -> Value? {
    MayBlock.now("a look-up of a user or group")
    var size = 4_096
    while size <= 1 << 22 {
        var entry = empty
        var found: UnsafeMutablePointer<Entry>?
        var value: Value?
        let result = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) { buffer -> CInt in
            guard let base = buffer.baseAddress else { return ENOMEM }
            let result = unsafe find(&entry, base, size, &found)
            if result == 0, unsafe found != nil { value = read(entry) }
            return result
        }
        guard result == ERANGE else { return value }
        size *= 4
    }
    return nil
}

private func bytes(_ text: UnsafePointer<CChar>?) -> [UInt8] {
    guard let text = unsafe text else { return [] }
    return unsafe Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
}
